"""Seconds to encode and to decode, each codec in turn on the same pictures and the same threads.

Nothing else should run. Every codec does one picture first to warm up; then the codecs take turns
picture by picture, so that a slow minute of the machine falls on all of them.
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
from isthmus.bench.sweep import Source, load_rgb

TARGET_BPP = 0.75
"""Bits per pixel at which codecs are timed."""


def qualities_near(curves: Mapping[str, Curve], bpp: float = TARGET_BPP) -> dict[str, float]:
    """Of each curve the quality whose mean rate is nearest to `bpp`, so that all do like work."""
    return {
        codec: min(zip(curve.qualities, curve.bpp, strict=True), key=lambda point: abs(point[1] - bpp))[0]
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
    """Median seconds of every codec over the pictures, as a record of JSON values.

    Args:
        qualities: by codec; a lossless one needs none.
        threads: given to every codec that takes a number of threads.
        repeats: runs of each picture, of which the median counts.
    """
    seconds: dict[str, list[tuple[float, float]]] = {rival.name: [] for rival in rivals}
    bits: dict[str, float] = dict.fromkeys(seconds, 0.0)
    warm_up = load_rgb(sources[0].path)
    for rival in rivals:
        rival.decode(rival.encode(warm_up, qualities.get(rival.name, 100.0), threads), threads)
    for index, source in enumerate(sources):
        picture = load_rgb(source.path)
        for rival in rivals:
            quality = qualities.get(rival.name, 100.0)
            runs = []
            for _ in range(repeats):
                start = time.perf_counter()
                data = rival.encode(picture, quality, threads)
                middle = time.perf_counter()
                rival.decode(data, threads)
                runs.append((middle - start, time.perf_counter() - middle))
            seconds[rival.name].append(_medians(runs))
            bits[rival.name] += 8 * len(data) / (source.width * source.height)
        if progress:
            progress(index + 1, len(sources))
    rows = {}
    for rival in rivals:
        encode_s, decode_s = _medians(seconds[rival.name])
        rows[rival.name] = {
            "quality": qualities.get(rival.name),
            "bpp": round(bits[rival.name] / len(sources), 4),
            "encode_s": round(encode_s, 5),
            "decode_s": round(decode_s, 5),
        }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "threads": threads,
        "repeats": repeats,
        "pictures": len(sources),
        "megapixels": round(statistics.median(s.width * s.height for s in sources) / 1e6, 3),
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
