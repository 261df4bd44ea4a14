"""What tests of clusters share: how many pictures there are, what a tree holds, and processes that a test may kill."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec

COUNT = 20


def contents(address: str) -> dict[str, bytes]:
    """Every file below an address."""
    store, root = fsspec.core.url_to_fs(address)
    store.invalidate_cache()
    return {path[len(root) + 1 :]: store.cat_file(path) for path in store.find(root)}


def free_address() -> str:
    """Where a scheduler can be."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


@contextmanager
def module(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """A module of Python that runs, as `python -m` starts it, no longer than the block."""
    with subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def scheduler(address: str) -> Iterator["subprocess.Popen[str]"]:
    """A scheduler without workers."""
    with module("distributed.cli.dask_scheduler", "--host", address, "--no-dashboard", "--no-show") as process:
        yield process


@contextmanager
def worker(address: str) -> Iterator["subprocess.Popen[str]"]:
    """A worker without a nanny: it ends when its scheduler does."""
    with module("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") as process:
        yield process
