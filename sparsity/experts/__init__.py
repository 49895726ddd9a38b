"""Experts made of a dense model, and how they are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.results.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.experts.extraction import extract_experts
    from surefoot.sparsity.experts.layout import ExpertLayout, LayerLayout
    from surefoot.sparsity.experts.model import ReadMeForCausalLM, load_read_me, refactor
    from surefoot.sparsity.experts.refactoring import RefactorSettings, refactor_folder
    from surefoot.sparsity.experts.store import ExpertStore, write_store
    from surefoot.sparsity.experts.tuning import TuneSettings, tune

_PLACES = {
    "ExpertLayout": "layout",
    "ExpertStore": "store",
    "LayerLayout": "layout",
    "ReadMeForCausalLM": "model",
    "RefactorSettings": "refactoring",
    "TuneSettings": "tuning",
    "extract_experts": "extraction",
    "load_read_me": "model",
    "refactor": "model",
    "refactor_folder": "refactoring",
    "tune": "tuning",
    "write_store": "store",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "ExpertLayout",
    "ExpertStore",
    "LayerLayout",
    "ReadMeForCausalLM",
    "RefactorSettings",
    "TuneSettings",
    "extract_experts",
    "load_read_me",
    "refactor",
    "refactor_folder",
    "tune",
    "write_store",
]

__getattr__ = lazily(__name__, _PLACES)
