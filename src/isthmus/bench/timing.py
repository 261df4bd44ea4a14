"""Seconds to encode and to decode, each codec in turn on the same pictures or sounds and the same threads.

Nothing else should run. Every codec does one of them first to warm up; then the codecs take turns
on each, so that a slow minute of the machine falls on all of them.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from isthmus.bench.curves import Curve
from isthmus.bench.rivals import Rival
from isthmus.bench.subject import PICTURES
from isthmus.bench.sweep import Source


def qualities_near(curves: Mapping[str, Curve], rate: float = PICTURES.timed_at) -> dict[str, float]:
    """Of each curve the quality whose mean rate is nearest to `rate`, so that all do like work."""
    return {
        codec: min(zip(curve.qualities, curve.rate, strict=True), key=lambda point: abs(point[1] - rate))[0]
        for codec, curve in curves.items()
    }


def time_codecs(
    sources: Sequence[Source],
    rivals: Sequence[Rival],
    qualities: Mapping[str, float],
    threads: int,
    repeats: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Median seconds of every codec over the sources, as a record of JSON values.

    Args:
        qualities: by codec; a lossless one needs none.
        threads: given to every codec that takes a number of threads.
        repeats: runs of each, of which the median counts.
    """
    subject = sources[0].subject
    size, one = subject.size
    seconds: dict[str, list[tuple[float, float]]] = {rival.name: [] for rival in rivals}
    rates: dict[str, float] = dict.fromkeys(seconds, 0.0)
    warm_up = subject.load(sources[0].path)
    for rival in rivals:
        rival.decode(rival.encode(warm_up, qualities.get(rival.name, 100.0), threads), threads)
    for index, source in enumerate(sources):
        original = subject.load(source.path)
        for rival in rivals:
            quality = qualities.get(rival.name, 100.0)
            runs = []
            for _ in range(repeats):
                start = time.perf_counter()
                data = rival.encode(original, quality, threads)
                middle = time.perf_counter()
                rival.decode(data, threads)
                runs.append((middle - start, time.perf_counter() - middle))
            seconds[rival.name].append(_medians(runs))
            rates[rival.name] += 8 * len(data) / source.extent
        if progress:
            progress(index + 1, len(sources))
    rows = {}
    for rival in rivals:
        encode_s, decode_s = _medians(seconds[rival.name])
        rows[rival.name] = {
            "quality": qualities.get(rival.name),
            subject.unit: round(rates[rival.name] / len(sources), 4),
            "encode_s": round(encode_s, 5),
            "decode_s": round(decode_s, 5),
        }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "threads": threads,
        "repeats": repeats,
        subject.plural: len(sources),
        size: round(statistics.median(s.extent for s in sources) / one, 3),
        "codecs": rows,
    }


def _medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def machine() -> str:
    """The processor and the number of cores, as reports state them."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"
