"""The report of a compression as one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from surefoot.results.lines import Curve, ceiling, line_chart
from surefoot.results.page import render_page, trusted
from surefoot.sparsity.report.layers import LayerRecord
from surefoot.sparsity.report.pareto import ParetoPoint, pareto_plot

_MIB = 2**20
_THIN = "\u2009"


def render_compression(
    report: Mapping[str, Any], siblings: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Renders the page.

    Args:
        report: The report, see :func:`~surefoot.sparsity.report.summary.make_report`.
        siblings: Reports of other compressions of the same model, for the Pareto plot.
    """
    layers = [LayerRecord.from_json(data) for data in report["layers"]]
    return render_page(
        "compression.html.j2",
        package="surefoot.sparsity.report",
        title=f"{report['recipe']['name']}: {report['model']}",
        label=report["artifact"]["label"],
        notes=report["notes"],
        facts=_facts(report),
        gains=gains_of(report),
        tasks=tasks_of(report["tasks"]),
        profiles=_profiles(layers),
        pareto=_pareto(report, siblings),
        columns=_columns(layers),
        rows=[_row(layer, _columns(layers)) for layer in layers],
        broken=[layer.name for layer in layers if layer.pattern_holds is False],
    )


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}{_THIN}%"


def _facts(report: Mapping[str, Any]) -> dict[str, str]:
    recipe, plan = report["recipe"], report["plan"]
    stages = ", ".join(_stage(stage) for stage in recipe["stages"])
    found = {
        "stages": stages,
        "format": report["artifact"]["format"],
        "recipe's hash": report["identity"]["recipe"],
        "seed": str(recipe["seed"]),
    }
    calibration = report["calibration"]
    if calibration is not None:
        found["calibration"] = (
            f"{calibration['sequences']} sequences, {calibration['tokens']} tokens"
            f"{' of ' + calibration['source'] if calibration['source'] else ''}; "
            f"{calibration['held_out']} held out"
        )
    if plan.get("parameters") is not None:
        found["rank"] = (
            f"{_percent(plan['err'])} of the rank and {_percent(plan['parameters'])} of the "
            "targets' weights removed"
        )
    if report["shortened"] is not None:
        done = report["shortened"]
        scores = ", ".join(
            f"{i} {score:.3g}{' (dropped)' if i in done['dropped'] else ''}"
            for i, score in enumerate(done["scores"])
        )
        found["blocks"] = f"{done['blocks']}, with scores {scores}"
    if report["recovery"] is not None:
        done = report["recovery"]
        found["recovery"] = (
            f"{done['method']}, {done['steps']} steps, {done['trainable']} trainable parameters"
        )
    found["versions"] = ", ".join(f"{k} {v}" for k, v in report["versions"].items())
    return found | {"created": report["created"]}


def _stage(stage: Mapping[str, Any]) -> str:
    match stage["stage"]:
        case "drop":
            detail = f"{stage['blocks']:g} by {stage['method']}"
        case "sparsify":
            detail = f"{stage['method']} {stage['pattern']}"
        case "factorize":
            detail = f"{stage['method']} {_percent(stage['reduction'], 0)} {stage['budget']}"
        case "quantize":
            detail = f"int{stage['bits']}, group {stage['group']}"
        case _:
            detail = str(stage["method"])
    return f"{stage['stage']} ({detail})"


def gains_of(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """Returns rows of gains and losses (``what``, ``before``, ``after``, ``ratio``), all formatted.

    Args:
        report: The report, see :func:`~surefoot.sparsity.report.summary.make_report`.
    """
    totals, losses, measured = report["totals"], report["losses"], report["measured"]
    rows = [
        _gain("weight files, MiB", totals["bytes_before"] / _MIB, totals["bytes_after"] / _MIB),
        _gain("parameters", totals["parameters_before"], totals["parameters_after"], "d"),
        _gain("nonzero weights of the targets", totals["targets"], totals["nonzero"], "d"),
    ]
    if "before" in losses:
        last = losses[next(n for n in ("rounded", "recovered", "after") if n in losses)]
        rows.append(_gain("loss on held-out texts, nats per token", losses["before"], last, ".4f"))
        if "shortened" in losses:
            rows.append(
                _gain(
                    "the same with only blocks dropped",
                    losses["before"],
                    losses["shortened"],
                    ".4f",
                )
            )
        if "recovered" in losses and losses["after"] != losses.get("shortened"):
            rows.append(_gain("the same before recovery", losses["before"], losses["after"], ".4f"))
    if measured is not None:
        before, after = measured["before"], measured["after"]
        for name, field in (
            ("prompt of 64 tokens, ms, p50", "prompt_p50"),
            ("the same, p95", "prompt_p95"),
            ("per token, ms, p50", "token_p50"),
            ("the same, p95", "token_p95"),
            ("memory after loading, MiB", "load_mib"),
            ("peak memory of the process, MiB", "peak_mib"),
        ):
            rows.append(_gain(name, before[field], after[field]))
    return rows


def _gain(what: str, before: float, after: float, form: str = ".4g") -> dict[str, str]:
    ratio = f"{after / before:.3f}" if before else ""
    return {
        "what": what,
        "before": format(before, form),
        "after": format(after, form),
        "ratio": ratio,
    }


def tasks_of(tasks: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Formats the results on tasks.

    Args:
        tasks: Result of :func:`~surefoot.sparsity.report.summary.task_figures`, or ``None``.
    """
    if tasks is None:
        return None

    def rate(name: str) -> str:
        low, high = tasks[f"{name}_interval"]
        return (
            f"{tasks[name]} of {tasks['n']} = {_percent(tasks[name] / tasks['n'])} "
            f"[{100 * low:.1f}, {100 * high:.1f}]"
        )

    kept = "nothing was solved before"
    if tasks["retention"] is not None:
        low, high = tasks["retention_interval"]
        kept = f"{_percent(tasks['retention'])} [{100 * low:.1f}, {100 * high:.1f}]"
    return {
        "solved before": rate("before"),
        "solved after": rate("after"),
        "retention [95 %, tasks resampled]": kept,
        "exact McNemar test": f"p = {tasks['p_value']:.3g}",
    }


def _profiles(layers: Sequence[LayerRecord]) -> list[dict[str, Any]]:
    """Returns charts by block, with one line per kind of layer."""
    wanted: list[tuple[str, str, Callable[[LayerRecord], float | None]]] = [
        (
            "Sparsity",
            "fraction of zeros",
            lambda r: r.sparsity if r.requested is not None else None,
        ),
        (
            "Rank",
            "fraction of the full rank",
            lambda r: r.rank / min(r.rows, r.columns) if r.rank else None,
        ),
        ("Error of outputs", "‖(W − W′)X‖ / ‖WX‖", lambda r: r.error),
        ("Error of weights", "‖W − W′‖ / ‖W‖", lambda r: r.weight_error),
        ("Tail exponent of the spectrum", "alpha", lambda r: r.alpha),
    ]
    found = []
    for title, label, of in wanted:
        curves: dict[str, list[tuple[float, float]]] = {}
        for layer in layers:
            value = of(layer)
            if value is not None:
                kind = layer.name.rpartition(".")[2]
                curves.setdefault(kind, []).append((float(layer.block), float(value)))
        values = [y for points in curves.values() for _, y in points]
        if not values or not max(values):
            continue
        chart = line_chart(
            [Curve(kind, points) for kind, points in curves.items()],
            title=f"{title} by block",
            x="block",
            y=label,
            top=ceiling(max(values)),
        )
        found.append({"title": title, "chart": trusted(chart)})
    return found


def _pareto(report: Mapping[str, Any], siblings: Sequence[Mapping[str, Any]]) -> Any:
    points = [p for r in (report, *siblings) if (p := _point(r)) is not None]
    if not points:
        return ""
    whole = ParetoPoint(
        "not compressed", report["totals"]["bytes_before"] / _MIB, report["losses"]["before"]
    )
    drawn = pareto_plot(
        [whole, *points],
        title="Loss against size",
        x="weight files, MiB",
        y="loss, nats per token",
    )
    return trusted(drawn)


def _point(report: Mapping[str, Any]) -> ParetoPoint | None:
    losses = report["losses"]
    last = next((n for n in ("rounded", "recovered", "after") if n in losses), None)
    if last is None:
        return None
    return ParetoPoint(
        report["recipe"]["name"], report["totals"]["bytes_after"] / _MIB, losses[last]
    )


_COLUMNS = {
    "method": "method",
    "requested": "requested",
    "sparsity": "zeros",
    "pattern": "pattern",
    "rank": "rank",
    "parameters": "values",
    "bytes_after": "bytes",
    "alpha": "alpha",
    "ks": "KS",
    "error": "error of outputs",
    "weight_error": "error of weights",
    "damping": "damping",
    "tokens": "tokens",
}
_FORMS = {
    "requested": ".3f",
    "sparsity": ".3f",
    "alpha": ".2f",
    "ks": ".3f",
    "error": ".4f",
    "weight_error": ".4f",
    "damping": ".3g",
}


def _columns(layers: Sequence[LayerRecord]) -> dict[str, str]:
    """Returns the columns that are not empty."""
    return {
        field: head
        for field, head in _COLUMNS.items()
        if any(getattr(layer, field) not in (None, "", 0) for layer in layers)
    }


def _row(layer: LayerRecord, columns: Mapping[str, str]) -> dict[str, Any]:
    cells = []
    for field in columns:
        value = getattr(layer, field)
        text = "" if value is None else format(value, _FORMS.get(field, ""))
        if field == "pattern" and layer.pattern:
            text += " holds" if layer.pattern_holds else " broken"
        if field == "rank" and layer.rank is None:
            text = "whole"
        cells.append(text)
    return {"name": layer.name, "shape": f"{layer.rows} × {layer.columns}", "cells": cells}
