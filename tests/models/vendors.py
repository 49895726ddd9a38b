"""Servers that answer as vendors' servers do: what they send, refuse and ignore."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import log
from typing import Any

Reply = tuple[int, Any]
"""Status and body; a list is streamed as server-sent events, with pauses where a number stands."""

Answer = Callable[[str, dict[str, Any], dict[str, str]], Reply]
"""Called with path, body and headers of a request."""


class VendorServer:
    """A server whose answers a function gives.

    Attributes:
        bodies: Request bodies received, by path.
        headers: Headers received.
        paths: Paths with their queries.
        most: Most requests that were answered at a time.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.most = self._now = 0
        self._guard = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.take(self, body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        if handler.path.split("?")[0].endswith("/decisions"):
            _send(handler, 404, {"error": {"message": "no such path"}})
            return
        headers = {k.lower(): v for k, v in handler.headers.items()}
        with self._guard:
            self.bodies.append(body)
            self.headers.append(headers)
            self.paths.append(handler.path)
            self.times.append(time.monotonic())
            self._now += 1
            self.most = max(self.most, self._now)
        status, data = self.answer(handler.path, body, headers)
        with self._guard:
            self._now -= 1
        _send(handler, status, data)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _send(handler: BaseHTTPRequestHandler, status: int, data: Any) -> None:
    handler.send_response(status)
    if not isinstance(data, list):
        content = json.dumps(data).encode()
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        return
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        for event in data:
            if isinstance(event, int | float):
                time.sleep(event)
                continue
            text = event if isinstance(event, str) else json.dumps(event)
            handler.wfile.write(f"data: {text}\n\n".encode())
            handler.wfile.flush()
    except OSError:
        return  # the client has left


def error(message: str, **more: Any) -> dict[str, Any]:
    """OpenAI's form of an error."""
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def chat(content: Any = "", finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    """A reply of the chat interface; ``message`` and ``usage`` hold further entries."""
    message = {"role": "assistant", "content": content, **more.get("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    if "top" in more:
        choice["logprobs"] = {"content": [_position(*p) for p in more["top"]]}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": {**usage, **more.get("usage", {})},
    }


def _position(token: str, chances: dict[str, float]) -> dict[str, Any]:
    top = [{"token": t, "logprob": log(p), "bytes": None} for t, p in chances.items()]
    return {"token": token, "logprob": log(chances.get(token, 1e-9)), "top_logprobs": top}


def pieces(*deltas: Any, finish: str | None = "stop", usage: bool = True) -> list[Any]:
    """A stream of the chat interface; a number is a pause."""
    events: list[Any] = [
        d if isinstance(d, int | float) else {"choices": [{"index": 0, "delta": d}]} for d in deltas
    ]
    if finish:
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if usage:
        events.append({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}})
    return [*events, "[DONE]"]


def response(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A reply of the responses interface."""
    return {
        "id": "r",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": list(output),
        "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
        **more,
    }


def said(text: str) -> dict[str, Any]:
    """An item with text of the responses interface."""
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
    }
