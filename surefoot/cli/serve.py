"""``surefoot serve``: a local model behind OpenAI's interface."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surefoot.cli.console import note
from surefoot.core.errors import InputError
from surefoot.core.extras import require_extras

if TYPE_CHECKING:
    from surefoot.models.backends.hf import HFModel
    from surefoot.models.serving.engine import GenerationObserver


def serve(
    model: Annotated[
        str,
        typer.Argument(
            help="Folder of a transformers checkpoint, or local, local-perception, local-agent, "
            "local-agent-refined."
        ),
    ],
    name: Annotated[
        str, typer.Option(help="Model name for clients; the folder's by default.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any.")] = 8000,
    batch: Annotated[int, typer.Option(min=1, help="Requests generated together.")] = 8,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the model.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    seed: Annotated[
        int, typer.Option(min=0, help="First seed of draws for requests without a seed.")
    ] = 0,
    key_env: Annotated[
        str, typer.Option(help="Environment variable with the key that clients must send.")
    ] = "SUREFOOT_SERVE_KEY",
    expert_budget: Annotated[
        str | None,
        typer.Option(help="Memory for experts of a refactored model, such as 64MB."),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            "--eviction", help="Which experts are evicted: lru, random, lookahead or belady."
        ),
    ] = "lookahead",
    window: Annotated[
        int, typer.Option(min=1, help="Number of requests that lookahead considers.")
    ] = 8,
    deadline: Annotated[
        float,
        typer.Option(
            min=0, help="Longest wait of a request in seconds, whatever experts it needs."
        ),
    ] = 2.0,
) -> None:
    """Serve a local model to any client of OpenAI's interface; Ctrl-C ends it."""
    require_extras("local", "serve")
    import torch

    from surefoot.models.backends.hf import HFModel
    from surefoot.models.serving.app import make_app
    from surefoot.models.serving.engine import Engine
    from surefoot.models.serving.running import bind, run_server
    from surefoot.models.shipped import shipped_folder

    spec = model.removeprefix("hf:")
    shipped = shipped_folder(spec)
    folder = shipped or Path(spec)
    if not (folder / "config.json").is_file():
        raise InputError("no model here (no config.json)", file=spec)
    torch.set_num_threads(threads)
    served = HFModel(str(folder), batch=batch, device=device)
    told = name or (spec if shipped else folder.resolve().name)
    key = os.environ.get(key_env, "")
    place = bind(host, port)
    note(f"loading {told} ...")
    attendant = _attendant(
        served, Path(str(shipped or spec)), expert_budget, policy, window, deadline
    )
    _ = served.network
    engine = Engine(served, batch=batch, attendant=attendant, seed=seed)
    app = make_app(engine, told, key)
    address = f"http://{f'[{host}]' if ':' in host else host}:{place.getsockname()[1]}/v1"
    if not key and host not in ("127.0.0.1", "localhost", "::1"):
        note(f"anyone who reaches {host} can use this server; set {key_env} to ask for a key")
    try:
        with suppress(KeyboardInterrupt):
            run_server(app, engine, place, lambda: note(f"serving {told} at {address}"))
    finally:
        engine.close()
    note("stopped")


def _attendant(
    model: HFModel, folder: Path, budget: str | None, policy: str, window: int, deadline: float
) -> GenerationObserver | None:
    """Returns what keeps a refactored model's experts within a budget, if one is given."""
    if budget is None:
        return None
    from surefoot.sparsity.experts.attending import attend
    from surefoot.sparsity.experts.caching import parse_bytes
    from surefoot.sparsity.experts.policies import make_policy
    from surefoot.sparsity.experts.store import FOLDER, ExpertStore

    room, chosen = parse_bytes(budget), make_policy(policy, window=window)
    if not (folder / FOLDER).is_dir():
        raise InputError("this model has no experts; leave --expert-budget out", file=str(folder))
    network = model.network
    store = ExpertStore(folder, dtype=network.dtype, device=network.device)
    return attend(network, store, room, chosen, deadline=deadline)
