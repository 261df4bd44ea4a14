"""The files below an address one after another, in the order of their names, and never all of them at once.

Whole names are in order, as S3 lists them: what lies below a folder comes where the folder's name with a stroke stands.
A store of S3's protocol is listed by pages of a thousand names, any other by folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A file of a listing.

    Attributes:
        name: below the root, with strokes between folders.
        size: bytes.
        modified: seconds since 1970 at which it was last written; None where the listing does not say.
    """

    name: str
    size: int
    modified: float | None = None


def local_entries(root: Path, failed: dict[str, OSError] | None) -> Iterator[Entry]:
    """The files of a folder on this machine; links to folders are listed, not followed.

    Args:
        failed: gets the folders that cannot be read, by name; without it, and for the root itself, they are errors.

    Raises:
        OSError: a folder cannot be read.
    """
    return _below(root, "", failed)


def _below(root: Path, folder: str, failed: dict[str, OSError] | None) -> Iterator[Entry]:
    try:
        with os.scandir(root / folder) as found:
            # Only folders end in a stroke; with it they sort as the names below them do.
            names = sorted(f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name for one in found)
    except OSError as error:
        if failed is None or not folder:
            raise
        failed[folder.rstrip("/")] = error
        return
    for name in names:
        if name.endswith("/"):
            yield from _below(root, folder + name, failed)
            continue
        try:
            status = (root / folder / name).stat()
        except OSError:  # A link to nothing: an error where it is read, if ever.
            yield Entry(folder + name, 0)
        else:
            yield Entry(folder + name, status.st_size, status.st_mtime)


def store_entries(store: Any, root: str) -> Iterator[Entry]:
    """The files below a path of an fsspec file system; none where there is no such folder.

    Args:
        store: of fsspec's class AbstractFileSystem.
        root: as that file system writes it. Of a file, that file alone, under an empty name.
    """
    kinds = [store.protocol] if isinstance(store.protocol, str) else store.protocol
    if "s3" in kinds:
        return _by_pages(store, root)
    return _by_folders(store, root, root)


def _by_pages(store: Any, root: str) -> Iterator[Entry]:
    # s3fs's own `find` and `ls` keep every name that they have listed.
    bucket, key, _ = store.split_path(root)
    prefix = f"{key.rstrip('/')}/" if key else ""
    rest: dict[str, str] = {}
    while True:
        page = store.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **rest)
        for found in page.get("Contents", []):
            # Folders that some tools make as objects of no bytes.
            if not found["Key"].endswith("/"):
                yield Entry(found["Key"][len(prefix) :], int(found["Size"]), found["LastModified"].timestamp())
        if not page.get("IsTruncated"):
            return
        rest = {"ContinuationToken": page["NextContinuationToken"]}


def _by_folders(store: Any, root: str, folder: str) -> Iterator[Entry]:
    try:
        found = {entry["name"].rstrip("/"): entry for entry in store.ls(folder, detail=True)}
    except (FileNotFoundError, NotADirectoryError):
        return
    # Ten million names are not remembered for whoever asks again.
    store.invalidate_cache(folder)
    if folder != root:
        # Some stores list a folder among what it holds.
        found.pop(folder.rstrip("/"), None)
    for path in sorted(found, key=lambda path: path + "/" * (found[path]["type"] == "directory")):
        if found[path]["type"] == "directory":
            if path != folder.rstrip("/"):
                yield from _by_folders(store, root, path)
        else:
            yield Entry(path[len(root) :].strip("/"), int(found[path]["size"] or 0), _modified(found[path]))


def _modified(entry: dict[str, Any]) -> float | None:
    """When a file was written, by the names that fsspec's file systems have for it."""
    for name in ("LastModified", "mtime", "last_modified", "updated"):
        when = entry.get(name)
        if isinstance(when, datetime):
            return when.timestamp()
        if isinstance(when, (int, float)):
            return float(when)
    return None
