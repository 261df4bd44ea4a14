"""Lines for people: printable, and in red where something failed."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from isthmus.errors import IsthmusError
from isthmus.text import printable, told

if TYPE_CHECKING:
    from isthmus.medium.protocol import Progress

_OUTPUT_FAILURES = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def say(text: str, err: bool = False) -> None:
    """A line, printable: a file's name must not end the command."""
    click.echo(printable(text), err=err)


def complain(message: str) -> None:
    """What went wrong, on standard error; click takes the colour out where that is no terminal."""
    mark = "isthmus:" if os.environ.get("NO_COLOR") else click.style("isthmus:", fg="red", bold=True)
    say(f"{mark} {message}", err=True)


@contextmanager
def errors_told(about: str = "") -> Iterator[None]:
    """Errors of isthmus and of the system become a line on standard error and exit status 1. A decorator, too.

    Args:
        about: what the command works on, where its errors should name it.
    """
    try:
        yield
    except (IsthmusError, OSError) as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_FAILURES:
            raise  # of a write to standard output, as whoever guards that says
        unnamed = isinstance(error, IsthmusError) and about and not str(error).startswith(about)
        complain(f"{about}: {told(error)}" if unnamed else told(error))
        sys.exit(1)


def remark(message: str) -> None:
    """What somebody should know although nothing went wrong, on standard error."""
    say(f"isthmus: {message}", err=True)


def saving(before: int, after: int) -> str:
    """ "63.0 % saved", "4.2 % more"."""
    percent = 100 * (1 - after / before)
    return f"{percent:.1f} % saved" if percent >= 0 else f"{-percent:.1f} % more"


def say_what_decodes(model: str | None) -> None:
    """A line on standard error if what a model writes will not decode here without it."""
    if model is None:
        return
    from isthmus.model.registry import is_installed, model_named

    identity = model_named(model).id
    if not is_installed(identity):
        remark(f"decodes only with model {identity.hex()}, not installed: isthmus models add {model}")


def held_out_point(quality: float, bpp: float, psnr_db: float) -> str:
    """What a model reached on the pictures that were held out from its training, at one quality."""
    return f"quality {quality:3g}: {bpp:.3f} bits per pixel, {psnr_db:.2f} dB"


def progress_on_terminal(name: str) -> "Progress | None":
    """A line that counts the tiles of a large picture, where there is somebody to see it."""
    if not sys.stderr.isatty():
        return None

    def progress(done: int, total: int) -> None:
        if total > 1:
            click.echo(f"\r{name}: {done}/{total} tiles", nl=done == total, err=True)

    return progress
