"""Files and standard streams: inputs as seekable streams of bounded size, outputs whole or not at all."""

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from isthmus.cli.messages import complain
from isthmus.errors import InputError, LimitExceededError
from isthmus.files import atomic_output, read_capped
from isthmus.text import reason

STREAM = "-"
"""The name of standard input and of standard output."""


@contextmanager
def standard_streams() -> Iterator[None]:
    """Where the standard streams are closed, full or in a poor encoding, one line and exit status 1 say so.

    A command that cannot say what it did must not seem to have done it.
    """
    _keep_numbers_taken()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files need not be text, and terminals need not know every letter.
            stream.reconfigure(errors="replace")
    if sys.stdout is None:
        complain("standard output is closed. Redirect it to /dev/null to see nothing.")
        sys.exit(1)
    try:
        yield
    except OSError as error:
        # An error of a file names it; that of a write to an open stream does not.
        what = "standard output cannot be written" if error.filename is None else str(error.filename)
        _abandon_output()
        complain(f"{what}: {reason(error)}")
        sys.exit(1)
    finally:
        _flush_or_fail()


def _flush_or_fail() -> None:
    """What is left is written now: Python's own try, at the very end, would fail with a traceback."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _abandon_output()
        # Nobody reads a pipe any more: they have what they wanted.
        if error.errno != errno.EPIPE:
            complain(f"standard output cannot be written: {reason(error)}")
        sys.exit(1)


def _abandon_output() -> None:
    """Lets what could not be written go nowhere, so that Python does not try it once more."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _keep_numbers_taken() -> None:
    """Opens nothing in the place of closed standard streams: else the next file that is opened becomes one of them."""
    if os.name != "posix":
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def read_input(name: str, max_bytes: int) -> BinaryIO:
    """The bytes of an input as a seekable stream, never more than ``max_bytes``.

    Raises:
        LimitExceededError, OSError
        InputError: standard input is closed.
    """
    if name == STREAM:
        if sys.stdin is None:
            raise InputError("standard input is closed", hint="Pipe or redirect a file into it, or name the file.")
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
        try:
            sys.stdout.buffer.write(buffer.getbuffer())
            sys.stdout.buffer.flush()
        except OSError:
            _abandon_output()
            raise
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path, force) as stream:
        write(stream)
