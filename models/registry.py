"""From a specification such as ``openai:NAME`` to a model or a planner."""

from __future__ import annotations

from typing import Any, Protocol

from surefoot.core.errors import InputError
from surefoot.core.registry import Registry, is_place, load_place
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import TextModel
from surefoot.pddl.planner import Planner


class ModelMaker(Protocol):
    """Makes the language models of one kind."""

    def __call__(self, argument: str, options: ModelOptions) -> TextModel:
        """Returns a model.

        Args:
            argument: What follows the kind and a colon in the specification; the kind itself
                where nothing follows it.
            options: Settings.

        Raises:
            InputError: It cannot be loaded.
        """
        ...


class PlannerMaker(Protocol):
    """Makes the planners of one kind."""

    def __call__(self, argument: str, options: ModelOptions) -> Planner:
        """Returns a planner, see :class:`ModelMaker`."""
        ...


BENCH, AGENT = "bench", "agent"
"""Where planners and models may be used: in ``surefoot bench``, and by the agent."""

MODELS: Registry[ModelMaker] = Registry("models", "model")
"""Kinds of language models: what stands before the colon of a specification."""

MODELS.builtin(
    "openai",
    "surefoot.models.backends.openai:make",
    "a model behind any OpenAI-compatible server",
    form="openai:NAME",
    uses=(BENCH, AGENT),
)
MODELS.builtin(
    "hf",
    "surefoot.models.backends.hf:make",
    "a causal or image-text model of transformers, in a folder",
    form="hf:PLACE",
    uses=(BENCH, AGENT),
)
for _name, _summary, _uses in (
    ("local", "a small planner of the project's own, for the prompt style compact", (BENCH,)),
    ("local-agent", "a small planner of the project's own, for the agent's prompts", (AGENT,)),
    ("local-agent-refined", "the same after refinement on verified plans", (AGENT,)),
    ("local-perception", "a small image-text model of the project's own, for images", ()),
):
    MODELS.builtin(_name, "surefoot.models.backends.hf:make_shipped", _summary, uses=_uses)

PLANNERS: Registry[PlannerMaker] = Registry("planners", "planner")
"""Kinds of planners that are no language models: searches, scripts and recordings."""

PLANNERS.builtin(
    "fd",
    "surefoot.models.backends.classical:make_search",
    "Fast Downward: lmcut (optimal), ff (the default), or a search in its own language",
    form="fd[:SEARCH]",
    uses=(BENCH, AGENT),
)
PLANNERS.builtin(
    "symk",
    "surefoot.models.backends.classical:make_symk",
    "SymK: optimal, by symbolic search",
    uses=(BENCH, AGENT),
)
PLANNERS.builtin(
    "greedy",
    "surefoot.models.backends.scripted:make",
    "a script that steps to the best neighbouring state",
    uses=(BENCH, AGENT),
)
PLANNERS.builtin(
    "random",
    "surefoot.models.backends.guessing:make",
    "random applicable actions, and blind guesses at questions",
    uses=(BENCH, AGENT),
)
PLANNERS.builtin(
    "recorded",
    "surefoot.models.backends.recorded:make",
    "what a model answered before, in files as 'surefoot grade' reads them",
    form="recorded:DIR#MODEL",
    uses=(BENCH,),
)


def make_model(spec: str, options: ModelOptions) -> TextModel:
    """Returns the language model that a specification names, with its cache.

    Args:
        spec: ``KIND`` or ``KIND:ARGUMENT`` with a kind of :data:`MODELS`, or ``MODULE:NAME`` of
            something that is called with the settings and returns a model.
        options: Settings.

    Raises:
        InputError: It names none, or one that cannot be loaded.
    """
    from surefoot.models.cache import CachedModel, ResponseCache

    kind, _, argument = spec.partition(":")
    model: TextModel
    if kind in MODELS:
        _check_form(MODELS.entry(kind).form, spec, argument)
        model = MODELS.get(kind)(argument or kind, options)
    elif is_place(spec):
        made = load_place(spec, "model")(options)
        if not isinstance(made, TextModel):
            raise InputError(f"'{spec}' makes no language model; it needs 'generate'")
        model = made
    else:
        raise InputError(f"unknown model '{spec}'; known: {', '.join(forms(MODELS))}")
    if options.cache is not None:
        model = CachedModel(model, ResponseCache(options.cache))
    return model


def make_planner(spec: str, options: ModelOptions) -> Planner:
    """Returns the planner that a specification names.

    Args:
        spec: A kind of :data:`PLANNERS` or :data:`MODELS` with its argument, or ``MODULE:NAME``
            of something that is called with the settings and returns a planner or a model.
        options: Settings.

    Raises:
        InputError: It names none, or one that cannot be used.
    """
    from surefoot.models.planning import TextPlanner

    kind, _, argument = spec.partition(":")
    if kind in PLANNERS:
        _check_form(PLANNERS.entry(kind).form, spec, argument)
        return PLANNERS.get(kind)(argument or kind, options)
    if kind not in MODELS and is_place(spec):
        made = load_place(spec, "planner")(options)
        if isinstance(made, Planner):
            return made
        if not isinstance(made, TextModel):
            raise InputError(f"'{spec}' makes no planner; it needs 'solve' or 'generate'")
        return TextPlanner(made, options.max_tokens, options.temperature, options)
    if kind not in MODELS:
        known = ", ".join((*forms(PLANNERS), *forms(MODELS), "MODULE:NAME"))
        raise InputError(f"unknown planner '{spec}'; known: {known}")
    model = make_model(spec, options)
    return TextPlanner(model, options.max_tokens, options.temperature, options)


def forms(registry: Registry[Any]) -> tuple[str, ...]:
    """Returns how the entries of a registry are written in specifications."""
    return tuple(registry.entry(name).form for name in registry.names())


def _check_form(form: str, spec: str, argument: str) -> None:
    """Refuses an unexpected argument or a missing one."""
    takes, needs = ":" in form, ":" in form and "[" not in form
    if (argument and not takes) or (needs and not argument):
        raise InputError(f"'{spec}' is not of the form {form}")
