"""The page of a restoration: before and after, the baselines, and the fit."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.results.lines import Curve, line_chart
from surefoot.results.page import render_page, trusted
from surefoot.sparsity.lottery.restoring.files import ImageFile
from surefoot.sparsity.lottery.restoring.settings import TASKS
from surefoot.sparsity.lottery.restoring.stopping import RULES

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.restoring.fitting import FitResult


def render_restoration(
    summary: Mapping[str, Any],
    before: ImageFile,
    after: ImageFile,
    peers: Mapping[str, ImageFile],
    found: FitResult | None,
) -> str:
    """Renders the page.

    Args:
        summary: Content of ``summary.json``.
        before: The given image; unknown pixels are transparent.
        after: The result.
        peers: Results of the baselines, by name.
        found: The fit, if any.
    """
    stop = summary["stop"]
    return render_page(
        "restoration.html.j2",
        package="surefoot.sparsity.lottery.restoring",
        title=f"Image restored: {TASKS[summary['task']]}",
        lead=summary["trivial"]
        or (
            f"Stopped by the {RULES[stop['rule']]}, at step {stop['step']}, after "
            f"{stop['seconds']:.1f} s of fitting"
            + (
                ""
                if stop["rule"] == stop["asked"]
                else "; the residual never reached the noise level"
            )
        ),
        pictures=[
            {"name": name, "url": _url(p), "score": score_text(score)}
            for name, p, score in (
                ("before", before, None),
                ("restored", after, summary["result"]),
                *((name, p, summary["peers"][name]) for name, p in peers.items()),
            )
        ],
        facts=_facts(summary),
        stops=[
            {
                "name": RULES[rule],
                "step": s["step"],
                "seconds": f"{s['seconds']:.1f}",
                "psnr": "–" if s["psnr"] is None else f"{s['psnr']:.2f}",
                "used": stop["rule"] == rule,
                "oracle": rule == "oracle",
            }
            for rule, s in sorted(summary["stops"].items(), key=lambda x: list(RULES).index(x[0]))
        ],
        charts=[] if found is None else _charts(found, summary["sigma"]),
        layers=_layers(summary["ticket"]),
    )


def score_text(score: Mapping[str, float | None] | None) -> str:
    """Formats the fidelity of an image; empty if the truth is unknown."""
    if score is None or score["psnr"] is None:
        return ""
    text = f"{score['psnr']:.2f} dB"
    return text if score["ssim"] is None else f"{text}, SSIM {score['ssim']:.3f}"


def _url(picture: ImageFile) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.to_png()).decode()}"


def _facts(summary: Mapping[str, Any]) -> dict[str, str]:
    height, width = summary["size"]
    facts = {
        "size": f"{width} x {height}, {summary['channels']} channels",
        "measured": summary["measured"],
        "noise": f"{summary['sigma']:.1f} of 255" + (", estimated" if summary["estimated"] else ""),
    }
    network, ticket = summary["network"], summary["ticket"]
    if network is not None:
        facts["network"] = (
            f"{network['kind']}, {network['depth']} levels of {network['width']} channels, "
            f"{network['weights']:,} weights"
        )
        facts["seed"] = str(summary["settings"]["seed"])
        facts["time of the fit"] = f"{summary['seconds']:.1f} s"
    if ticket is not None:
        kind = "a true image" if ticket["source"] == "clean" else "the observed image"
        facts["ticket"] = (
            f"{100 * ticket['sparsity']:.1f} % of the convolutions' weights pruned; found on "
            f"{kind} "
            f"({ticket['task']}){', given' if ticket['brought'] else ''}"
        )
    return facts


def _charts(found: FitResult, sigma: float) -> list[tuple[str, Any]]:
    """Draws the curves as root mean squares, which are comparable with the noise."""
    curve = found.curve
    residual = [(float(p.step), 255 * p.residual**0.5) for p in curve]
    curves = [Curve("fitted", residual)]
    if curve[0].held is not None:
        curves.append(Curve("held out", [(p.step, 255 * (p.held or 0) ** 0.5) for p in curve]))
    if sigma:
        ends = [(float(curve[0].step), sigma), (float(curve[-1].step), sigma)]
        curves.append(Curve("noise", ends))
    charts = [("Residual of the smoothed image", _drawn(curves, "of 255", 0.0))]
    if curve[0].psnr is not None:
        both = [
            Curve("smoothed image", [(p.step, p.psnr or 0.0) for p in curve]),
            Curve("image of the step", [(p.step, p.raw or 0.0) for p in curve]),
        ]
        charts.append(("PSNR against the truth", _drawn(both, "dB", None)))
    return [(title, trusted(chart)) for title, chart in charts]


def _drawn(curves: list[Curve], y: str, bottom: float | None) -> str:
    values = np.array([v for curve in curves for _, v in curve.points])
    low = float(np.floor(values.min())) if bottom is None else bottom
    return line_chart(
        curves, title=y, x="steps", y=y, top=float(np.ceil(values.max())), bottom=low, log_x=True
    )


def _layers(ticket: Mapping[str, Any] | None) -> list[dict[str, str]]:
    if ticket is None:
        return []
    return [
        {
            "name": layer["name"],
            "shape": " x ".join(map(str, layer["shape"])),
            "left": f"{100 * layer['alive'] / layer['size']:.1f} %",
            "channels": f"{layer['channels']} of {layer['shape'][0]}",
        }
        for layer in ticket["layers"]
    ]
