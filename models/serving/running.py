"""Runs the web application until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.extras import require
from surefoot.models.serving.engine import Engine

_PATIENCE = 30
"""Seconds that answers have to end once the server is stopped and cuts them off."""


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket at an address.

    Args:
        host: Name or number of an address of this machine.
        port: Port, 0 for any that is free.

    Raises:
        InputError: The address cannot be used.
    """
    try:
        kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(kind, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot listen at {host}:{port}: {reason}") from None
    return found


def run_server(app: Any, engine: Engine, place: socket.socket, ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; answers in the making are then cut off.

    Args:
        app: The application.
        engine: Its engine.
        place: Where to listen.
        ready: Called once requests are answered.

    Raises:
        MissingDependencyError: uvicorn is not installed.
    """
    require("uvicorn")
    import uvicorn

    class Server(uvicorn.Server):
        """Cuts off generation as soon as it is stopped."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Starts, and calls ``ready``."""
            await super().startup(sockets)
            ready()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """Ends, and what is being generated with it."""
            super().handle_exit(sig, frame)
            # The thread that was interrupted may hold the engine's lock, so another one asks.
            import threading

            threading.Thread(target=engine.cancel_all, daemon=True).start()

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_PATIENCE
    )
    Server(config).run(sockets=[place])
