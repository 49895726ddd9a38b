"""One page over several runs of agents: every episode with its outcome, video and replay."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from surefoot.agents.replay.highlights import saved_by_looking, saved_by_verifier
from surefoot.agents.replay.saved import SavedEpisode, page_file, read_saved
from surefoot.results.page import render_page
from surefoot.results.run_folder import REPORT_NAME, read_run
from surefoot.results.statistics import wilson


def render_overview(title: str, runs: Sequence[Path], folder: Path) -> str:
    """Builds the page.

    Args:
        title: Its title.
        runs: Finished run folders.
        folder: Where the page will lie; its links are relative to it.

    Returns:
        A complete HTML document with the last image of every episode in it.

    Raises:
        InputError: A run cannot be read.
    """
    rows = [_row(run, key, folder) for run in runs for key in read_run(run).records]
    good = sum(row["success"] for row in rows)
    interval = wilson(good, len(rows))
    return render_page(
        "overview.html.j2",
        package="surefoot.agents.replay",
        title=title,
        good=good,
        n=len(rows),
        interval=f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %",
        reports=[(run.name, relpath(run / REPORT_NAME, folder)) for run in runs],
        rows=rows,
    )


def _row(run: Path, key: str, folder: Path) -> dict[str, Any]:
    saved: SavedEpisode | None = None
    record = read_run(run).records[key]
    if "agent" in record["extra"]:
        saved = read_saved(run, key)
    success = record["outcome"] == "success"
    agent = record["extra"].get("agent", {})
    media = record["media"]
    return {
        "key": f"{run.name}: {key}",
        "success": success,
        "outcome": record["outcome"].replace("_", " "),
        "reason": record["reason"],
        "instruction": record["instruction"],
        "counts": ", ".join(f"{agent[n]} {words}" for n, words in _COUNTS.items() if agent.get(n)),
        "saved": _saved(saved) if saved is not None and success else [],
        "picture": _picture(run, media.get("last", "")),
        "video": relpath(run / "media" / media["video"], folder) if "video" in media else "",
        "replay": relpath(page_file(run, key), folder) if saved is not None else "",
    }


_COUNTS = {
    "decisions": "decisions",
    "looks": "looks again",
    "repairs": "plans sent back",
    "asked": "times asked",
    "pauses": "pauses",
}


def _saved(saved: SavedEpisode) -> list[tuple[str, str]]:
    found = (
        ("saved by looking again", saved_by_looking(saved.steps)),
        ("saved by the verifier", saved_by_verifier(saved.steps)),
    )
    return [(by, why) for by, why in found if why]


def _picture(run: Path, name: str) -> str:
    import base64

    try:
        data = (run / "media" / name).read_bytes() if name else b""
    except OSError:
        data = b""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else ""
