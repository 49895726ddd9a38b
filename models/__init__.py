"""Planners and language models behind small protocols; cache, prices, probes; serving; training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.models.backends.hf import HFModel
    from surefoot.models.backends.openai import OpenAIModel
    from surefoot.models.cache import CachedModel, ResponseCache
    from surefoot.models.options import ModelOptions, read_options
    from surefoot.models.planning import TextPlanner
    from surefoot.models.protocol import Capabilities, OptionScorer, TextModel
    from surefoot.models.registry import MODELS, PLANNERS, make_model, make_planner
    from surefoot.models.shipped import model_folder

__all__ = [
    "MODELS",
    "PLANNERS",
    "CachedModel",
    "Capabilities",
    "HFModel",
    "ModelOptions",
    "OpenAIModel",
    "OptionScorer",
    "ResponseCache",
    "TextModel",
    "TextPlanner",
    "make_model",
    "make_planner",
    "model_folder",
    "read_options",
]

_PLACES = {
    "CachedModel": "cache",
    "Capabilities": "protocol",
    "HFModel": "backends.hf",
    "MODELS": "registry",
    "ModelOptions": "options",
    "OpenAIModel": "backends.openai",
    "OptionScorer": "protocol",
    "PLANNERS": "registry",
    "ResponseCache": "cache",
    "TextModel": "protocol",
    "TextPlanner": "planning",
    "make_model": "registry",
    "make_planner": "registry",
    "model_folder": "shipped",
    "read_options": "options",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
