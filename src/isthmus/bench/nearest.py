"""The setting of a codec's dial that comes nearest to a mark, in few encodes. It measures bytes or PSNR, nothing else.

The points of a codec's curve are spaced so that each adds about the same share of bytes: counted in them, the
logarithm of the bytes (and PSNR) is nearly a straight line over the dial, and a secant finds the crossing where
bisection takes twice as many encodes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isthmus.bench.metrics import psnr
from isthmus.bench.rivals import Dial, Rival

Match = Literal["bytes", "psnr"]

# How much one point of a curve usually adds: used until two trials tell.
_USUAL_SLOPE = {"bytes": 0.27, "psnr": 1.6}


@dataclass(frozen=True)
class Found:
    """The nearest setting, what it wrote in which time, and a note where the dial's end stopped the search."""

    quality: float
    data: bytes
    encode_s: float
    note: str


def nearest_quality(
    original: Any, rival: Rival, dial: Dial, mark: float, match: Match, threads: int, place: float = 0.5
) -> Found:
    """The setting of a dial whose bytes or PSNR come nearest to the mark.

    Codecs are only nearly monotonic in their dial; the search returns a crossing of the mark: one of two neighbours
    on the dial that lie on either side of it, which is all that a search can promise.

    Args:
        original: (H, W, 3) uint8; or a clip, where the mark is bytes.
        mark: bytes, or dB.
        place: where on the curve to begin, 0 for its first point to 1 for its last.
    """
    written: dict[int, tuple[bytes, float]] = {}

    def over(index: int) -> float:
        start = time.perf_counter()
        data = rival.encode(original, dial[index], threads)
        written[index] = data, time.perf_counter() - start
        if match == "bytes":
            return math.log(len(data) / mark)
        # Two pictures without loss are equally good, infinitely.
        reached = psnr(original, rival.decode(data, threads))
        return reached - mark if reached != mark else 0.0

    steps = _steps(rival, dial)
    first = int(np.argmin(np.abs(np.asarray(steps) - place * (len(rival.points) - 1))))
    reached = crossing(over, steps, first, _USUAL_SLOPE[match])
    index = min(sorted(reached), key=lambda index: _distance(reached[index], match))
    note = ""
    if len(reached) == 1:
        note = "cannot go lower" if reached[index] > 0 else "cannot go higher"
    return Found(dial[index], *written[index], note)


def _distance(over: float, match: Match) -> float:
    # In bytes, not in their logarithm.
    return abs(math.expm1(over)) if match == "bytes" else abs(over)


def _steps(rival: Rival, dial: Dial) -> Sequence[float]:
    """Of each setting of a dial, which point of the codec's curve it is, with fractions in between."""
    ends = [(dial.low, -1.0), (dial.high, float(len(rival.points)))]
    inner = [(quality, float(index)) for index, quality in enumerate(rival.points) if dial.low < quality < dial.high]
    qualities, points = zip(*sorted([*ends, *inner]), strict=True)
    steps: list[float] = np.interp([dial[index] for index in range(len(dial))], qualities, points).tolist()
    return steps


def crossing(over: Callable[[int], float], steps: Sequence[float], first: int, slope: float) -> dict[int, float]:
    """The two neighbours between which `over` becomes positive, or the one end of the dial that does not reach so far.

    Args:
        over: how far an index is above what is searched for; nearly a straight line along `steps`.
        steps: where each index stands; rising.
        first: the index to begin with.
        slope: what `over` usually gains on a step of 1.

    Returns index and height of each.
    """
    tried: dict[int, float] = {}
    low, high, index = -1, len(steps), first
    stride, push = 1, 0
    while True:
        tried[index] = over(index)
        low, high = (index, high) if tried[index] < 0 else (low, index)
        if high - low == 1:
            return {index: tried[index] for index in (low, high) if index in tried}
        # A side that was to be crossed and was not: the line is bent there, and steps double.
        stride = 2 * stride if push == (1 if index == low else -1) else 1
        aim = _aim(tried, steps, slope, (low + high) / 2)
        if low in tried and aim < low + 1:
            push, index = 1, min(low + stride, high - 1)
        elif high in tried and aim >= high - 1:
            push, index = -1, max(high - stride, low + 1)
        else:
            push, index = 0, min(max(math.floor(aim), low + 1), high - 1)


def _aim(tried: Mapping[int, float], steps: Sequence[float], slope: float, middle: float) -> float:
    """Where the crossing should be, as an index with a fraction: on the line through the two trials nearest to it.

    Of settings that write the same (AVIF has fewer quantizers than qualities), the one next to the crossing counts, and
    two of them make no line.
    """
    near = sorted((abs(over), -index if over < 0 else index) for index, over in tried.items() if math.isfinite(over))
    if not near:
        return middle
    best, *others = (abs(index) for _, index in near)
    slopes = ((tried[best] - tried[other]) / (steps[best] - steps[other]) for other in others)
    slope = next((found for found in slopes if found > 0), slope)
    return float(np.interp(steps[best] - tried[best] / slope, steps, range(len(steps))))
