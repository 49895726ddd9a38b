"""Radar charts: values in their places, gaps, escaping."""

from __future__ import annotations

import re
from math import hypot
from xml.etree import ElementTree

import pytest

from surefoot.results.radar import RadarSeries, radar_chart

AXES = ("up", "right & down", "left & down")


def points(html: str) -> list[tuple[float, float]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', html)
    return [(float(x) - 280, float(y) - 170) for x, y in found]


def test_values_lie_on_their_axes_at_their_distance() -> None:
    html = radar_chart(AXES, [RadarSeries("a", {"up": 1.0, AXES[1]: 0.5, AXES[2]: 0.0})], title="t")
    ElementTree.fromstring(f"<div>{html}</div>")
    up, right, left = points(html)
    assert abs(up[0]) < 0.1
    assert up[1] == pytest.approx(-118, abs=0.1)
    assert hypot(*right) == pytest.approx(59, abs=0.1)
    assert right[0] > 0 < right[1]
    assert hypot(*left) < 0.1
    assert "a: right &amp; down 50\u2009%" in html


def test_a_missing_value_is_a_gap_and_not_a_zero() -> None:
    series = RadarSeries("<b>", {"up": 0.4, AXES[1]: None, AXES[2]: 0.9})
    html = radar_chart(AXES, [series], title="t")
    assert len(points(html)) == 2
    lines = re.findall(r'<path d="(M[^"]*)" style="fill:none', html)
    assert lines[0].count("M") == 1
    assert "<b>" not in html


def test_fewer_than_three_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least three"):
        radar_chart(("a", "b"), [], title="t")
