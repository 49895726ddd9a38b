"""Charts: well-formed, escaped, true to the numbers, never colour alone."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from surefoot.results.charts import (
    CHART_CSS,
    BarRow,
    Category,
    ForestRow,
    forest_plot,
    stacked_bars,
)
from surefoot.results.statistics import wilson
from surefoot.results.svg import COLOURS

pytestmark = pytest.mark.quick

EVIL = '<script>alert("x")</script>&\'"'
ROWS = [
    ForestRow("barman", "a", 4, 10, wilson(4, 10), reference=0.5),
    ForestRow("barman", "b", 10, 10, wilson(10, 10)),
    ForestRow("termes", "a", 0, 0, None, reference=0.0),
]
CATEGORIES = [Category("valid", "✓", "green"), Category("type", "T", "orange", 0.5)]


def tree(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{html}</div>")


def words(html: str) -> str:
    return " ".join("".join(tree(html).itertext()).split())


def test_forest_plot_shows_rate_interval_and_reference() -> None:
    html = forest_plot(ROWS, title="rates", reference_name="published")
    svg = tree(html).find("svg")
    assert svg is not None
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == svg.findtext("title") == "rates"
    low, high = wilson(4, 10).low, wilson(4, 10).high
    assert f'x1="{low:.2%}" x2="{high:.2%}"' in html
    assert 'x="40.00%"' in html
    assert 'x="50.00%"' in html
    titles = [" ".join((t.text or "").split()) for t in svg.iter("title")]
    assert "barman, a: 4/10 40 % [17, 69]; published 50 %" in titles
    assert "barman, b: 10/10 100 % [72, 100]" in titles
    assert "termes, a: not run; published 0 %" in titles
    assert "not run" in words(html)
    assert html.count("fill:none") == 3  # two references and one in the legend


def test_series_differ_in_shape_and_colour() -> None:
    names = [f"m{i}" for i in range(6)]
    rows = [ForestRow("g", name, 1, 2, wilson(1, 2)) for name in names]
    html = forest_plot(rows, title="t")
    legend = tree(html).find("ul")
    assert legend is not None
    symbols = [ElementTree.tostring(item[0]) for item in legend]
    assert [re.sub(r"\s", "", "".join(item.itertext())) for item in legend] == names
    assert len({re.sub(rb"fill:var\(.*?\)", b"", s) for s in symbols}) == len(names)
    assert len(set(re.findall(r"fill:var\(--(\w+)\)", html))) == len(names)
    assert "reference" not in html


def test_groups_stand_together_in_order_of_appearance() -> None:
    rows = [ForestRow(g, "a", 1, 2, wilson(1, 2)) for g in ("z", "b", "z")]
    labels = [
        e.text for e in tree(forest_plot(rows, title="t")).iter("text") if e.get("class") == "group"
    ]
    assert labels == ["z", "b"]


def test_bars_fill_the_width_with_the_right_shares() -> None:
    rows = [
        BarRow("g", "a", {"valid": 3, "type": 1}),
        BarRow("g", "b", {"valid": 5, "unlisted": 7}),
        BarRow("g", "c", {}),
    ]
    html = stacked_bars(rows, CATEGORIES, title="kinds")
    svg = tree(html).find("svg")
    assert svg is not None
    spans = [(r.get("x"), r.get("width")) for r in svg.iter("rect")]
    assert spans == [("0.000%", "75.000%"), ("75.000%", "25.000%"), ("0.000%", "100.000%")]
    text = words(html)
    for shown in ("✓ 3", "T 1", "n = 4", "n = 5", "not run", "g, a: type 1 of 4"):
        assert shown in text
    assert "unlisted" not in text


def test_only_categories_that_occur_are_in_the_legend() -> None:
    html = stacked_bars([BarRow("g", "a", {"valid": 1})], CATEGORIES, title="t")
    legend = tree(html).find("ul")
    assert legend is not None
    assert "".join(legend.itertext()) == "✓valid"


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows(count: int) -> None:
    tree(forest_plot(ROWS[:count], title="t"))
    tree(stacked_bars([BarRow("g", "a", {"valid": 1})][:count], CATEGORIES, title="t"))


def test_everything_is_escaped() -> None:
    row = ForestRow(EVIL, EVIL, 1, 2, wilson(1, 2), reference=0.1)
    category = Category(EVIL, "<", "blue")
    for html in (
        forest_plot([row], title=EVIL, reference_name=EVIL),
        stacked_bars([BarRow(EVIL, EVIL, {EVIL: 2})], [category], title=EVIL),
    ):
        assert "<script" not in html
        assert EVIL in "".join(tree(html).itertext())


def test_colours_have_a_dark_variant_and_nothing_is_loaded() -> None:
    light, dark = CHART_CSS.split("prefers-color-scheme:dark")
    for name in COLOURS:
        assert f"--{name}:#" in light
        assert f"--{name}:#" in dark
    assert "url(" not in CHART_CSS
    assert "@import" not in CHART_CSS
