"""Runs the viewer on a socket. Apart from the application, so that a test can run it on a thread of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from isthmus.errors import InputError
from isthmus.text import reason


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        InputError: the address is taken or is not this machine's.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise InputError(
            f"nothing can listen at {host}:{port}", got=reason(error), hint="Take another --port; 0 is any free one."
        ) from error


def server(app: Starlette) -> uvicorn.Server:
    """A server whose `run(sockets=[...])` returns when its `should_exit` is set."""
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=2))


class _Announced(uvicorn.Server):
    """Says when it serves and takes Ctrl-C for its own; before that an interrupt would leave it half-started."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self.failure: OSError | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        try:
            self._ready()
        except OSError as error:
            # Raised here it would be a traceback of the server's own.
            self.failure, self.should_exit = error, True


def serve_forever(app: Starlette, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Until Ctrl-C, which it raises as KeyboardInterrupt in the end; calls ready once it serves.

    Raises:
        OSError: ready raised it; nothing is served then.
    """
    announced = _Announced(server(app).config, ready)
    announced.run(sockets=[listener])
    if announced.failure is not None:
        raise announced.failure
