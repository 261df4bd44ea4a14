"""One picture through isthmus and its rivals at equal bytes, or at equal PSNR.

isthmus sets the mark at the quality asked for; each rival's quality dial is then searched for the
setting that comes nearest to that mark, over or under. Lossless rivals run once, for reference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from isthmus.bench.metrics import METRICS, Picture, measure, psnr
from isthmus.bench.rivals import Dial, Rival
from isthmus.search import halve

Match = Literal["bytes", "psnr"]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """One codec's result: what it wrote, what came back `(H, W, 3) uint8`, and how it measures."""

    rival: Rival
    version: str
    quality: float
    data: bytes
    decoded: Picture
    metrics: dict[str, float]
    encode_s: float
    decode_s: float
    note: str = ""

    @property
    def bpp(self) -> float:
        """Bits written per pixel."""
        height, width = self.decoded.shape[:2]
        return 8 * len(self.data) / int(height * width)

    @property
    def compression(self) -> float:
        """Raw 8-bit RGB bytes over bytes written."""
        return int(self.decoded.size) / len(self.data)


def compare(
    original: Picture,
    reference: Rival,
    rivals: Sequence[Rival],
    quality: float,
    match: Match = "bytes",
    threads: int = 1,
    progress: Progress | None = None,
    failed: list[tuple[str, str]] | None = None,
) -> list[Outcome]:
    """Outcomes of `reference` at `quality` and of every rival at the nearest bytes or PSNR.

    Args:
        original: (H, W, 3) uint8.
        reference: the codec that sets the mark: isthmus.
        rivals: codecs that are present (`absence` gives None).
        threads: given to every codec that takes a number of threads.
        progress: called with the label of the codec that starts.
        failed: gets label and reason of the rivals that do not take this picture; without it their errors are raised.
    """
    say = progress or (lambda label: None)
    say(reference.label)
    # Once to set the mark and to warm up: weights are loaded at the first picture.
    data = reference.encode(original, quality, threads)
    decoded = reference.decode(data, threads)
    mark = float(len(data)) if match == "bytes" else psnr(original, decoded)
    outcomes = [run_once(original, reference, quality, threads)]
    for rival in rivals:
        say(rival.label)
        try:
            outcomes.append(beside(original, rival, mark, match, threads))
        except Exception as error:  # every codec's library has errors of its own
            if failed is None:
                raise
            failed.append((rival.label, f"{type(error).__name__}: {error}"))
    return outcomes


def beside(original: Picture, rival: Rival, mark: float, match: Match, threads: int) -> Outcome:
    """A rival at the setting whose bytes or PSNR come nearest to the mark; a lossless one as it is."""
    if rival.dial is None:
        return run_once(original, rival, rival.points[0], threads, "lossless")
    found = nearest_quality(original, rival, rival.dial, mark, match, threads)
    return run_once(original, rival, found.quality, threads, found.note)


@dataclass(frozen=True)
class Found:
    """The nearest setting, and a note where the dial's end stopped the search."""

    quality: float
    note: str


def nearest_quality(original: Picture, rival: Rival, dial: Dial, mark: float, match: Match, threads: int) -> Found:
    """The setting of a dial whose bytes or PSNR come nearest to the mark, by bisection.

    Codecs are only nearly monotonic in their dial; the search returns a crossing of the mark, which
    is all that bisection can promise.
    """
    reached: dict[int, float] = {}

    def at(index: int) -> float:
        if index not in reached:
            data = rival.encode(original, dial[index], threads)
            reached[index] = float(len(data)) if match == "bytes" else psnr(original, rival.decode(data, threads))
        return reached[index]

    low, high = 0, len(dial) - 1
    if at(low) >= mark:
        return Found(dial[low], "cannot go lower")
    if at(high) <= mark:
        return Found(dial[high], "cannot go higher")
    low = halve(lambda index: at(index) >= mark, low, high)
    index = min((low, low + 1), key=lambda i: abs(at(i) - mark))
    return Found(dial[index], "")


def run_once(original: Picture, rival: Rival, quality: float, threads: int, note: str = "") -> Outcome:
    """One codec at one quality: there and back once, timed and measured."""
    start = time.perf_counter()
    data = rival.encode(original, quality, threads)
    middle = time.perf_counter()
    decoded = rival.decode(data, threads)
    end = time.perf_counter()
    return Outcome(
        rival,
        rival.version(),
        quality,
        data,
        decoded,
        measure(original, decoded, METRICS),
        middle - start,
        end - middle,
        note,
    )
