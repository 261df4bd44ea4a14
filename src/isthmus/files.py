"""Whole files in and out: capped reading and atomic writing. Knows nothing of pictures or bitstreams."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from isthmus.errors import InputError, LimitExceededError, OutputExistsError

_BLOCK = 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def read_capped(stream: BinaryIO, max_bytes: int, name: str) -> bytes:
    """All bytes of a stream, refusing more than ``max_bytes`` of them.

    Raises:
        LimitExceededError: the stream is longer.
    """
    # In blocks: one read would allocate all that it may return, and may return less than there is.
    # Into a stream in memory, which gives its bytes away as they are: blocks joined at the end would be held twice.
    whole, room = BytesIO(), max_bytes + 1
    while room and (block := stream.read(min(room, _BLOCK))):
        whole.write(block)
        room -= len(block)
    if not room:
        raise LimitExceededError(
            f"{name} is too large",
            expected=f"at most {max_bytes} bytes",
            got="more",
            hint="Raise Limits.max_file_bytes if the file is trusted.",
        )
    return whole.getvalue()


@contextmanager
def position_kept(stream: IO[bytes]) -> Iterator[None]:
    """Whatever is read of a stream inside, it is where it was afterwards."""
    position = stream.tell()
    try:
        yield
    finally:
        stream.seek(position)


def refuse_existing(path: Path, force: bool) -> None:
    """Raise :class:`OutputExistsError` if ``path`` exists and ``force`` is off."""
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists already", hint="Use --force (force=True) to overwrite it.")


def refuse_unwritable(path: Path) -> None:
    """Raise :class:`InputError` if no file could be made at ``path``, before long work is begun."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise InputError(f"{path} cannot be written", expected="a folder that can be written to", got=folder)


def beside(source: Path, suffix: str) -> Path:
    """The name of a file with another suffix; raises :class:`InputError` for what names none, as "." does."""
    if not source.name:
        raise InputError("no file", expected="the name of a file", got=f"{str(source)!r}, a folder")
    return source.with_suffix(suffix)


@contextmanager
def atomic_output(path: Path, force: bool = False) -> Iterator[BinaryIO]:
    """A binary file that appears under ``path`` whole or not at all.

    The bytes go to a temporary file in the same folder, which is flushed to disk and renamed when the
    block ends well, and removed when it does not. A link stays one: what it names is written. So does a device or a
    pipe, which gets the bytes when the block has ended well.

    Raises:
        OutputExistsError: ``path`` exists and ``force`` is off.
        OSError: the folder cannot be written.
    """
    refuse_existing(path, force)
    path = path.resolve()
    if path.exists() and not path.is_file():
        collected = BytesIO()
        yield collected
        with path.open("wb") as special:
            special.write(collected.getbuffer())
        return
    # Not tempfile, whose files are private for good: nobody can ask for the usual permissions without changing the
    # umask, which all threads share. The system applies it to a file that is made by name.
    temporary = path.parent / f".isthmus-{secrets.token_hex(8)}.tmp"
    permissions = path.stat().st_mode & 0o777 if path.exists() else None

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o666 if permissions is None else permissions)

    try:
        with open(temporary, "xb", opener=opener) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if permissions is not None:
            temporary.chmod(permissions)
        _publish(temporary, path, force)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
            # An error of a write names no file, and standard output is told from files by that.
            error.filename = str(path)
        raise


def write_atomic(path: Path, data: bytes, force: bool = False) -> int:
    """Write a file of these bytes that appears under ``path`` whole or not at all, as `atomic_output`; their number.

    Raises:
        OutputExistsError, OSError
    """
    with atomic_output(path, force) as stream:
        stream.write(data)
    return len(data)


def _publish(temporary: Path, path: Path, force: bool) -> None:
    if force:
        temporary.replace(path)
        return
    try:
        _take_name(temporary, path)
    except FileExistsError:
        raise OutputExistsError(f"{path} appeared meanwhile", hint="Use --force to overwrite it.") from None


def _take_name(temporary: Path, path: Path) -> None:
    """Renames; raises FileExistsError if the name was taken meanwhile, which a rename alone does not."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no hard links. There the name is taken by an empty file first.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        temporary.replace(path)
    else:
        temporary.unlink()
