"""One picture or sound through isthmus and its rivals at equal bytes, or a picture at equal PSNR.

isthmus sets the mark at the quality asked for; each rival's quality dial is then searched for the
setting that comes nearest to that mark, over or under. Lossless rivals run once, for reference. What a search wrote
is kept: nothing is encoded twice, and only what it ends with is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.bench.metrics import measure
from isthmus.bench.nearest import Match, nearest_quality
from isthmus.bench.rivals import Rival
from isthmus.bench.subject import PICTURES, Subject

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
        decoded: what came back, `(H, W, 3) uint8` or a clip that lies on the original.
        metrics: how that measures, by name.
        encode_s, decode_s: seconds.
        note: where the end of the codec's dial stopped the search, or what else is to be said; else empty.
        subject: what was measured on.
    """

    rival: Rival
    version: str
    quality: float
    data: bytes
    decoded: Any
    metrics: dict[str, float]
    encode_s: float
    decode_s: float
    note: str = ""
    subject: Subject = PICTURES

    @property
    def rate(self) -> float:
        """Bits written per pixel, or kilobits a second."""
        return self.subject.rate_of(len(self.data), self.decoded)

    @property
    def compression(self) -> float:
        """Raw bytes, of 8-bit RGB or of 16-bit samples, over bytes written."""
        return self.subject.raw_bytes(self.decoded) / len(self.data)


def compare(
    original: Any,
    reference: Rival,
    rivals: Sequence[Rival],
    quality: float,
    match: Match = "bytes",
    threads: int = 1,
    progress: Progress | None = None,
    failed: list[tuple[str, str]] | None = None,
    subject: Subject = PICTURES,
    metrics: Sequence[str] | None = None,
) -> list[Outcome]:
    """Outcomes of `reference` at `quality` and of every rival at the nearest bytes or PSNR.

    Args:
        original: (H, W, 3) uint8, or a clip.
        reference: the codec that sets the mark: isthmus.
        rivals: codecs that are present (`absence` gives None).
        threads: given to every codec that takes a number of threads.
        progress: called with the label of the codec that starts.
        failed: gets label and reason of the rivals that do not take this original; without it their errors are raised.
        subject: what the original is.
        metrics: names of what is measured; None for what needs no other tool.
    """
    say = progress or (lambda label: None)
    say(reference.label)
    how = _How(threads, subject, subject.quick if metrics is None else metrics)
    own = _run_once(original, reference, quality, how)
    mark = float(len(own.data)) if match == "bytes" else own.metrics["psnr"]
    outcomes = [own]
    for rival in rivals:
        say(rival.label)
        # Qualities that reach one mark lie at like places of their curves: each search begins where the others ended.
        places = [outcome.rival.place(outcome.quality) for outcome in outcomes if not outcome.rival.lossless]
        try:
            outcomes.append(_beside(original, rival, mark, match, how, float(np.mean(places))))
        except Exception as error:  # every codec's library has errors of its own
            if failed is None:
                raise
            failed.append((rival.label, f"{type(error).__name__}: {error}"))
    return outcomes


@dataclass(frozen=True)
class _How:
    """What is the same for all codecs: their threads, what they are measured on, and by what."""

    threads: int
    subject: Subject = PICTURES
    metrics: Sequence[str] = PICTURES.quick


def beside(original: Any, rival: Rival, mark: float, match: Match, threads: int, place: float = 0.5) -> Outcome:
    """A rival on a picture at the setting whose bytes or PSNR come nearest to the mark; a lossless one as it is.

    Args:
        place: where on the rival's curve the search begins, 0 to 1.
    """
    return _beside(original, rival, mark, match, _How(threads), place)


def run_once(original: Any, rival: Rival, quality: float, threads: int) -> Outcome:
    """One codec on a picture at one quality: there and back once, timed and measured."""
    return _run_once(original, rival, quality, _How(threads))


def _beside(original: Any, rival: Rival, mark: float, match: Match, how: _How, place: float) -> Outcome:
    if rival.dial is None:
        return _run_once(original, rival, rival.points[0], how, "lossless")
    _warm_up(original, rival, how)
    found = nearest_quality(original, rival, rival.dial, mark, match, how.threads, place)
    return _outcome(original, rival, found.quality, found.data, found.encode_s, how, found.note)


def _run_once(original: Any, rival: Rival, quality: float, how: _How, note: str = "") -> Outcome:
    _warm_up(original, rival, how)
    start = time.perf_counter()
    data = rival.encode(original, quality, how.threads)
    return _outcome(original, rival, quality, data, time.perf_counter() - start, how, note)


def _warm_up(original: Any, rival: Rival, how: _How) -> None:
    # Weights and libraries are loaded at first use: a small part is enough, and its seconds do not count.
    rival.decode(rival.encode(how.subject.sample(original), rival.points[0], how.threads), how.threads)


def _outcome(
    original: Any, rival: Rival, quality: float, data: bytes, encode_s: float, how: _How, note: str
) -> Outcome:
    start = time.perf_counter()
    decoded = rival.decode(data, how.threads)
    decode_s = time.perf_counter() - start
    decoded = how.subject.laid(original, decoded)
    metrics = measure(original, decoded, how.metrics)
    said = note or rival.says(data)
    return Outcome(rival, rival.version(), quality, data, decoded, metrics, encode_s, decode_s, said, how.subject)
