"""A server that speaks the OpenAI chat protocol and misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = "good"


class MisbehavingServer:
    """Answers ``fine: LAST MESSAGE`` unless its script says otherwise.

    Attributes:
        script: What to do with each next request: ``good``, ``429``, ``500``, ``torn``,
            ``not-json``, ``wrong-json``, ``sse``, ``silent``, ``length``, ``filter``,
            ``no-choices``; good when it is used up.
        bodies: Request bodies received.
        headers: Authorization headers received.
        says: Texts of answers, taken in turn, in place of ``fine: …``.
        honours: What is not ignored: ``schema``, ``logprobs``, ``seed``, ``decisions``.
    """

    def __init__(self) -> None:
        self.script: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.times: list[float] = []
        self.honours: set[str] = set()
        self.says: list[str] = []
        self.said = 0
        self.guard = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.guard:
                    outer.bodies.append(body)
                    outer.headers.append(self.headers.get("Authorization", ""))
                    outer.times.append(time.monotonic())
                    what = outer.script.pop(0) if outer.script else GOOD
                outer.answer(self, what, body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # a busy machine accepts late, and clients must not notice

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def completion(self, body: dict[str, Any], what: str) -> dict[str, Any]:
        last = body["messages"][-1]["content"]
        if not isinstance(last, str):
            last = " ".join(part["type"] for part in last)
        text = f"fine: {last}"
        if self.says:
            text = self.says[self.said % len(self.says)]
            self.said += 1
        if "seed" in self.honours and body.get("temperature"):
            text += f" {body.get('seed')}"
        if "schema" in self.honours and "response_format" in body:
            schema = body["response_format"]["json_schema"]["schema"]
            text = json.dumps({k: v.get("enum", [[]])[0] for k, v in schema["properties"].items()})
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": {"length": "length", "filter": "content_filter"}.get(what, "stop"),
        }
        if "logprobs" in self.honours and body.get("logprobs"):
            top = [{"token": t, "logprob": p, "bytes": None} for t, p in (("A", -0.2), ("B", -1.8))]
            choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}], "refusal": None}
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [] if what == "no-choices" else [choice],
            "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
        }

    def decision(self, body: dict[str, Any], what: str) -> dict[str, Any]:
        """Halves the probability from choice to choice; ``filter`` declines."""
        choices = body["questions"][0]["choices"]
        found = [{"value": c["value"], "probability": 0.5**n} for n, c in enumerate(choices, 1)]
        found[-1]["probability"] *= 2
        answer = {
            "type": "choice",
            "name": None,
            "choice": choices[0]["value"],
            "confidence": 0.1,
            "probabilities": found,
        }
        return {
            "answers": [{"type": "refusal", "name": None} if what == "filter" else answer],
            "model": body["model"],
            "usage": {
                "input_tokens": 21,
                "output_tokens": 1,
                "total_tokens": 22,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }

    def answer(self, handler: BaseHTTPRequestHandler, what: str, body: dict[str, Any]) -> None:
        status, kind, extra = 200, "application/json", {}
        decisions = handler.path.endswith("/decisions")
        if decisions and "decisions" not in self.honours:
            status, data = 404, b'{"error": {"message": "no such path"}}'
        else:
            reply = self.decision(body, what) if decisions else self.completion(body, what)
            data = json.dumps(reply).encode()
        if what == "silent":
            handler.rfile.read(1)  # returns when the client leaves
            handler.close_connection = True
            return
        if what in ("429", "500"):
            status = int(what)
            key = handler.headers.get("Authorization", "")
            data = json.dumps({"error": {"message": f"no: {key}"}}).encode()
            if what == "429":
                extra["Retry-After"] = "0.3"
        elif what == "not-json":
            data = b"<html>busy</html>"
        elif what == "wrong-json":
            data = b'{"hello": ["there"]}'
        elif what == "sse":
            data, kind = b"data: " + data + b"\n\ndata: [DONE]\n\n", "text/event-stream"
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        for name, value in extra.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if what == "torn" else data)
        if what == "torn":
            handler.close_connection = True
