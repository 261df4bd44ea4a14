"""Measured points kept between runs, one small JSON file each.

A point's key is the SHA-256 of all it depends on: the picture's pixels, the codec with its settings
and version, and the quality. Changing any of them measures again; nothing is ever stale.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from isthmus.bench.metrics import Picture

LAYOUT = 1  # part of every key: raise it when a metric's code changes its figures


def default_directory() -> Path:
    """Where measured points live unless told otherwise: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "isthmus" / "bench"


def digest(picture: Picture) -> str:
    """The SHA-256 of a picture's shape and pixels, in hex: its identity, whatever its file."""
    hasher = hashlib.sha256(repr(picture.shape).encode())
    hasher.update(picture.tobytes())
    return hasher.hexdigest()


def key_of(picture_digest: str, codec: str, settings: str, version: str, quality: float) -> str:
    """The key of one point."""
    parts = [LAYOUT, picture_digest, codec, settings, version, quality]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """What is kept of a point: the bytes written and every metric measured so far."""

    data_bytes: int
    metrics: dict[str, float]


class Cache:
    """A folder of entries. Safe with several processes: each file is written whole, then renamed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def get(self, key: str) -> Entry | None:
        """The entry of a key, or None where there is none or it cannot be read."""
        try:
            record = json.loads(self._path(key).read_text())
            metrics = {name: float(value) for name, value in record["metrics"].items()}
            return Entry(int(record["data_bytes"]), metrics)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry; metrics that an earlier entry of the same key held stay."""
        before = self.get(key)
        metrics = {**(before.metrics if before else {}), **entry.metrics}
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        # As text where JSON has no number: a PSNR may be infinite, and a metric say nothing.
        told = {name: value if math.isfinite(value) else str(value) for name, value in metrics.items()}
        with os.fdopen(handle, "w") as file:
            json.dump({"data_bytes": entry.data_bytes, "metrics": told}, file, allow_nan=False)
        os.replace(temporary, path)

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.json"
