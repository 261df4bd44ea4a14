"""A folder and all below it, on a disk or behind any address that fsspec opens: names, bytes in, bytes out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from isthmus.batch.listing import Entry, local_entries, store_entries
from isthmus.errors import InputError, IsthmusError, LimitExceededError, MissingExtraError
from isthmus.files import read_capped, write_atomic

_ARCHIVES = ("zip", "tar", "libarchive")
_READ_ONLY = (*_ARCHIVES, "http", "https", "github", "git", "data", "reference")


@contextmanager
def _typed_errors(address: str) -> Iterator[None]:
    """Backends raise what their libraries raise, which has no common root."""
    try:
        yield
    except (OSError, IsthmusError):
        raise
    except ImportError as error:
        hint = "Install the fsspec backend that it names."
        raise MissingExtraError(f"{address} cannot be opened: {error}", hint=hint) from error
    except Exception as error:
        raise InputError(f"{address} cannot be opened", got=f"{type(error).__name__}: {error}") from error


def is_address(name: str) -> bool:
    """Whether fsspec opens it: it says by which protocol, and is no folder that is there."""
    return "://" in name and not os.path.isdir(name)


def refuse_read_only(address: str) -> None:
    """Raise `InputError` for an address that nothing can be written to, before work begins.

    Raises:
        InputError: a file of an archive, or a page of the web.
    """
    kind = address.split("::")[0].split("://")[0] if is_address(address) else ""
    if kind in _READ_ONLY:
        what = "archives are read here, not written" if kind in _ARCHIVES else "such an address is read, not written"
        hint = "Give -o a folder" + (", and pack that afterwards." if kind in _ARCHIVES else ".")
        raise InputError(f"{address} cannot be an output: {what}", hint=hint)


class Tree:
    """The files below one address.

    Args:
        address: a folder, or an address such as s3://bucket/folder or zip://::photos.zip.

    Raises:
        InputError: nothing opens such an address.
        MissingExtraError: its fsspec backend is not installed.
    """

    def __init__(self, address: str) -> None:
        import fsspec

        self.address = address
        if not is_address(address):
            # Not through fsspec's own parser: it strips file: from a name and takes :: for the end of an archive's.
            self._fs, root = fsspec.filesystem("file"), os.path.abspath(address)
        else:
            with _typed_errors(address):
                self._fs, root = fsspec.core.url_to_fs(address)
        self._root = str(root)
        self._made: str | None = None

    @cached_property
    def folder(self) -> Path | None:
        """Where it lies on this machine, or None where it lies elsewhere."""
        from fsspec.implementations.local import LocalFileSystem

        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def entries(self, failed: dict[str, OSError] | None = None) -> Iterator[Entry]:
        """Every file below the root, one after another in the order of their names, which never lead out of the tree.

        Links to folders are listed, not followed.

        Args:
            failed: gets the folders on this machine that cannot be read, by name; without it they are errors.

        Raises:
            InputError: a file of an archive has such a name, or the address is that of a single file.
            OSError: the tree cannot be listed.
        """
        if self.folder is not None:
            yield from local_entries(self.folder, failed)
            return
        none = True
        with _typed_errors(self.address):
            for entry in store_entries(self._fs, self._root):
                none = False
                if not entry.name:
                    raise self._single_file()
                if ".." in PurePosixPath(entry.name).parts:
                    raise InputError(f"{self.address} is not a folder of plain names", got=repr(entry.name))
                yield entry
            if none and not self._fs.isdir(self._root):
                # S3 lists nothing below the name of an object.
                if self._fs.isfile(self._root):
                    raise self._single_file()
                raise FileNotFoundError(2, "No such folder", self.address)

    def _single_file(self) -> InputError:
        hint = "Give the folder above it, or copy the file to this machine first."
        return InputError(f"{self.address} is a single file", expected="a folder", hint=hint)

    def files(self, failed: dict[str, OSError] | None = None) -> dict[str, int]:
        """The bytes of every file by its name; all of `entries` at once, with its errors."""
        return {entry.name: entry.size for entry in self.entries(failed)}

    def modified(self, name: str) -> float | None:
        """Seconds since 1970 at which a file on this machine was last written; None where that is not known."""
        try:
            return (self.folder / name).stat().st_mtime if self.folder is not None else None
        except OSError:
            return None

    def size(self, name: str) -> int | None:
        """The bytes of one file, or None where there is none."""
        try:
            return int(self._fs.size(self._path(name)))
        except FileNotFoundError:
            return None

    def open(self, name: str, max_bytes: int, size: int | None = None) -> BinaryIO:
        """A file as a seekable stream of at most ``max_bytes``.

        Args:
            size: its bytes, where a listing has said them: what lies elsewhere is then read in one request.

        Raises:
            LimitExceededError, OSError
        """
        if self.folder is None and size and size <= max_bytes:
            # s3fs asks for the size first, unless it is told how much; one byte more shows whether the file has grown.
            data = self._fs.cat_file(self._path(name), start=0, end=size + 1)
            if len(data) <= size:
                return BytesIO(data)
        size = self.size(name)
        if size is not None and size > max_bytes:
            raise LimitExceededError(f"{name} is too large", expected=f"at most {max_bytes} bytes", got=size)
        return cast(BinaryIO, self._fs.open(self._path(name), "rb"))

    def read(self, name: str, max_bytes: int, size: int | None = None) -> bytes:
        """All bytes of a file; arguments and errors as of `open`."""
        with self.open(name, max_bytes, size) as stream:
            return read_capped(stream, max_bytes, name)

    def write(self, name: str, data: bytes) -> None:
        """A file, whole or not at all, with the folders above it; one of that name is replaced.

        Raises:
            OSError: it cannot be written.
        """
        if self.folder is not None:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, data, force=True)
            return
        path_there = self._path(name)
        folder = self._fs._parent(path_there)
        # Once in a row: stores that have no folders look for the bucket each time.
        if folder != self._made:
            self._fs.makedirs(folder, exist_ok=True)
            self._made = folder
        self._fs.pipe_file(path_there, data)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if self._root else name


def opened(address: str) -> Tree:
    """The tree of an address, opened once a process; errors as of `Tree`."""
    # A process that was forked has none of the threads by which stores answer; and one address may mean another folder
    # where the process works in another one.
    return _opened(address, os.getpid(), os.getcwd())


@lru_cache(maxsize=4)
def _opened(address: str, process: int, working_in: str) -> Tree:
    return Tree(address)
