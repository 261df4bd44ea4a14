"""Every picture or sound of a set through every codec at every quality: rate and metrics, never times.

The work is spread over processes, what is measured is cached at once, and a run that was stopped
goes on where it was. Seconds measured beside other work say little; `timing` takes them alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from isthmus.bench.cache import Cache, Entry, key_of
from isthmus.bench.curves import Point
from isthmus.bench.metrics import METRICS, QUICK, measure
from isthmus.bench.rivals import Rival
from isthmus.bench.subject import PICTURES, Subject
from isthmus.errors import InputError, IsthmusError
from isthmus.processes import process_pool
from isthmus.text import counted

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """What is measured on.

    Attributes:
        name: in reports.
        path: its file.
        extent: pixels, or milliseconds.
        digest: of its samples.
        facts: what records say of it.
        subject: what it is one of.
    """

    name: str
    path: Path
    extent: float
    digest: str
    facts: Mapping[str, Any]
    subject: Subject = PICTURES


def sources_in(folder: Path, subject: Subject = PICTURES) -> list[Source]:
    """The pictures or sounds of a folder by name; raises InputError where it holds none."""
    paths = files_in(folder, subject.suffixes)
    if not paths:
        raise InputError(
            f"no {subject.plural} in {folder}",
            expected=", ".join(sorted(subject.suffixes)),
            got=counted(len(list(folder.iterdir())), "other file"),
        )
    return [source_of(path, subject) for path in paths]


def files_in(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files of a folder that have one of these suffixes, by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in suffixes)


def source_of(path: Path, subject: Subject = PICTURES) -> Source:
    """One file as a source; reads it whole for its digest."""
    thing = subject.load(path)
    return Source(path.name, path, subject.extent(thing), subject.digest(thing), subject.facts(thing), subject)


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

    Returns points ordered by codec, quality and source. Stopping half-way keeps what was done.
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
            pool.submit(_measure, source, rival, quality, missing[key]): key for source, rival, quality, key in todo
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
            source.extent,
            entries[key].data_bytes,
            {name: entries[key].metrics[keys[name]] for name in wanted},
        )
        for source, rival, quality, key in jobs
    ]
    return sorted(points, key=lambda p: (order[p.codec], p.quality, p.source))


@lru_cache(maxsize=4)
def _loaded(path: Path, load: Callable[[Path], Any]) -> Any:
    return load(path)


def _measure(source: Source, rival: Rival, quality: float, names: tuple[str, ...]) -> tuple[int, dict[str, float]]:
    subject = source.subject
    original = _loaded(source.path, subject.load)
    try:
        data = rival.encode(original, quality, 1)
        decoded = subject.laid(original, rival.decode(data, 1))
    except Exception as error:  # every codec's library has errors of its own
        facts = ", ".join(f"{name} {value}" for name, value in source.facts.items())
        raise IsthmusError(
            f"{rival.label} does not take {source.name} ({facts})",
            got=f"{type(error).__name__}: {error}",
            hint="Leave one of the two out.",
        ) from None
    return len(data), measure(original, decoded, names)
