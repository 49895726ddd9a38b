"""The page of a diagnosis: filters as images, and their figures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.results.page import render_page, trusted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from surefoot.sparsity.lottery.receptive.layers import FirstLayer

SHOWN = 256
"""Largest number of units shown as images."""


def render_fields(layer: FirstLayer, summary: Mapping[str, Any]) -> str:
    """Renders the page.

    Args:
        layer: The layer.
        summary: Content of ``summary.json``.
    """
    units = summary["units"]
    shown = [
        {
            "picture": trusted(filter_image(layer.weights[u["unit"]])),
            "unit": u["unit"],
            "note": "nothing left" if not u["living"] else f"locality {u['locality']:.2f}",
            "local": u["living"] and u["p"] < 0.05,
        }
        for u in units[:SHOWN]
    ]
    return render_page(
        "fields.html.j2",
        package="surefoot.sparsity.lottery.receptive",
        title=f"Receptive fields of {summary['model']}",
        summary=summary,
        facts=_facts(layer, summary),
        findings=findings(summary),
        rows=_rows(summary),
        shown=shown,
        more=max(0, len(units) - SHOWN),
        colour=layer.channels == 3,
        units=[_unit(u) for u in units],
    )


def filter_image(weights: NDArray[np.float64]) -> str:
    """Draws a unit's weights as an image, grey for zero.

    Args:
        weights: ``[C, H, W]``; three channels are drawn as RGB, otherwise their mean as grey.

    Returns:
        An ``<img>`` element.
    """
    from PIL import Image

    most = float(np.abs(weights).max()) or 1.0
    shade = np.round(127.5 + 127.5 * weights / most).astype(np.uint8)
    if len(shade) == 3:
        image = Image.fromarray(shade.transpose(1, 2, 0))
    else:
        grey = weights.mean(0)
        most = float(np.abs(grey).max()) or 1.0
        image = Image.fromarray(np.round(127.5 + 127.5 * grey / most).astype(np.uint8))
    file = BytesIO()
    image.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    size = " x ".join(map(str, weights.shape[1:]))
    return f'<img alt="{escape(f"weights, {size}")}" src="data:image/png;base64,{data}">'


def findings(summary: Mapping[str, Any]) -> list[str]:
    """Describes the figures in sentences.

    Args:
        summary: Content of ``summary.json``.
    """
    found = summary["summary"]
    from scipy.stats import binomtest

    low, high = summary["intervals"]["kurtosis"]
    alive = found["living"]
    chance = binomtest(found["local_units"], alive, 0.05, "greater").pvalue
    said = [
        f"{found['local_units']} of {alive} unpruned units are more local than 95 % of their "
        f"shuffles; {0.05 * alive:.1f} are expected at chance level "
        f"(p = {chance:.2g})."
    ]
    if found["clone_kurtosis"] < low or found["clone_kurtosis"] > high:
        said.append(
            f"The outputs of the units are not Gaussian on these data: excess kurtosis "
            f"{found['kurtosis']:.2f} [{low:.2f}, {high:.2f}], on Gaussian data of the same "
            f"covariance {_short(found['clone_kurtosis'])}."
        )
    else:
        said.append(
            f"The outputs of the units cannot be distinguished from Gaussian: excess kurtosis "
            f"{found['kurtosis']:.2f} [{low:.2f}, {high:.2f}], on Gaussian data of the same "
            f"covariance {_short(found['clone_kurtosis'])}."
        )
    dealt = summary["dealt"]
    if dealt["low"] <= found["kurtosis"] <= dealt["high"]:
        said.append(
            "The same weights at shuffled positions give as much "
            f"({dealt['low']:.2f} to {dealt['high']:.2f}): it comes from the data, not from the "
            "filters."
        )
    else:
        more = "more" if found["kurtosis"] > dealt["high"] else "less"
        said.append(
            f"That is {more} than the same weights at shuffled positions give "
            f"({dealt['low']:.2f} to {dealt['high']:.2f})."
        )
    even = summary["even"]
    said.append(
        f"With all patches scaled to equal contrast it is {_short(even['kurtosis'])} (clone "
        f"{_short(even['clone'])}); the difference comes from patches having different contrast, "
        "not from their shapes."
    )
    if not summary["patches"]["classes"]:
        said.append(
            "The images have no classes, so kurtosis is computed over all of them and includes "
            "differences between kinds of images."
        )
    rows, columns = found["shape"][-2:]
    if rows * columns <= 9:
        said.append(
            f"{rows} x {columns} positions leave little room for locality; figures of single units "
            "are of little value."
        )
    return said


def _facts(layer: FirstLayer, summary: Mapping[str, Any]) -> dict[str, str]:
    found, patches = summary["summary"], summary["patches"]
    rows, columns = layer.size
    what = "patches" if layer.patch else "images, resized to a unit"
    return {
        "layer": layer.name,
        "units": f"{found['units']}, of which {found['living']} have unpruned weights; "
        f"{layer.channels} channels, {rows} x {columns} positions; "
        f"{100 * found['sparsity']:.1f} % of the weights are zero",
        "data": f"{patches['count']} {what} of {patches['pictures']} images "
        f"({summary['source']}); {100 * patches['flat']:.1f} % of them are flat",
        "classes": ", ".join(patches["classes"]) or "none",
        "seed": f"{summary['seed']}; {summary['times']} shuffles for the null distribution",
    }


def _rows(summary: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    found, even, dealt = summary["summary"], summary["even"], summary["dealt"]
    low, high = summary["intervals"]["kurtosis"]
    kept = found["cavity"].get("kept"), found["clone_cavity"].get("kept")
    return [
        {
            "name": "locality (0 uniform, 1 one position)",
            "own": f"{found['locality']:.3f}",
            "control": f"{found['shuffled']:.3f}",
            "what": "same weights, shuffled positions",
        },
        {
            "name": "inverse participation ratio × weights (1 all equal)",
            "own": f"{found['participation']:.2f}",
            "control": "3 for Gaussian weights",
            "what": "many random weights",
        },
        {
            "name": "excess kurtosis of outputs",
            "own": f"{found['kurtosis']:.2f} [{low:.2f}, {high:.2f}]",
            "control": _short(found["clone_kurtosis"]),
            "what": "Gaussian clone of the data",
        },
        {
            "name": "the same",
            "own": f"{found['kurtosis']:.2f}",
            "control": f"{dealt['mean']:.2f} [{dealt['low']:.2f}, {dealt['high']:.2f}]",
            "what": "same weights, shuffled over positions and channels; range of 20",
        },
        {
            "name": "the same, patches at equal contrast",
            "own": f"{even['kurtosis']:.2f}",
            "control": _short(even["clone"]),
            "what": "Gaussian clone of these",
        },
        {
            "name": "change if one weight is deleted (cavity)",
            "own": _signed(kept[0]),
            "control": _signed(kept[1]),
            "what": "Gaussian clone of the data",
        },
    ]


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _short(value: float) -> str:
    """Formats with two digits, and zero without a sign."""
    return f"{round(value, 2) + 0.0:.2f}"


def _unit(unit: Mapping[str, Any]) -> list[str]:
    values = [unit[k] for k in ("locality", "shuffled", "p", "participation", "kurtosis", "clone")]
    forms = (".3f", ".3f", ".3f", ".2f", ".2f", ".2f")
    return [str(unit["unit"])] + [
        "–" if v is None or not unit["living"] else format(v, form)
        for v, form in zip(values, forms, strict=True)
    ]
