"""The report: figures, the page, measuring."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from surefoot.core.errors import HarnessError, InputError
from surefoot.sparsity.engine.finishing import CompressOptions
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.report.measure import measure
from surefoot.sparsity.report.page import gains_of, render_compression
from surefoot.sparsity.report.pareto import ParetoPoint, front_of, pareto_plot
from surefoot.sparsity.report.summary import read_report, siblings_of, task_figures
from tests.sparsity import tiny
from tests.sparsity.test_engine import WANDA, recipe

torch.set_num_threads(1)


class Links(HTMLParser):
    """Gathers what a browser would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("link", "img", "iframe", "object", "embed"):
            self.loads.append(tag)
        self.loads += [f"{k}={v}" for k, v in attrs if k in ("src", "srcset", "onclick")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    source = tiny.make("llama", place / "model")
    solved = {"before": {f"t{i}": i < 8 for i in range(10)}}
    solved["after"] = {name: ok and name != "t3" for name, ok in solved["before"].items()}

    def scorer(folder: Path) -> dict[str, bool]:
        return solved["before" if folder == source else "after"]

    stages = [
        {"stage": "allocate", "method": "alpha"},
        {**WANDA, "method": "sparsegpt"},
    ]
    compress(
        source,
        recipe(*stages, name="first <b>"),
        place / "first",
        texts=tiny.calibration(),
        options=CompressOptions(scorer=scorer, measure=True),
    )
    compress(
        source,
        recipe({"stage": "quantize", "group": 16}, name="second"),
        place / "second",
        texts=tiny.calibration(),
    )
    return place


def test_tasks_carry_intervals_and_a_paired_test() -> None:
    before = {f"t{i}": i < 80 for i in range(100)}
    after = {f"t{i}": 10 <= i < 82 for i in range(100)}
    found = task_figures(before, after)
    assert (found["before"], found["after"], found["n"]) == (80, 72, 100)
    assert found["retention"] == pytest.approx(0.9)
    low, high = found["retention_interval"]
    assert 0.8 < low < 0.9 < high < 1.0
    assert found["p_value"] == pytest.approx(2 * sum((1, 12, 66)) / 2**12, rel=1e-6)
    assert task_figures(before, before)["retention_interval"] == [1.0, 1.0]
    nothing = task_figures(dict.fromkeys(before, False), after)
    assert nothing["retention"] is None
    with pytest.raises(InputError, match="same tasks"):
        task_figures(before, {"t1": True})


def test_the_front_is_what_nothing_beats() -> None:
    points = [
        ParetoPoint("a", 1, 9),
        ParetoPoint("b", 2, 5),
        ParetoPoint("c", 3, 6),
        ParetoPoint("d", 4, 1),
        ParetoPoint("e", 4, 3),
    ]
    assert [p.name for p in front_of(points)] == ["a", "b", "d"]
    drawn = pareto_plot(points, title="t", x="x", y="y")
    assert drawn.count("<title>") == len(points) + 1
    assert "nan" not in pareto_plot(points[:1], title="t", x="x", y="y")


def test_the_report_says_everything(made: Path) -> None:
    report = read_report(made / "first")
    assert (
        report["identity"]["recipe"]
        == recipe({"stage": "allocate", "method": "alpha"}, {**WANDA, "method": "sparsegpt"}).hash()
    )
    assert {"surefoot", "python", "torch", "transformers"} <= set(report["versions"])
    assert report["tasks"]["retention"] == pytest.approx(7 / 8)
    for layer in report["layers"]:
        for field in ("requested", "sparsity", "alpha", "ks", "error", "damping", "solver"):
            assert layer[field] is not None, field
    measured = report["measured"]
    for when in ("before", "after"):
        assert 0 < measured[when]["token_p50"] <= measured[when]["token_p95"]
        assert measured[when]["peak_mib"] > 100
        assert measured[when]["threads"] == 1
    rows = {row["what"]: row for row in gains_of(report)}
    assert rows["loss on held-out texts, nats per token"]["before"] == format(
        report["losses"]["before"], ".4f"
    )


def test_the_page_is_self_contained_and_escapes(made: Path) -> None:
    html = (made / "first" / "report.html").read_text()
    page = Links()
    page.feed(html)
    assert page.loads == []
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    assert "<b>" not in html
    told = " ".join(page.texts)
    for text in (
        "first <b>",
        "quality only",
        "retention",
        "Sparsity",
        "Tail exponent",
        "model.layers.2.mlp.down_proj",
        "Size and loss",
    ):
        assert text in told, text
    assert "prefers-color-scheme:dark" in html
    assert "nan" not in told.lower().split()


def test_other_compressions_of_the_same_model_are_drawn(made: Path, tmp_path: Path) -> None:
    report = read_report(made / "second")
    found = siblings_of(made / "second", report)
    assert [other["recipe"]["name"] for other in found] == ["first <b>"]
    assert "first &lt;b&gt;: " in (made / "second" / "report.html").read_text()
    other = tiny.make("llama", tmp_path / "other", seed=5)
    compress(other, recipe({"stage": "quantize", "group": 16}), made / "third")
    assert len(siblings_of(made / "second", report)) == 1
    third = read_report(made / "third")
    assert "not compressed" not in render_compression(third, [])


def test_reports_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no compressed model"):
        read_report(tmp_path)
    (tmp_path / "compression_report.json").write_text("[")
    with pytest.raises(InputError, match="not a readable report"):
        read_report(tmp_path)
    (tmp_path / "compression_report.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="another version"):
        read_report(tmp_path)


def test_measuring_what_is_no_model_is_our_failure(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"measuring .* failed"):
        measure(tmp_path)
