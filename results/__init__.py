"""Run folders, statistics and reports, independent of planners, robots and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.results.charts import forest_plot, stacked_bars
    from surefoot.results.manifest import Manifest
    from surefoot.results.page import render_page
    from surefoot.results.parallel import parallel_map
    from surefoot.results.power import cluster_bootstrap, pairs_needed
    from surefoot.results.run_folder import RunFolder, SavedRun, read_run
    from surefoot.results.statistics import Interval, compare_paired, holm, newcombe, wilson

__all__ = [
    "Interval",
    "Manifest",
    "RunFolder",
    "SavedRun",
    "cluster_bootstrap",
    "compare_paired",
    "forest_plot",
    "holm",
    "newcombe",
    "pairs_needed",
    "parallel_map",
    "read_run",
    "render_page",
    "stacked_bars",
    "wilson",
]

_PLACES = {
    "Interval": "statistics",
    "Manifest": "manifest",
    "RunFolder": "run_folder",
    "SavedRun": "run_folder",
    "cluster_bootstrap": "power",
    "compare_paired": "statistics",
    "forest_plot": "charts",
    "holm": "statistics",
    "newcombe": "statistics",
    "pairs_needed": "power",
    "parallel_map": "parallel",
    "read_run": "run_folder",
    "render_page": "page",
    "stacked_bars": "charts",
    "wilson": "statistics",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
