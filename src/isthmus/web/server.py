"""Runs the viewer on a socket. Apart from the application, so that a test can run it on a thread of its own."""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        OSError: the address is taken or is not this machine's.
    """
    return socket.create_server((host, port))


def server(app: Starlette) -> uvicorn.Server:
    """A server whose `run(sockets=[...])` returns when its `should_exit` is set."""
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=2))


def serve_forever(app: Starlette, listener: socket.socket) -> None:
    """Until Ctrl-C, which it raises as KeyboardInterrupt in the end."""
    server(app).run(sockets=[listener])
