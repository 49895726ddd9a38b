"""Draws README's image: a decision in which the agent was unsure, looked again, and acted.

    surefoot demo --out runs/demo
    python docs/images/look_again.py runs/demo/crossing --out docs/images/look-again.png

The decision is the first of the run in which a further view settled a fact on which the verdict
depended; ``--episode`` names another episode.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

SIDE, MARGIN, LINE = 300, 16, 19
INK, QUIET, UNSURE, SURE = "#1d2733", "#5d6b7a", "#b45309", "#15803d"


def settled(step: dict[str, Any]) -> tuple[int, int, str] | None:
    """Returns the turns before and after a look, and the fact that it settled."""
    turns = step["thoughts"]
    for i, (before, after) in enumerate(pairwise(turns)):
        for fact in before["matters"]:
            unsure = len(before["members"][fact]) > 1
            more = len(after["views"]) > len(before["views"])
            if unsure and more and len(after["members"][fact]) == 1:
                return i, i + 1, fact
    return None


def decisions(run: Path, episode: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields episode, instruction and decision of a run, in order."""
    for path in sorted((run / "steps").glob("*.json")):
        if episode in ("", path.stem):
            data = json.loads(path.read_text(encoding="utf-8"))
            for step in data["moments"]:
                yield path.stem, data["instruction"], step


def caption(turn: dict[str, Any], fact: str) -> list[tuple[str, str]]:
    """Returns the lines under a picture with their colours."""
    members = turn["members"][fact]
    inside = ", ".join(members)
    doubt = len(members) > 1
    belief = "  ".join(f"{option} {p:.2f}" for option, p in turn["facts"][fact].items())
    verdict = (
        f"the plan is safe in {turn['good']} of {turn['worlds']} worlds"
        if turn["worlds"] > 1
        else "the plan obeys every rule"
    )
    return [
        (f"{fact.replace('_', ' ')}: {belief}", QUIET),
        (f"conformal set: {{{inside}}}", UNSURE if doubt else SURE),
        (f"{verdict}: {turn['route']}", UNSURE if turn["route"] == "look" else SURE),
    ]


def main() -> None:
    """Reads the command line and writes the image."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--episode", default="", help="such as left-at-sign-0.5-8")
    parser.add_argument("--out", type=Path, default=Path("docs/images/look-again.png"))
    given = parser.parse_args()
    found = ((*d, s) for d in decisions(given.run, given.episode) if (s := settled(d[2])))
    chosen = next(found, None)
    if chosen is None:
        raise SystemExit("no decision of this run was settled by looking again")
    name, instruction, step, (before, after, fact) = chosen
    turns = [step["thoughts"][i] for i in (before, after)]
    # Views of a moving world add up over decisions, so pictures are counted from the last one.
    views = len(step["thoughts"][-1]["views"])
    panels = [(turn, step["pictures"][len(turn["views"]) - views - 1]) for turn in turns]
    width = MARGIN + len(panels) * (SIDE + MARGIN)
    image = Image.new("RGB", (width, SIDE + 6 * LINE + MARGIN), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    draw.text((MARGIN, MARGIN // 2), f"{instruction} ({name})", INK, font)
    for i, (turn, (view, file)) in enumerate(panels):
        x, y = MARGIN + i * (SIDE + MARGIN), MARGIN + LINE
        picture = Image.open(given.run / file).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.paste(picture, (x, y))
        draw.text((x, y + SIDE + 6), f"look {i + 1}: {view}", INK, font)
        for row, (text, colour) in enumerate(caption(turn, fact), start=1):
            draw.text((x, y + SIDE + 6 + row * LINE), text, colour, font)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    image.save(given.out, optimize=True)


if __name__ == "__main__":
    main()
