"""Experts extracted from a dense model, and their serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.experts.attending import attend
    from surefoot.sparsity.experts.batching import make_batcher
    from surefoot.sparsity.experts.caching import CacheReport, ExpertCache, parse_bytes, simulate
    from surefoot.sparsity.experts.extraction import extract_experts
    from surefoot.sparsity.experts.layout import ExpertLayout, LayerLayout
    from surefoot.sparsity.experts.model import ReadMeForCausalLM, load_read_me, refactor
    from surefoot.sparsity.experts.policies import make_policy
    from surefoot.sparsity.experts.refactoring import RefactorSettings, refactor_folder
    from surefoot.sparsity.experts.serving_time import serve
    from surefoot.sparsity.experts.store import ExpertStore, write_store
    from surefoot.sparsity.experts.tuning import TuneSettings, tune

_PLACES = {
    "CacheReport": "caching",
    "ExpertCache": "caching",
    "ExpertLayout": "layout",
    "ExpertStore": "store",
    "LayerLayout": "layout",
    "ReadMeForCausalLM": "model",
    "RefactorSettings": "refactoring",
    "TuneSettings": "tuning",
    "attend": "attending",
    "extract_experts": "extraction",
    "load_read_me": "model",
    "make_batcher": "batching",
    "make_policy": "policies",
    "parse_bytes": "caching",
    "refactor": "model",
    "refactor_folder": "refactoring",
    "serve": "serving_time",
    "simulate": "caching",
    "tune": "tuning",
    "write_store": "store",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "CacheReport",
    "ExpertCache",
    "ExpertLayout",
    "ExpertStore",
    "LayerLayout",
    "ReadMeForCausalLM",
    "RefactorSettings",
    "TuneSettings",
    "attend",
    "extract_experts",
    "load_read_me",
    "make_batcher",
    "make_policy",
    "parse_bytes",
    "refactor",
    "refactor_folder",
    "serve",
    "simulate",
    "tune",
    "write_store",
]

__getattr__ = lazily(__name__, _PLACES)
