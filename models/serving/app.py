"""The web application: OpenAI's paths, health and figures."""

# No postponed annotations here: FastAPI is imported late, and reads them.

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from surefoot.core.extras import require
from surefoot.models.serving.answers import ResponseHeader
from surefoot.models.serving.asks import ApiError, ServingRequest, read_chat, read_text
from surefoot.models.serving.engine import Engine, QueuedRequest
from surefoot.models.serving.rows import AnswerChunk, TokenScore

MAX_BODY = 32 * 2**20
"""Maximum size of a request in bytes."""


def make_app(engine: Engine, name: str, key: str = "") -> Any:
    """Returns the application, which closes the engine when it ends.

    Args:
        engine: Generates the answers.
        name: Name under which the model is asked for.
        key: What clients have to send as ``Authorization: Bearer KEY`` to the paths under
            ``/v1``; empty for none.

    Raises:
        MissingDependencyError: FastAPI is not installed.
    """
    require("fastapi")
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
    from starlette.exceptions import HTTPException

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        """Ends the engine with the server."""
        yield
        await asyncio.to_thread(engine.close)

    app = FastAPI(title="Surefoot", lifespan=lifespan)
    created = int(time.time())

    @app.exception_handler(ApiError)
    async def refused(request: Request, error: ApiError) -> JSONResponse:
        """Returns an error in OpenAI's format."""
        headers = {"Retry-After": "1"} if error.status == 429 else {}
        return JSONResponse(error.body, error.status, headers)

    @app.exception_handler(HTTPException)
    async def lost(request: Request, error: HTTPException) -> JSONResponse:
        """Returns an unknown path or method error in the same format."""
        known = ApiError(
            f"{request.method} {request.url.path}: {error.detail}", status=error.status_code
        )
        return JSONResponse(known.body, error.status_code, error.headers)

    def check_key(request: Request) -> None:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if key and not hmac.compare_digest(sent.encode(), key.encode()):
            raise ApiError("the API key is missing or wrong", status=401, code="invalid_api_key")

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        """Lists the one model."""
        check_key(request)
        return {"object": "list", "data": [_card(name, created)]}

    @app.get("/v1/models/{wanted:path}")
    async def model(request: Request, wanted: str) -> dict[str, Any]:
        """Returns the model by its name."""
        check_key(request)
        _check_name(wanted, name)
        return _card(name, created)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Returns the server's health, with its counts."""
        return {"status": "ok", "model": name, **engine.counts()}

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        """Returns the counts in the text format of Prometheus."""
        return PlainTextResponse(_exposition(engine.counts()))

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        """Answers a conversation."""
        return await answer(request, read_chat, True)

    @app.post("/v1/completions")
    async def text(request: Request) -> Response:
        """Completes a text."""
        return await answer(request, read_text, False)

    async def answer(
        request: Request, read: Callable[[bytes], tuple[str, ServingRequest]], chat: bool
    ) -> Response:
        """Generates, and responds at once or as a stream."""
        check_key(request)
        wanted, ask = read(await _body(request))
        _check_name(wanted, name)
        pieces: asyncio.Queue[AnswerChunk | ApiError] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def deliver(piece: AnswerChunk | ApiError) -> None:
            """Hands a piece from the engine's thread to the loop."""
            if not loop.is_closed():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        head = ResponseHeader(
            chat,
            f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}",
            int(time.time()),
            name,
            ask.top_logprobs is not None,
        )
        ticket = engine.submit(ask, deliver)
        watch = asyncio.create_task(_cancel_if_left(request, ticket))
        try:
            first = await _next(pieces)
            if not ask.stream:
                return JSONResponse(await _gather(first, pieces, head))
        except BaseException:
            ticket.cancel()
            raise
        finally:
            watch.cancel()
        return StreamingResponse(
            _stream(first, pieces, ticket, head, ask),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache"},
        )

    return app


async def _body(request: Any) -> bytes:
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_BODY:
            raise ApiError(f"the request is larger than {MAX_BODY} bytes", status=413)
    return found


def _check_name(wanted: str, name: str) -> None:
    if wanted != name:
        raise ApiError(
            f"the model '{wanted}' is not here; there is '{name}'",
            status=404,
            param="model",
            code="model_not_found",
        )


def _card(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "surefoot"}


async def _cancel_if_left(request: Any, ticket: QueuedRequest) -> None:
    """Cancels a request whose client goes away before it is answered."""
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)
    ticket.cancel()


async def _next(pieces: "asyncio.Queue[AnswerChunk | ApiError]") -> AnswerChunk:
    """Waits for a piece.

    Raises:
        ApiError: Generation failed or was stopped.
    """
    piece = await pieces.get()
    if isinstance(piece, ApiError):
        raise piece
    if piece.finish == "cancelled":
        raise ApiError("the server is stopping", status=503)
    return piece


async def _gather(
    piece: AnswerChunk, pieces: "asyncio.Queue[AnswerChunk | ApiError]", head: ResponseHeader
) -> dict[str, Any]:
    scores: list[TokenScore] = list(piece.scores)
    while not piece.finish:
        piece = await _next(pieces)
        scores += piece.scores
    return head.whole(piece, scores)


async def _stream(
    piece: AnswerChunk,
    pieces: "asyncio.Queue[AnswerChunk | ApiError]",
    ticket: QueuedRequest,
    head: ResponseHeader,
    ask: ServingRequest,
) -> AsyncIterator[str]:
    try:
        if head.chat:
            yield _event(head.opening())
        while True:
            yield _event(head.part(piece))
            if piece.finish:
                break
            try:
                piece = await _next(pieces)
            except ApiError as error:
                yield _event(error.body)
                return
        if ask.tell_usage:
            yield _event(head.usage(piece))
        yield "data: [DONE]\n\n"
    finally:
        ticket.cancel()  # also where the client has gone; nothing if it is done


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _exposition(counts: Mapping[str, float]) -> str:
    """Returns figures in the text format of Prometheus."""
    lines: list[str] = []
    for name, value in counts.items():
        gauge = name in ("waiting", "running") or name.endswith(("_ratio", "_now"))
        lines.append(f"# TYPE surefoot_{name} {'gauge' if gauge else 'counter'}")
        lines.append(f"surefoot_{name} {value}")
    return "\n".join(lines) + "\n"
