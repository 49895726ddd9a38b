"""The replay pages of a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot.agents.replay.page import render_replay
from surefoot.agents.replay.saved import PAGES, page_file, read_record, steps_file
from surefoot.core.files import write_within
from surefoot.results.run_folder import read_run


def write_pages(run: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Writes the pages of a run's episodes that have none yet.

    Args:
        run: The run folder.
        records: Its records by key.

    Returns:
        Addresses relative to the folder, by key; an episode without thoughts has none.

    Raises:
        InputError: A file is damaged, or a page cannot be written.
    """
    found = {}
    config = read_run(run).manifest.config
    for key, record in records.items():
        if "agent" not in record["extra"]:
            continue
        page = page_file(run, key)
        if not page.exists():
            if not steps_file(run, key.replace("/", "-")).exists():
                continue  # the file was removed; the report has no link then
            video = record["media"].get("video", "")
            write_within(
                page,
                render_replay(
                    read_record(run, key, config, record),
                    video=video and f"../media/{video}",
                ),
            )
        found[key] = f"{PAGES}/{page.name}"
    return found
