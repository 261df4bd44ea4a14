"""One picture through isthmus and its rivals at equal bytes, or at equal PSNR.

isthmus sets the mark at the quality asked for; each rival's quality dial is then searched for the
setting that comes nearest to that mark, over or under. Lossless rivals run once, for reference. What a search wrote
is kept: nothing is encoded twice, and only what it ends with is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.bench.metrics import Picture, measure
from isthmus.bench.nearest import Match, nearest_quality
from isthmus.bench.rivals import Rival

Progress = Callable[[str], None]
"""Called with what is done next."""


@dataclass(frozen=True)
class Outcome:
    """One codec's result.

    Attributes:
        rival: the codec.
        version: of its library.
        quality: at which it wrote.
        data: what it wrote.
        decoded: what came back, `(H, W, 3) uint8`.
        metrics: how that measures, by name.
        encode_s, decode_s: seconds.
        note: where the end of the codec's dial stopped the search, or what else is to be said; else empty.
    """

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
    own = run_once(original, reference, quality, threads)
    mark = float(len(own.data)) if match == "bytes" else own.metrics["psnr"]
    outcomes = [own]
    for rival in rivals:
        say(rival.label)
        # Qualities that reach one mark lie at like places of their curves: each search begins where the others ended.
        places = [outcome.rival.place(outcome.quality) for outcome in outcomes if not outcome.rival.lossless]
        try:
            outcomes.append(beside(original, rival, mark, match, threads, float(np.mean(places))))
        except Exception as error:  # every codec's library has errors of its own
            if failed is None:
                raise
            failed.append((rival.label, f"{type(error).__name__}: {error}"))
    return outcomes


def beside(original: Picture, rival: Rival, mark: float, match: Match, threads: int, place: float = 0.5) -> Outcome:
    """A rival at the setting whose bytes or PSNR come nearest to the mark; a lossless one as it is.

    Args:
        place: where on the rival's curve the search begins, 0 to 1.
    """
    if rival.dial is None:
        return run_once(original, rival, rival.points[0], threads, "lossless")
    _warm_up(original, rival, threads)
    found = nearest_quality(original, rival, rival.dial, mark, match, threads, place)
    return _outcome(original, rival, found.quality, found.data, found.encode_s, threads, found.note)


def run_once(original: Picture, rival: Rival, quality: float, threads: int, note: str = "") -> Outcome:
    """One codec at one quality: there and back once, timed and measured."""
    _warm_up(original, rival, threads)
    start = time.perf_counter()
    data = rival.encode(original, quality, threads)
    return _outcome(original, rival, quality, data, time.perf_counter() - start, threads, note)


def _warm_up(original: Picture, rival: Rival, threads: int) -> None:
    # Weights and libraries are loaded at the first picture: a corner is enough, and its seconds do not count.
    corner = np.ascontiguousarray(original[:64, :64])
    rival.decode(rival.encode(corner, rival.points[0], threads), threads)


def _outcome(
    original: Picture, rival: Rival, quality: float, data: bytes, encode_s: float, threads: int, note: str
) -> Outcome:
    start = time.perf_counter()
    decoded = rival.decode(data, threads)
    decode_s = time.perf_counter() - start
    metrics = measure(original, decoded)
    said = note or rival.says(data)
    return Outcome(rival, rival.version(), quality, data, decoded, metrics, encode_s, decode_s, said)
