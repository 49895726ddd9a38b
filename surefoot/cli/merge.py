"""``surefoot merge``: one model from several."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.core.errors import InputError
from surefoot.core.extras import require_extras
from surefoot.core.progress import Progress

if TYPE_CHECKING:
    from surefoot.sparsity.merging import Families, MergeRecipe, MergeSource, Zoo
    from surefoot.sparsity.merging.search import SearchResult, SearchSettings


class MergeMethod(StrEnum):
    """How tensors become one."""

    LINEAR = "linear"
    TASK_ARITHMETIC = "task-arithmetic"
    TIES = "ties"
    DARE_LINEAR = "dare-linear"
    DARE_TIES = "dare-ties"


class Linkage(StrEnum):
    """How the similarity of groups follows from that of models."""

    AVERAGE = "average"
    CONNECTED = "connected"


class Search(StrEnum):
    """How weights are searched for."""

    HEURISTIC = "heuristic"
    EVOLUTIONARY = "evolutionary"


def merge(
    models: Annotated[
        list[str],
        typer.Argument(help="Folders of transformers checkpoints, or shipped models' names."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the merged model.")] = Path("runs/merge"),
    base: Annotated[
        str, typer.Option(help="Model that all were tuned from; not needed by linear.")
    ] = "",
    method: Annotated[
        MergeMethod, typer.Option(help="How tensors become one.")
    ] = MergeMethod.LINEAR,
    weights: Annotated[
        str, typer.Option(help="A number for each model, with commas; 1 each by default.")
    ] = "",
    density: Annotated[
        float | None,
        typer.Option(help="Fraction of the changes that TIES and DARE keep; 0.5 by default."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Factor of the changes that are added to the base; 1 by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of DARE's masks and of the search.")] = 0,
    recipe: Annotated[
        Path | None, typer.Option(help="Repeat the merge that a merge.json describes.")
    ] = None,
    search: Annotated[
        Search | None, typer.Option(help="Search for weights that give most valid plans.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Setting of the search as NAME=VALUE, such as order=similarity."
        ),
    ] = None,
    domains: Annotated[
        str,
        typer.Option(
            help="Domains that candidates are evaluated on, with commas; the zoo's by default."
        ),
    ] = "",
    tasks: Annotated[
        int, typer.Option("--num-tasks", min=1, help="Tasks per domain in a search.")
    ] = 10,
    test: Annotated[
        int,
        typer.Option(
            "--num-test-tasks",
            min=0,
            help="Unseen tasks per domain to evaluate the result on.",
        ),
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show how similar the models are.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=-1, max=1, help="Least similarity within a family.")
    ] = 0.95,
    linkage: Annotated[
        Linkage,
        typer.Option(help="Similarity of groups: of their means, or of their nearest members."),
    ] = Linkage.AVERAGE,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
) -> None:
    """Merge models of one family, or search for the best merge; a search can be resumed."""
    require_extras("local")
    import torch

    from surefoot.models.shipped import model_folder
    from surefoot.sparsity.merging.checks import distinct_names, open_source, open_zoo
    from surefoot.sparsity.merging.clustering import check_family, find_families
    from surefoot.sparsity.merging.streaming import check_new, merge_models

    torch.set_num_threads(threads)
    folders = [model_folder(m) for m in models]
    origin = model_folder(base) if base else None
    if dry_run:
        names = distinct_names(folders)
        sources = [open_source(f, n) for f, n in zip(folders, names, strict=True)]
        start = open_source(origin, "the base") if origin is not None else None
        with Bar("similarity") as bar:
            found = find_families(
                sources,
                threshold=threshold,
                linkage=linkage.value,
                progress=bar,
            )
        _print_families(found)
        if start is not None:
            _print_changes(sources, start)
        return
    zoo = open_zoo(folders, origin)
    given = _settings(search, method, density, scale, seed, settings or [])
    made = _recipe(zoo, method, weights, given, recipe) if search is None else None
    if made is not None:
        check_new(out, *folders)  # before the models are compared, which takes time
    with resumable(), Bar(f"merge {len(models)} models") as bar:
        if len(folders) > 1 or origin is not None:
            check_family(zoo, threshold=threshold, linkage=linkage.value, progress=bar)
        if made is not None:
            merge_models(zoo, made, out, progress=bar, note=note)
            note(f"model: {out}")
            return
        tried = tuple(d.strip() for d in domains.split(",") if d.strip()) or _default_domains()
        result, tested = _searched(zoo, given, out, tried, tasks, test, bar)
    _print_search(result, tested)
    note(f"model: {result.model}")


def _settings(
    search: Search | None,
    method: MergeMethod,
    density: float | None,
    scale: float | None,
    seed: int,
    more: Sequence[str],
) -> dict[str, Any]:
    """Returns the settings that were given and that the search or merge has."""
    from surefoot.core.config import read_settings

    if search is None and more:
        raise InputError("--set goes with --search")
    given: dict[str, Any] = {"seed": seed}
    if density is not None:
        given["density"] = density
    if scale is not None:
        given["scale"] = scale
    if search is None:
        return given
    if search is Search.EVOLUTIONARY and (density is not None or scale is not None):
        raise InputError("the evolutionary search finds density and scale itself")
    return {"kind": search.value, "method": method.value, **given, **read_settings(more)}


def _recipe(
    zoo: Zoo, method: MergeMethod, weights: str, given: dict[str, Any], path: Path | None
) -> MergeRecipe:
    """Returns the recipe of a merge without a search."""
    from surefoot.sparsity.merging.recipe import make_recipe, read_recipe
    from surefoot.sparsity.merging.streaming import check_recipe

    if path is not None:
        if weights or len(given) > 1:
            raise InputError("--recipe says it all; leave out weights, density and scale")
        made, hashes = read_recipe(path)
        if hashes is not None and hashes != zoo.hashes():
            note("these are not the models that the recipe was made for")
    else:
        if method in (MergeMethod.TIES, MergeMethod.DARE_LINEAR, MergeMethod.DARE_TIES):
            given = {"density": 0.5, **given}
        made = make_recipe(method.value, len(zoo.sources), weights=_numbers(weights), **given)
    check_recipe(zoo, made)
    return made


def _numbers(weights: str) -> list[float] | None:
    if not weights.strip():
        return None
    try:
        return [float(part) for part in weights.split(",")]
    except ValueError:
        raise InputError(f"--weights '{weights}' is not numbers with commas") from None


def _default_domains() -> tuple[str, ...]:
    from surefoot.models.training.zoo import DOMAINS

    return DOMAINS


def _searched(
    zoo: Zoo,
    given: dict[str, Any],
    out: Path,
    names: Sequence[str],
    tasks: int,
    test: int,
    progress: Progress,
) -> tuple[SearchResult, dict[str, Any] | None]:
    """Searches, then evaluates the result and the best single model on other tasks."""
    from surefoot.core.config import check_config
    from surefoot.experiments.local_models.tasks import plan_scorer
    from surefoot.models.backends.hf import HFModel
    from surefoot.sparsity.merging.evolutionary import EvolutionarySettings
    from surefoot.sparsity.merging.heuristic import HeuristicSettings
    from surefoot.sparsity.merging.search import search_merge
    from surefoot.sparsity.report.summary import task_figures

    wanted: SearchSettings = (
        check_config(HeuristicSettings, given)
        if given["kind"] == Search.HEURISTIC
        else check_config(EvolutionarySettings, given)
    )
    first = zoo.sources[0].checkpoint.folder
    if HFModel(str(first)).notes.prompt_style != "compact":
        raise InputError(
            "only small planners (prompt style 'compact') can be tried on tasks; search with the "
            "library and a score of your own",
            file=str(first),
        )
    score = plan_scorer(names, tasks, split="validation")
    label = f"{tasks} validation tasks of each of {', '.join(names)}"
    tried = plan_scorer(names, test) if test else None
    result = search_merge(zoo, wanted, score, out, label=label, progress=progress, note=note)
    if tried is None:
        return result, None
    progress(0, 2, "test")
    top = max(range(len(zoo.sources)), key=lambda i: result.singles[zoo.sources[i].name])
    before = tried(zoo.sources[top].checkpoint.folder)
    progress(1, 2, "test")
    return result, task_figures(before, tried(result.model))


def _print_families(found: Families) -> None:
    """Prints the similarity of models and their families."""
    width = max(len(name) for name in found.names)
    typer.echo(
        f"{'similarity of weights':{width + 4}} "
        + " ".join(f"{i + 1:>6}" for i in range(len(found.names)))
    )
    for i, name in enumerate(found.names):
        row = " ".join("     -" if v != v else f"{v:6.3f}" for v in found.matrix[i].tolist())
        typer.echo(f"{i + 1:>3} {name:{width}} {row}")
    for number, group in enumerate(found.groups):
        why = f" ({found.reasons[number]})" if number in found.reasons else ""
        typer.echo(f"family {number + 1}: {', '.join(found.names[i] for i in group)}{why}")


def _print_changes(sources: Sequence[MergeSource], base: MergeSource) -> None:
    """Prints how alike the changes from the base are, of the models that are of it."""
    from surefoot.sparsity.merging.checks import difference
    from surefoot.sparsity.merging.similarity import similarity_matrix

    fit = [s for s in sources if difference(base, s) is None]
    if not fit:
        raise InputError(f"no model is of the base: {difference(base, sources[0])}")
    weights = similarity_matrix([base, *fit])[0, 1:]
    changes = similarity_matrix(fit, base)
    width = max(len(s.name) for s in fit)
    typer.echo(f"{'to the base, and changes among each other':{width + 4}}")
    for source, own, row in zip(fit, weights, changes, strict=True):
        figures = " ".join(f"{v:6.3f}" for v in row.tolist())
        typer.echo(f"    {source.name:{width}} {own:6.3f} | {figures}")


def _print_search(result: SearchResult, tested: dict[str, Any] | None) -> None:
    """Prints what a search found."""
    typer.echo(f"valid plans for {len(result.best.parts)} tasks of the search")
    for name, score in result.singles.items():
        typer.echo(f"{f'  {name}':44} {100 * score:>7.1f} %")
    typer.echo(
        f"{f'  best of {len(result.evaluations)} candidates':44} {100 * result.best.score:>7.1f} %"
    )
    if tested is not None:
        n = tested["n"]
        typer.echo(f"{'other tasks, best model':44} {tested['before']:>5} of {n}")
        typer.echo(
            f"{'other tasks, best candidate':44} {tested['after']:>5} of {n}"
            f"  (p = {tested['p_value']:.3g})"
        )
