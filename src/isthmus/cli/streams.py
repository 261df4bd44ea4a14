"""Files and standard streams: inputs as seekable streams of bounded size, outputs whole or not at all."""

import os
import stat
import sys
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from isthmus.errors import LimitExceededError
from isthmus.files import atomic_output, read_capped

STREAM = "-"
"""The name of standard input and of standard output."""


def read_input(name: str, max_bytes: int) -> BinaryIO:
    """The bytes of an input as a seekable stream, never more than ``max_bytes``.

    Raises:
        LimitExceededError, OSError
    """
    if name == STREAM:
        return BytesIO(read_capped(sys.stdin.buffer, max_bytes, "standard input"))
    with ExitStack() as on_exit:
        stream = on_exit.enter_context(Path(name).open("rb"))
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            # Pipes and devices have no size to ask for, and cannot be sought.
            return BytesIO(read_capped(stream, max_bytes, name))
        if status.st_size > max_bytes:
            raise LimitExceededError(f"{name} is too large", expected=f"at most {max_bytes} bytes", got=status.st_size)
        on_exit.pop_all()
    return stream


def write_output(target: str, force: bool, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill the output: standard output, or a file that appears whole or not at all."""
    if target == STREAM:
        # Collected first, so that a failure half-way writes nothing here either.
        buffer = BytesIO()
        write(buffer)
        sys.stdout.buffer.write(buffer.getbuffer())
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path, force) as stream:
        write(stream)
