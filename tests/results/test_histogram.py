"""Histograms and line charts: well-formed, escaped, true to the numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from surefoot.results.histogram import HistogramBar, histogram
from surefoot.results.lines import Curve, line_chart, round_ticks
from surefoot.results.statistics import Interval

EVIL = '<script>alert("x")</script>&'


def tree(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{html}</div>")


def test_bars_are_as_high_as_their_counts_and_the_law_lies_over_them() -> None:
    bars = [HistogramBar(0.0, 0.5, 2, 3.0), HistogramBar(0.5, 1.0, 4, 3.0)]
    html = histogram(bars, title=EVIL, x=EVIL, y="n", band=(0.25, 0.75), mark=0.5)
    assert "<script" not in html
    root = tree(html)
    drawn = [r for r in root.iter("rect") if r.find("title") is not None]
    heights = [float(r.get("height", "")) for r in drawn]
    assert heights[0] == pytest.approx(heights[1] / 2, abs=0.1)
    assert [r.findtext("title") for r in drawn] == [
        "0 to 0.5: 2, expected 3",
        "0.5 to 1: 4, expected 3",
    ]
    shaded = next(r for r in root.iter("rect") if "var(--grey)" in r.get("style", ""))
    assert float(shaded.get("width", "")) == pytest.approx((760 - 52 - 16) / 2, abs=0.2)
    mark = next(n for n in root.iter("line") if "dasharray" in n.get("style", ""))
    assert float(mark.get("x1", "")) == pytest.approx(52 + (760 - 52 - 16) / 2, abs=0.2)


def test_categories_have_labels_and_no_law_has_no_legend() -> None:
    html = histogram([HistogramBar(-0.5, 0.5, 0, label=EVIL)], title="t", x="x", y="y")
    assert "<ul" not in html
    assert EVIL in [t.text for t in tree(html).iter("text")]
    assert "Nothing" in histogram([], title="t", x="x", y="y")


def test_a_line_chart_shows_intervals_and_quarters_of_a_share() -> None:
    curve = Curve("a", [(0.0, 0.2), (1.0, 0.4)], [Interval(0.1, 0.3), Interval(0.3, 0.5)])
    html = line_chart([curve], title="t", x="x", y="y", top=1.0)
    assert len(re.findall(r"stroke-width:1.5", html)) == 2
    texts = [t.text for t in tree(html).iter("text")]
    assert texts.count("0.25") == 2
    counts = line_chart([Curve("a", [(0, 1), (20, 2)])], title="t", x="x", y="y", top=2)
    assert {"0", "2", "20"} <= {t.text for t in tree(counts).iter("text")}


@pytest.mark.parametrize(
    ("low", "high", "least", "wanted"),
    [
        (0, 0.832224, 0, [0, 0.2, 0.4, 0.6, 0.8]),
        (24, 31, 0, [24, 25, 26, 27, 28, 29, 30, 31]),
        (-0.4, 1.2, 0, [-0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8, 1, 1.2]),
        (0.13, 0.57, 0, [0.2, 0.3, 0.4, 0.5]),
        (0, 3, 1, [0, 1, 2, 3]),
        (0, 37, 1, [0, 5, 10, 15, 20, 25, 30, 35]),
        (7, 8, 1, [7, 8]),
    ],
)
def test_marks_of_an_axis_are_round(
    low: float, high: float, least: float, wanted: list[float]
) -> None:
    assert round_ticks(low, high, least) == wanted


def test_no_axis_shows_an_odd_number() -> None:
    curve = Curve("a", [(0.0, 24.3), (0.36, 26.1), (0.832224, 30.9)])
    html = line_chart([curve], title="t", x="x", y="y", top=31, bottom=24)
    texts = {t.text or "" for t in tree(html).iter("text")}
    assert {"0.2", "0.8", "27"} <= texts
    assert max(map(len, texts)) <= 3
    rounds = line_chart([Curve("a", [(0, 1), (3, 2)])], title="t", x="x", y="y", top=2)
    assert not {"0.75", "2.5"} & {t.text for t in tree(rounds).iter("text")}
