"""The models that come with Surefoot, and model folders by name."""

from __future__ import annotations

from pathlib import Path

from surefoot.core.errors import InputError

LOCAL_PLANNER = Path(__file__).parent / "checkpoints" / "local-planner"
"""The small planner that comes with Surefoot; it reads the prompt style ``compact``."""

LOCAL_PERCEPTION = LOCAL_PLANNER.parent / "local-perception"
"""The small image-text model that comes with Surefoot; it answers questions about images."""

SCENE_PRIOR = LOCAL_PLANNER.parent / "scene-prior"
"""The small generator of tabletop scenes that comes with Surefoot, of ``surefoot train prior``;
:func:`surefoot.sparsity.lottery.priors.networks.load_generator` reads it."""

LOCAL_AGENTS = ("local-agent", "local-agent-refined")
"""The agent's small planners that come with Surefoot, as learned and after refinement."""

_SHIPPED = {
    "local": LOCAL_PLANNER,
    "local-perception": LOCAL_PERCEPTION,
    **{name: LOCAL_PLANNER.parent / name for name in LOCAL_AGENTS},
}


def shipped_folder(name: str) -> Path | None:
    """Returns the folder of a model that comes with Surefoot, ``None`` if there is none.

    Args:
        name: Its name as a planner; ``local-planner`` is ``local``.

    Raises:
        InputError: The model does not come with this version.
    """
    folder = _SHIPPED.get("local" if name == LOCAL_PLANNER.name else name)
    if folder is not None and not folder.is_dir():
        raise InputError(
            f"'{name}' does not come with this version; train it (surefoot train --help) and "
            f"give it as hf:FOLDER"
        )
    return folder


def model_folder(name: str) -> Path:
    """Returns the folder of a model.

    Args:
        name: A shipped model's name, or a folder.

    Raises:
        InputError: There is no model.
    """
    folder = shipped_folder(name) or Path(name)
    if not (folder / "config.json").is_file():
        raise InputError(
            "no model here (no config.json); name a shipped one or a folder", file=str(folder)
        )
    return folder
