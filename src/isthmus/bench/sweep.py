"""Every picture of a set through every codec at every quality: rate and metrics, never times.

The work is spread over processes, what is measured is cached at once, and a run that was stopped
goes on where it was. Seconds measured beside other work say little; `timing` takes them alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from isthmus.bench.cache import Cache, Entry, digest, key_of
from isthmus.bench.curves import Point
from isthmus.bench.metrics import METRICS, QUICK, Picture, measure
from isthmus.bench.rivals import Rival
from isthmus.errors import InputError, IsthmusError
from isthmus.image.files import open_picture
from isthmus.processes import process_pool
from isthmus.text import counted

PICTURE_SUFFIXES = frozenset({".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".jpg", ".jpeg"})
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """A picture to measure on: its name in reports, its file, its size and its pixels' digest."""

    name: str
    path: Path
    width: int
    height: int
    digest: str


def load_rgb(path: Path) -> Picture:
    """A picture file as `(H, W, 3) uint8`: upright, and laid on white where it is transparent.

    Raises:
        InputError, UnsupportedPictureError, LimitExceededError, OSError
    """
    return load_on_white(path)[0]


def load_on_white(path: Path) -> tuple[Picture, bool]:
    """As `load_rgb`, and whether anything was transparent."""
    picture = open_picture(path)
    window = (0, 0, picture.height, picture.width)
    rgb = picture(*window)
    if not picture.has_alpha:
        return rgb, False
    alpha = picture.alpha(*window)[..., None].astype(np.uint16)
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8), bool((alpha < 255).any())


def sources_in(folder: Path) -> list[Source]:
    """The pictures of a folder by name; raises InputError where it holds none."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise InputError(
            f"no pictures in {folder}",
            expected=", ".join(sorted(PICTURE_SUFFIXES)),
            got=counted(len(list(folder.iterdir())), "other file"),
        )
    return [source_of(path) for path in paths]


def source_of(path: Path) -> Source:
    """One picture file as a source; reads it whole for its digest."""
    picture = load_rgb(path)
    return Source(path.name, path, picture.shape[1], picture.shape[0], digest(picture))


def sweep(
    sources: Sequence[Source],
    rivals: Sequence[Rival],
    cache: Cache,
    metrics: Iterable[str] = QUICK,
    processes: int | None = None,
    progress: Progress | None = None,
) -> list[Point]:
    """Measure all points, taking from the cache what is there.

    Args:
        metrics: names of those that are present. What the cache lacks is measured, and so is what another version of a
            metric's tool measured.
        rivals: codecs that are present (`absence` gives None).
        processes: how many at once; by default one a core. Each codec runs on one thread.
        progress: called with (points done, points in all).

    Returns points ordered by codec, quality and picture. Stopping half-way keeps what was done.
    """
    wanted = tuple(metrics)
    keys = {name: " ".join(filter(None, (name, METRICS[name].version()))) for name in wanted}
    versions = {rival.name: rival.version() for rival in rivals}
    jobs = [
        (source, rival, quality, key_of(
            source.digest, rival.name, rival.settings, versions[rival.name], quality))
        for source in sources for rival in rivals for quality in rival.points
    ]  # fmt: skip
    entries = {key: entry for *_, key in jobs if (entry := cache.get(key))}
    missing = {
        key: tuple(name for name in wanted if key not in entries or keys[name] not in entries[key].metrics)
        for *_, key in jobs
    }
    todo = [job for job in jobs if missing[job[3]] or job[3] not in entries]
    total, done = len(jobs), len(jobs) - len(todo)
    if progress:
        progress(done, total)
    count = min(processes or os.cpu_count() or 1, max(len(todo), 1))
    with process_pool(count) as pool:
        futures = {
            pool.submit(_measure, source.path, rival, quality, missing[key]): key
            for source, rival, quality, key in todo
        }
        for future in as_completed(futures):
            try:
                data_bytes, measured = future.result()
            except BrokenProcessPool as error:
                hint = "The same command goes on where this one was; --processes 1 takes less memory."
                raise IsthmusError("a worker process died, perhaps out of memory", hint=hint) from error
            key = futures[future]
            before = entries[key].metrics if key in entries else {}
            entries[key] = Entry(data_bytes, before | {keys[name]: value for name, value in measured.items()})
            cache.put(key, entries[key])
            done += 1
            if progress:
                progress(done, total)
    order = {rival.name: index for index, rival in enumerate(rivals)}
    points = [
        Point(
            source.name,
            rival.name,
            quality,
            source.width,
            source.height,
            entries[key].data_bytes,
            {name: entries[key].metrics[keys[name]] for name in wanted},
        )
        for source, rival, quality, key in jobs
    ]
    return sorted(points, key=lambda p: (order[p.codec], p.quality, p.picture))


@lru_cache(maxsize=4)
def _picture(path: Path) -> Picture:
    return load_rgb(path)


def _measure(path: Path, rival: Rival, quality: float, names: tuple[str, ...]) -> tuple[int, dict[str, float]]:
    original = _picture(path)
    try:
        data = rival.encode(original, quality, 1)
        decoded = rival.decode(data, 1)
    except Exception as error:  # every codec's library has errors of its own
        height, width = original.shape[:2]
        raise IsthmusError(
            f"{rival.label} does not take {path.name}, {width}x{height}",
            got=f"{type(error).__name__}: {error}",
            hint="Leave one of the two out.",
        ) from None
    return len(data), measure(original, decoded, names)
