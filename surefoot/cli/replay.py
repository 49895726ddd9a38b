"""``surefoot replay``: what an agent saw, believed, planned and did in one episode."""

from __future__ import annotations

from os.path import relpath
from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import note
from surefoot.core.files import write_within


def replay(
    run: Annotated[Path, typer.Argument(help="The run folder.", show_default=False)],
    episode: Annotated[
        str, typer.Argument(help="Key of the episode, such as tidy/easy/8.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write; RUN/replay/NAME.html by default.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a page with the timeline of an agent's episode."""
    from surefoot.agents.replay.page import render_replay
    from surefoot.agents.replay.saved import page_file, read_saved

    saved = read_saved(run, episode)
    page = out or page_file(run, episode)
    video = saved.record["media"].get("video", "")
    if video:
        video = relpath(run / "media" / video, page.parent)
    write_within(page, render_replay(saved, video=video))
    note(f"replay: {page}")
    if show:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
