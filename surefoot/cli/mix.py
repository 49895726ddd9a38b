"""``surefoot mix``: several local models as experts of one mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from surefoot.cli.console import note
from surefoot.core.errors import InputError
from surefoot.core.extras import require_extras

_LONGEST = 2048
"""Most tokens of a prompt read from a file."""


class MixLevel(StrEnum):
    """Which parts each expert has of its own."""

    FFN = "ffn"
    BLOCK = "block"
    MODEL = "model"


class MixRoute(StrEnum):
    """What gates send to experts."""

    SEQUENCE = "sequence"
    TOKEN = "token"


class Pool(StrEnum):
    """How a gate pools the hidden states of a text."""

    MEAN = "mean"
    FIRST = "first"


class GateKind(StrEnum):
    """How gates are made of example prompts."""

    HIDDEN = "hidden"
    CONTRAST = "contrast"
    TRAINED = "trained"


def mix(
    models: Annotated[
        list[str],
        typer.Argument(help="Experts as NAME=FOLDER (or a shipped model's name as FOLDER)."),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the mixture; must be new. runs/mix by default.")
    ] = Path("runs/mix"),
    shared: Annotated[
        str,
        typer.Option(help="Model of the shared parts; the experts' mean by default."),
    ] = "",
    prompts: Annotated[
        list[str] | None,
        typer.Option(
            help="Example prompts of an expert, NAME=FILE (.jsonl); names that are PDDL "
            "domains of the small planner need none."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--num-prompts", min=1, help="Prompts drawn per domain.")
    ] = 24,
    level: Annotated[
        MixLevel, typer.Option(help="Which parts each expert has of its own.")
    ] = MixLevel.FFN,
    route: Annotated[
        MixRoute, typer.Option(help="Whether whole sequences or single tokens are routed.")
    ] = MixRoute.SEQUENCE,
    pool: Annotated[
        Pool, typer.Option(help="How a gate pools the hidden states of a text.")
    ] = Pool.MEAN,
    gate: Annotated[GateKind, typer.Option(help="How gates are made.")] = GateKind.CONTRAST,
    top: Annotated[
        int, typer.Option("--top-k", min=1, help="Active experts per sequence or token.")
    ] = 1,
    dense_layers: Annotated[
        int, typer.Option(min=0, help="Number of first layers that stay shared.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of prompts and gates.")] = 0,
    tasks: Annotated[
        int,
        typer.Option(
            "--num-tasks", min=0, help="Unseen tasks per domain to evaluate the mixture on."
        ),
    ] = 0,
) -> None:
    """Make a mixture of models of one family, whose gates are made of example prompts."""
    require_extras("local")
    from surefoot.models.shipped import model_folder
    from surefoot.sparsity.merging.checks import open_zoo
    from surefoot.sparsity.merging.mixtures import MixtureSettings, make_mixture
    from surefoot.sparsity.merging.recipe import make_recipe
    from surefoot.sparsity.merging.streaming import check_new, merge_models

    experts = {name: model_folder(place) for name, place in _pairs(models, "MODEL").items()}
    settings = MixtureSettings(
        level=level.value,
        route=route.value,
        pool=pool.value,
        gate=gate.value,
        top=top,
        dense_layers=dense_layers,
        seed=seed,
    )
    zoo = open_zoo(list(experts.values()), names=list(experts))
    check_new(out, *experts.values())
    given = _prompts(experts, _pairs(prompts or [], "FILE"), count, seed)
    with TemporaryDirectory(prefix="surefoot-") as place:
        if shared:
            middle = model_folder(shared)
        else:
            recipe = make_recipe("linear", len(experts))
            middle = merge_models(zoo, recipe, Path(place) / "mean")
        report = make_mixture(middle, experts, given, settings, out, note=note)
    sizes = report["parameters"]
    for name in ("total", "active", "gates"):
        typer.echo(f"{f'parameters, {name}':40} {sizes[name]:>12}")
    for number, share in enumerate(report["own"]):
        typer.echo(f"{f'prompts to their own expert, gate {number}':40} {100 * share:>10.1f} %")
    if tasks:
        from surefoot.experiments.local_models.tasks import plan_scorer

        solved = plan_scorer(list(experts), tasks)(out)
        typer.echo(
            f"{'unseen tasks with a valid plan':40} {sum(solved.values()):>6} of {len(solved)}"
        )
    note(f"mixture: {out}")


def _pairs(told: Sequence[str], what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in told:
        name, equals, place = text.partition("=")
        if not (equals and name and place):
            raise InputError(f"'{text}' is not of the form NAME={what}")
        if name in found:
            raise InputError(f"the name '{name}' is given twice")
        found[name] = place
    return found


def _prompts(
    experts: Mapping[str, Path], files: Mapping[str, str], count: int, seed: int
) -> dict[str, list[list[int]]]:
    """Returns the token ids of prompts by expert: those given, or a domain's own."""
    from surefoot.experiments.local_models.texts import texts_of, tokenizer_of
    from surefoot.models.training.data import TRAIN_SIZES
    from surefoot.models.training.zoo import domain_examples

    if unknown := [name for name in files if name not in experts]:
        raise InputError(f"--prompts names '{unknown[0]}', which is no expert")
    found: dict[str, list[list[int]]] = {}
    for name, folder in experts.items():
        if name in files:
            texts = texts_of(Path(files[name]), folder, _LONGEST)
            found[name] = [list(ids) for ids, _ in texts]
        elif name in TRAIN_SIZES:
            tokenizer = tokenizer_of(folder)
            drawn = islice(domain_examples(name, "train", seed), count)
            found[name] = [list(tokenizer(e.prompt)["input_ids"]) for e in drawn]
        else:
            raise InputError(f"no prompts for '{name}'; give some with --prompts {name}=FILE")
    return found
