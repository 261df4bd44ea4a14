"""The viewer's addresses: what a browser asks for, answered from the store. Nothing here is worked out.

Pictures are dropped by POST /pictures; everything made of one lies below /pictures/{key}. Work runs in threads, a
limited number at once and one for each picture, so that visitors do not block each other.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import TypeVar
from urllib.parse import quote

import anyio.to_thread
import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape
from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isthmus.bench.codec import Weights
from isthmus.bench.compare import Outcome
from isthmus.bench.page import HEADS, cells, rate_cells
from isthmus.bench.rivals import choose
from isthmus.bench.shown import bits_data, lossless_webp
from isthmus.codec import DEFAULT_QUALITY, SUFFIX
from isthmus.data import PHOTOGRAPH, photograph
from isthmus.errors import InputError, IsthmusError, LimitExceededError
from isthmus.image.grid import BLOCK
from isthmus.image.limits import Limits
from isthmus.tune import Tune
from isthmus.web.store import SHOWN_RIVALS, Dials, Dropped, Store, Studio

MAX_UPLOAD_BYTES = 64 << 20
MAX_UPLOAD_PIXELS = 50_000_000
FORMATS = {"png": "PNG", "jpg": "JPEG"}
"""What a decoded picture is downloaded as: Pillow's format of a suffix."""
LOOPBACK = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
T = TypeVar("T")


def create_app(
    model: str | None = None,
    host: str = LOOPBACK[0],
    threads: int | None = None,
    max_bytes: int = MAX_UPLOAD_BYTES,
    max_pixels: int = MAX_UPLOAD_PIXELS,
) -> Starlette:
    """The viewer as an ASGI application.

    Args:
        model: weights: a file, or the name of an installed model; by default "best".
        host: where it will listen; on this machine alone, requests under any other name are refused.
        threads: of each codec.
        max_bytes, max_pixels: larger uploads are refused.

    Raises:
        ModelError, UnknownModelError: there are no such weights.
    """
    studio = Studio(Weights(model), threads or os.cpu_count() or 1, Limits(max_pixels, max_bytes))
    viewer = _Viewer(studio, max_bytes)
    pictures = [
        Route("/", viewer.drop, methods=["POST"]),
        Route("/{key}/shown.webp", viewer.shown),
        Route("/{key}/codecs/{codec}", viewer.outcome),
        Route("/{key}/codecs/{codec}/decoded.webp", viewer.decoded),
        Route("/{key}/bits", viewer.bits),
        Route("/{key}/latents/{channel:int}.png", viewer.latent),
        Route("/{key}/file.isth", viewer.file),
        Route("/{key}/file.html", viewer.page_file),
        Route("/{key}/file.{suffix}", viewer.decoded_file),
        Route("/{key}/formats", viewer.formats),
    ]
    routes = [
        Route("/", viewer.page),
        Route(f"/{PHOTOGRAPH}", viewer.sample),
        Mount("/pictures", routes=pictures),
        Mount("/static", StaticFiles(packages=["isthmus.web", ("isthmus.bench", "templates")])),
    ]
    allowed = [*LOOPBACK] if host in LOOPBACK else ["*"]
    return Starlette(
        routes=routes,
        middleware=[Middleware(_Guard), Middleware(TrustedHostMiddleware, allowed_hosts=allowed)],
        exception_handlers={IsthmusError: _refusal, HTTPException: _http_refusal},
    )


class _Viewer:
    def __init__(self, studio: Studio, max_bytes: int) -> None:
        self._studio, self._max_bytes = studio, max_bytes
        self._store = Store()
        self._seats = anyio.CapacityLimiter(max(4, os.cpu_count() or 1))
        self._codecs, self._absent = choose(SHOWN_RIVALS)
        loader = ChoiceLoader([PackageLoader("isthmus.web"), PackageLoader("isthmus.bench")])
        template = Environment(loader=loader, autoescape=select_autoescape()).get_template("serve.html")
        shown = {"quality": DEFAULT_QUALITY, "has_tune": studio.has_tune}
        self._page = template.render(heads=HEADS, bits=True, sample=PHOTOGRAPH, **shown)

    async def page(self, request: Request) -> Response:
        return HTMLResponse(self._page)

    async def sample(self, request: Request) -> Response:
        return _webp(photograph())

    async def drop(self, request: Request) -> Response:
        file = await _body(request, self._max_bytes)
        name = request.query_params.get("name", "picture")
        dropped = await self._work(lambda: self._studio.read(name, file))
        height, width = dropped.region.shape[:2]
        return JSONResponse(
            {
                "key": self._store.put(dropped),
                "name": dropped.name,
                "width": dropped.width,
                "height": dropped.height,
                "shown": {"width": width, "height": height},
                "bytes": len(dropped.file),
                "cells": _cells_of(len(dropped.file), dropped),
                "suffixes": self._suffixes(dropped),
                "notes": list(dropped.notes),
                "info": dropped.info.as_dict() if dropped.info else None,
                "codecs": ["isthmus", *(rival.name for rival in self._codecs)],
                "absent": [f"{label} is not here: {reason}" for label, reason in self._absent],
            }
        )

    async def shown(self, request: Request) -> Response:
        dropped = self._dropped(request)
        return _webp(await self._work(lambda: lossless_webp(dropped.region)))

    async def outcome(self, request: Request) -> Response:
        outcome = await self._outcome(request)
        return JSONResponse(
            {
                "label": outcome.rival.label,
                "bytes": len(outcome.data),
                "bpp": outcome.rate,
                "cells": cells(outcome),
                "settings": ". ".join(filter(None, (outcome.rival.settings, outcome.version, outcome.note))),
            }
        )

    async def decoded(self, request: Request) -> Response:
        outcome = await self._outcome(request)
        return _webp(await self._work(lambda: lossless_webp(outcome.decoded)))

    async def bits(self, request: Request) -> Response:
        dropped, dials = self._compared(request), _dials(request)
        bits = await self._turn(dropped, request, lambda: self._studio.bits(dropped, dials))
        return JSONResponse(bits_data(bits, BLOCK, f"isthmus at {dials.text}"))

    async def latent(self, request: Request) -> Response:
        dropped, dials = self._dropped(request), _dials(request)
        latents = await self._turn(dropped, request, lambda: self._studio.latents(dropped, dials))
        channel: int = request.path_params["channel"]
        if channel >= latents.shape[2]:
            raise InputError("the latent channel", expected=f"0 to {latents.shape[2] - 1}", got=channel)
        plane = latents[:, :, channel]
        middle = float(np.median(plane))
        reach = max(float(np.abs(plane - middle).max()), 1e-6)
        file = io.BytesIO()
        Image.fromarray(np.rint(127.5 + (plane - middle) / reach * 127.5).astype(np.uint8)).save(file, "PNG")
        facts = {"Isthmus-Channels": str(latents.shape[2]), "Isthmus-Range": f"{middle:.4g} {reach:.4g}"}
        return Response(file.getvalue(), media_type="image/png", headers=facts)

    async def file(self, request: Request) -> Response:
        dropped, dials = self._dropped(request), _dials(request)
        data = await self._turn(dropped, request, lambda: self._studio.whole_file(dropped, dials))
        return _download(data, dropped, SUFFIX, "application/octet-stream")

    async def page_file(self, request: Request) -> Response:
        dropped, dials = self._dropped(request), _dials(request)
        data = await self._turn(dropped, request, lambda: self._studio.page(dropped, dials))
        return _download(data, dropped, ".html", "text/html; charset=utf-8")

    async def decoded_file(self, request: Request) -> Response:
        dropped, dials = self._dropped(request), _dials(request)
        suffix: str = request.path_params["suffix"]
        if suffix not in FORMATS:
            raise InputError("the format to download", expected=f"isth, html, {', '.join(FORMATS)}", got=suffix[:20])
        name = FORMATS[suffix]
        data = await self._turn(dropped, request, lambda: self._studio.decoded_file(dropped, dials, name))
        return _download(data, dropped, f".{suffix}", f"image/{name.lower()}")

    async def formats(self, request: Request) -> Response:
        """What the decoded picture would take in each format that can hold it."""
        dropped, dials = self._dropped(request), _dials(request)
        rows = []
        for suffix, name in _formats(dropped).items():
            data = await self._turn(dropped, request, partial(self._studio.decoded_file, dropped, dials, name))
            row = {"label": f"Decoded, as {name}", "cells": _cells_of(len(data), dropped)}
            rows.append({**row, "suffix": suffix, "bytes": len(data)})
        return JSONResponse(rows)

    async def _outcome(self, request: Request) -> Outcome:
        dropped, dials = self._compared(request), _dials(request)
        codec = request.path_params["codec"]
        return await self._turn(dropped, request, lambda: self._studio.outcome(dropped, codec, dials))

    def _suffixes(self, dropped: Dropped) -> list[str]:
        """Of all downloads that there are."""
        page = ["html"] if self._studio.has_page(dropped) else []
        return [SUFFIX.removeprefix("."), *_formats(dropped), *page]

    def _dropped(self, request: Request) -> Dropped:
        dropped = self._store.get(request.path_params["key"])
        if dropped is None:
            raise HTTPException(404, "The picture is gone: newer ones took its place. Drop it again.")
        return dropped

    def _compared(self, request: Request) -> Dropped:
        dropped = self._dropped(request)
        if dropped.info:
            raise InputError("an .isth file has no original to compare with", hint="Drop the picture itself.")
        return dropped

    async def _work(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._seats)

    async def _turn(self, dropped: Dropped, request: Request, work: Callable[[], T]) -> T:
        async with dropped.turn:
            # The dial has moved on and nobody waits for this any more.
            if await request.is_disconnected():
                raise HTTPException(499, "The request was given up.")
            return await self._work(work)


class _Guard:
    """Adds the headers, and refuses what a page of another site sends here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        site = dict(scope["headers"]).get(b"sec-fetch-site", b"none")
        refused = site == b"cross-site" and scope["method"] != "GET"
        app = JSONResponse({"error": "Another site may not send anything here."}, 403) if refused else self._app
        await app(scope, receive, guarded)


async def _body(request: Request, max_bytes: int) -> bytes:
    """The request's body, never more than the cap of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise LimitExceededError("the file is too large", expected=f"at most {max_bytes:,} bytes", got="more")
    return bytes(body)


def _cells_of(size: int, dropped: Dropped) -> list[str]:
    """The first cells of a row, of a file of so many bytes that holds the whole picture."""
    pixels = dropped.height * dropped.width
    return rate_cells(size, 3 * pixels, pixels)


def _dials(request: Request) -> Dials:
    """Where the page's dials stand; one that it does not have is not named."""
    text, tune = request.query_params.get("quality", str(DEFAULT_QUALITY)), request.query_params.get("tune")
    try:
        quality = float(text)
    except ValueError:
        quality = -1
    if not 0 <= quality <= 100:
        raise InputError("the quality", expected="0 to 100", got=text[:20])
    return Dials(round(quality, 2), None if tune is None else Tune.parse(tune[:20]))


def _webp(data: bytes) -> Response:
    return Response(data, media_type="image/webp")


def _formats(dropped: Dropped) -> dict[str, str]:
    """Those of `FORMATS` that can hold the picture."""
    return {suffix: name for suffix, name in FORMATS.items() if not (dropped.has_alpha and name == "JPEG")}


def _download(data: bytes, dropped: Dropped, suffix: str, media_type: str) -> Response:
    name = quote(PurePath(dropped.name).stem + suffix)
    return Response(
        data, media_type=media_type, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    )


async def _refusal(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 413 if isinstance(error, LimitExceededError) else 422)


async def _http_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
