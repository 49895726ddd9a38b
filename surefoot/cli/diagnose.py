"""``surefoot diagnose``: what can be told of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefoot.cli.console import note
from surefoot.core.errors import InputError
from surefoot.core.extras import require_extras

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.receptive.patches import PatchImage

diagnosing = typer.Typer(no_args_is_help=True, help="Examine a model's weights.")


@diagnosing.callback()
def diagnose() -> None:
    """Examine a model's weights."""


@diagnosing.command("receptive-fields")
def receptive_fields(
    model: Annotated[
        str,
        typer.Argument(help="Folder of a checkpoint, a file of safetensors, or local-perception."),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the report; runs/diagnose by default.")
    ] = Path("runs/diagnose"),
    layer: Annotated[
        str, typer.Option(help="Name of the layer, if the one that reads pixels is not found.")
    ] = "",
    shape: Annotated[
        str,
        typer.Option(
            help="CHANNELSxROWSxCOLUMNS of a linear layer's inputs, such as 3x32x24; square "
            "by default."
        ),
    ] = "",
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of PNG or JPEG images, one sub-folder per class if there are any. "
            "The shipped perception model brings drawn scenes."
        ),
    ] = None,
    each: Annotated[
        int, typer.Option("--num-patches", min=1, help="Patches cut from each image.")
    ] = 200,
    scenes: Annotated[
        int, typer.Option("--num-images", min=1, help="Scenes drawn where no --images are given.")
    ] = 64,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of patch positions, shuffles and clone.")
    ] = 0,
) -> None:
    """Test whether a first layer's weights are local, and whether that comes from the data."""
    require_extras("local")
    from surefoot.models.shipped import shipped_folder
    from surefoot.sparsity.engine.checkpoint import file_hash
    from surefoot.sparsity.lottery.receptive.layers import read_first_layer
    from surefoot.sparsity.lottery.receptive.patches import images_hash, images_in
    from surefoot.sparsity.lottery.receptive.running import FieldSettings, run_diagnosis

    place = shipped_folder(model) or Path(model)
    if not place.exists():
        raise InputError("no model here", file=str(place))
    first = read_first_layer(place, layer, _shape(shape))
    files = [place] if place.is_file() else sorted(place.glob("*.safetensors"))
    hashes = {path.name: file_hash(path) for path in files}
    if images is not None:
        hashes["pictures"] = images_hash(images)
        mean, deviation = _scaling(place)

        def seen() -> Iterator[PatchImage]:
            return images_in(images, mean, deviation)

        source = f"files of {images.name}"
    else:

        def seen() -> Iterator[PatchImage]:
            return _own_images(place, scenes, seed)

        source = f"drawn scenes, {scenes} at most"
    found = run_diagnosis(
        first,
        seen,
        FieldSettings(each=each, seed=seed),
        out,
        model=place.name,
        source=source,
        hashes=hashes,
    )
    _tell(found)
    note(f"report: {out / 'report.html'}")


def _shape(text: str) -> tuple[int, int, int] | None:
    if not text:
        return None
    try:
        channels, rows, columns = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(
            f"--shape '{text}' is not of the form CHANNELSxROWSxCOLUMNS, such as 3x32x32"
        ) from None
    if min(channels, rows, columns) < 1:
        raise InputError(f"--shape '{text}' needs numbers of at least 1")
    return channels, rows, columns


def _scaling(model: Path) -> tuple[float, float]:
    """Returns what the model's processor takes off pixels in [0, 1], and divides them by."""
    from surefoot.sparsity.engine.checkpoint import read_json

    for name in ("processor_config.json", "preprocessor_config.json"):
        if model.is_dir() and (model / name).is_file():
            data = read_json(model / name, "no processor")
            data = data.get("image_processor", data)
            means, deviations = data.get("image_mean"), data.get("image_std")
            if isinstance(means, list) and isinstance(deviations, list) and deviations:
                # One number for all channels: measures do not change with scale, and hardly with
                # the small differences that processors make between colours.
                return sum(means) / len(means), sum(deviations) / len(deviations)
    return 0.5, 0.5


def _own_images(model: Path, count: int, seed: int) -> Iterator[PatchImage]:
    """Draws the scenes that the project's perception models are shown."""
    from surefoot.experiments.local_models.images import own_images
    from surefoot.sparsity.lottery.receptive.patches import PatchImage

    return (PatchImage(pixels) for pixels in own_images(model, count, seed))


def _tell(found: dict[str, Any]) -> None:
    from surefoot.sparsity.lottery.receptive.page import findings

    for line in findings(found):
        typer.echo(line)
