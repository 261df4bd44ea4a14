"""A folder and all below it, on a disk or behind any address that fsspec opens: names, bytes in, bytes out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

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

    @cached_property
    def folder(self) -> Path | None:
        """Where it lies on this machine, or None where it lies elsewhere."""
        from fsspec.implementations.local import LocalFileSystem

        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def files(self, failed: dict[str, OSError] | None = None) -> dict[str, int]:
        """The bytes of every file by its name below the root, sorted; names never lead out of the tree.

        Links to folders are listed, not followed.

        Args:
            failed: gets the folders on this machine that cannot be read, by name; without it they are errors.

        Raises:
            InputError: a file of an archive has such a name.
            OSError: the tree cannot be listed.
        """
        if self.folder is not None:
            return self._local_files(self.folder, failed)
        with _typed_errors(self.address):
            found: dict[str, Any] = self._fs.find(self._root, detail=True)
            if not found and not self._fs.isdir(self._root):
                raise FileNotFoundError(2, "No such folder", self.address)
        # A single file is found under its own name, which leaves nothing below the root.
        sizes = {path[len(self._root) :].strip("/"): int(entry["size"] or 0) for path, entry in found.items()}
        if "" in sizes:
            hint = "Give the folder above it, or copy the file to this machine first."
            raise InputError(f"{self.address} is a single file", expected="a folder", hint=hint)
        for name in sizes:
            if ".." in PurePosixPath(name).parts:
                raise InputError(f"{self.address} is not a folder of plain names", got=repr(name))
        return dict(sorted(sizes.items()))

    def _local_files(self, root: Path, failed: dict[str, OSError] | None) -> dict[str, int]:
        # fsspec's own listing passes over what it cannot read without a word.
        sizes: dict[str, int] = {}

        def note(error: OSError) -> None:
            if failed is None or Path(error.filename) == root:
                raise error
            failed[Path(error.filename).relative_to(root).as_posix()] = error

        for folder, below, files in os.walk(root, onerror=note):
            for name in (*files, *(name for name in below if os.path.islink(os.path.join(folder, name)))):
                path = Path(folder, name)
                try:
                    size = path.stat().st_size
                except OSError:  # A link to nothing: an error where it is read, if ever.
                    size = 0
                sizes[path.relative_to(root).as_posix()] = size
        return dict(sorted(sizes.items()))

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

    def open(self, name: str, max_bytes: int) -> BinaryIO:
        """A file as a seekable stream of at most ``max_bytes``.

        Raises:
            LimitExceededError, OSError
        """
        size = self.size(name)
        if size is not None and size > max_bytes:
            raise LimitExceededError(f"{name} is too large", expected=f"at most {max_bytes} bytes", got=size)
        return cast(BinaryIO, self._fs.open(self._path(name), "rb"))

    def read(self, name: str, max_bytes: int) -> bytes:
        """All bytes of a file.

        Raises:
            LimitExceededError, OSError
        """
        with self.open(name, max_bytes) as stream:
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
        self._fs.makedirs(self._fs._parent(path_there), exist_ok=True)
        self._fs.pipe_file(path_there, data)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if self._root else name
