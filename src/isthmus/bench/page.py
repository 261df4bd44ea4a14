"""Comparisons as tables for a terminal and one HTML page that needs nothing but itself.

The page holds every decoded picture or sound without loss, so that a browser's own decoders play no part in
what is seen and heard. A large picture is shown by its middle; the figures are of all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from numpy.typing import NDArray

from isthmus.bench.compare import Outcome
from isthmus.bench.metrics import METRICS
from isthmus.bench.nearest import Match
from isthmus.bench.shown import PAGE_PIXELS, bits_data, data_url, shown_window
from isthmus.bench.sound.clip import Clip
from isthmus.bench.sound.shown import RANGE_DB, player
from isthmus.bench.subject import PICTURES, SUBJECTS, Subject
from isthmus.bench.tables import as_columns
from isthmus.files import write_atomic
from isthmus.text import counted


def mean_heads(subject: Subject, metrics: Sequence[str]) -> list[str]:
    """Over the columns of a table of means, but for the first."""
    return ["Bytes", "Rate", subject.unit, *(METRICS[name].label for name in metrics)]


def heads_of(subject: Subject, metrics: Sequence[str]) -> list[str]:
    """Over the columns of a table, but for the first."""
    return [*mean_heads(subject, metrics), "Encode s", "Decode s", "Setting"]


HEADS = heads_of(PICTURES, PICTURES.quick)
"""Of pictures measured by what needs no other tool."""


@dataclass(frozen=True)
class Comparison:
    """All that a report of one picture or sound shows.

    Attributes:
        original: (H, W, 3) uint8, or a clip.
        outcomes: isthmus first.
        absent: label and reason of the codecs that could not run.
        bits: bits of each block of `block` pixels a side, or None.
        on_white: whether the picture's file is transparent, and every codec got it on white.
        file_bytes: of the file of all that is shown, or None.
        part: of what the original is a part, in words; empty where it is all there is.
    """

    name: str
    original: Any
    outcomes: Sequence[Outcome]
    match: Match
    threads: int
    absent: Sequence[tuple[str, str]] = ()
    bits: NDArray[np.float32] | None = None
    block: int = 16
    on_white: bool = False
    file_bytes: int | None = None
    part: str = ""

    @property
    def subject(self) -> Subject:
        """What it is."""
        return self.outcomes[0].subject

    @property
    def metrics(self) -> list[str]:
        """Names of what is measured."""
        return list(self.outcomes[0].metrics)


@dataclass(frozen=True)
class Figures:
    """What one codec made of one of them, to be averaged."""

    data_bytes: int
    raw_bytes: int
    extent: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Part:
    """What a page holds of one comparison; pictures and sounds themselves are only in `data`, as files.

    Attributes:
        name, lead: of the picture or sound, and sentences on it.
        heads, rows: of the table.
        settings: label and settings of each codec.
        notes: what else is to be known.
        figures: of each codec, by its label, isthmus first.
        data: what the page's script takes.
        subject: the name of what it is.
        metrics: names of what is measured.
    """

    name: str
    lead: str
    heads: tuple[str, ...]
    rows: tuple[list[str], ...]
    settings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    figures: Mapping[str, Figures]
    data: dict[str, Any]
    subject: str
    metrics: tuple[str, ...]


def environment() -> Environment:
    """The templates of the reports."""
    return Environment(loader=PackageLoader("isthmus.bench"), autoescape=select_autoescape())


def rate_cells(size: int, raw_bytes: int, extent: float, digits: int = PICTURES.digits) -> list[str]:
    """The first cells of a row, of a file of so many bytes that holds what has so many without coding, and is so large
    in pixels or milliseconds."""
    return [f"{size:,}", f"{raw_bytes / size:.1f}:1", f"{8 * size / extent:.{digits}f}"]


def cells(outcome: Outcome) -> list[str]:
    """One row of the table, in the order of `HEADS`."""
    return [
        *_rate_cells(len(outcome.data), outcome.subject, outcome.decoded),
        *_metric_cells(outcome.metrics),
        f"{outcome.encode_s:.3f}",
        f"{outcome.decode_s:.3f}",
        "" if outcome.rival.lossless else outcome.rival.setting(outcome.quality),
    ]


def _rate_cells(size: int, subject: Subject, thing: Any) -> list[str]:
    return rate_cells(size, subject.raw_bytes(thing), subject.extent(thing), subject.digits)


def _metric_cells(metrics: Mapping[str, float]) -> list[str]:
    return [METRICS[name].cell(value) for name, value in metrics.items()]


def _rows(comparison: Comparison) -> list[list[str]]:
    """The table's rows, with what stands before them: the original's bytes first, if they are known, then isthmus."""
    rows = []
    if comparison.file_bytes is not None:
        first = _rate_cells(comparison.file_bytes, comparison.subject, comparison.original)
        heads = heads_of(comparison.subject, comparison.metrics)
        rows.append(["Original", *first, *[""] * (len(heads) - len(first))])
    for outcome in comparison.outcomes:
        note = f" ({outcome.note})" if outcome.note and not outcome.rival.lossless else ""
        rows.append([outcome.rival.label + note, *cells(outcome)])
    return rows


def table(comparison: Comparison) -> str:
    """The comparison as lines of text."""
    heads = heads_of(comparison.subject, comparison.metrics)
    return "\n".join([as_columns([["Codec", *heads], *_rows(comparison)]), *_notes(comparison)])


def _notes(comparison: Comparison) -> list[str]:
    threads = counted(comparison.threads, "thread")
    lines = [f"Seconds are of one run after another on {threads}, where a codec takes a number."]
    if comparison.on_white:
        lines.append("Transparency is left out: every codec got the picture on white, and real files are larger.")
    lines += [f"{label} is not here: {reason}" for label, reason in comparison.absent]
    return lines


def part_of(comparison: Comparison, pixels: int = PAGE_PIXELS) -> Part:
    """The part of a page that shows one comparison; a picture of more than so many pixels is shown by its middle."""
    subject, outcomes = comparison.subject, comparison.outcomes
    lead, data = _picture_data(comparison, pixels) if subject.name == PICTURES.name else _sound_data(comparison)
    return Part(
        comparison.name,
        lead,
        tuple(heads_of(subject, comparison.metrics)),
        tuple(_rows(comparison)),
        tuple((o.rival.label, ". ".join(filter(None, (o.rival.settings, o.version)))) for o in outcomes),
        tuple(_notes(comparison)),
        {
            o.rival.label: Figures(len(o.data), subject.raw_bytes(o.decoded), subject.extent(o.decoded), o.metrics)
            for o in outcomes
        },
        data,
        subject.name,
        tuple(comparison.metrics),
    )


def _labels(comparison: Comparison) -> list[str]:
    """Of what is shown: the original, and what lossy codecs made of it."""
    size = comparison.file_bytes
    return ["Original" if size is None else f"Original · {size:,} bytes"] + [
        f"{o.rival.label} · {len(o.data):,} bytes" for o in comparison.outcomes if not o.rival.lossless
    ]


def _shown(comparison: Comparison) -> list[Any]:
    """The same themselves."""
    return [comparison.original, *(o.decoded for o in comparison.outcomes if not o.rival.lossless)]


def _picture_data(comparison: Comparison, pixels: int) -> tuple[str, dict[str, Any]]:
    """The sentences on a picture, and what the viewer's script takes."""
    height, width = comparison.original.shape[:2]
    window = shown_window(height, width, pixels)
    left, top, right, bottom = window
    pairs = zip(_labels(comparison), _shown(comparison), strict=True)
    lead = _lead(comparison, f"{width} x {height} pixels")
    if window != (0, 0, width, height):
        lead += (
            f" The page shows the middle {right - left} x {bottom - top} pixels; the figures are of the whole picture."
        )
    return lead, {
        "width": right - left,
        "height": bottom - top,
        "pictures": [{"label": label, "url": data_url(one[top:bottom, left:right])} for label, one in pairs],
        "bits": _bits(comparison, window, comparison.outcomes[0].rival.label),
    }


def _sound_data(comparison: Comparison) -> tuple[str, dict[str, Any]]:
    """The sentences on a sound, and what the script of the players takes."""
    clip: Clip = comparison.original
    channels = counted(clip.samples.shape[1], "channel")
    what = f"{comparison.part or f'{clip.seconds:.1f} seconds'}, {channels} at {clip.rate} Hz"
    pairs = zip(_labels(comparison), _shown(comparison), strict=True)
    players = [player(label, clip, None if index == 0 else one) for index, (label, one) in enumerate(pairs)]
    return _lead(comparison, what), {"seconds": clip.seconds, "players": players, "range_db": round(RANGE_DB)}


def pixels_for(pictures: int) -> int:
    """How many pixels of each of several pictures a page shows, so that it opens in a moment."""
    return min(PAGE_PIXELS, max(3 * PAGE_PIXELS // pictures, 300_000))


def means(parts: Sequence[Part]) -> list[list[str]]:
    """All bytes and mean figures of the codecs that took every picture or sound; a heading row."""
    first = parts[0]
    subject = SUBJECTS[first.subject]
    rows = [["Codec", *mean_heads(subject, first.metrics)]]
    for label in first.figures:
        found = [part.figures[label] for part in parts if label in part.figures]
        if len(found) == len(parts):
            size, raw = (sum(getattr(each, name) for each in found) for name in ("data_bytes", "raw_bytes"))
            averages = {name: float(np.mean([each.metrics[name] for each in found])) for name in first.metrics}
            extent = sum(each.extent for each in found)
            rows.append([label, *rate_cells(size, raw, extent, subject.digits), *_metric_cells(averages)])
    return rows


def write_page(parts: Sequence[Part], path: Path) -> None:
    """Write the HTML page of one comparison or of several; it opens from the file, without a network."""
    several = len(parts) > 1
    # Each has the same codecs, but for those that did not take it.
    settings = dict(setting for part in parts for setting in part.settings)
    text = (
        environment()
        .get_template("compare.html" if parts[0].subject == PICTURES.name else "sounds.html")
        .render(
            title=counted(len(parts), parts[0].subject) if several else parts[0].name,
            codec=next(iter(parts[0].figures)),
            parts=parts,
            means=means(parts) if several else None,
            settings=settings,
            bits=any(part.data.get("bits") for part in parts),
            data=[{"name": part.name, **part.data} for part in parts],
        )
    )
    write_atomic(path, text.encode(errors="replace"), force=True)


def _lead(comparison: Comparison, what: str) -> str:
    reference = comparison.outcomes[0]
    matched = "bytes" if comparison.match == "bytes" else "PSNR"
    return (
        f"{what}. {reference.rival.label} at quality {reference.quality:g} sets the mark; the "
        f"others are at the setting found that comes nearest to its {matched}."
    )


def _bits(comparison: Comparison, window: tuple[int, int, int, int], label: str) -> dict[str, Any] | None:
    if comparison.bits is None:
        return None
    block = comparison.block
    left, top, right, bottom = window
    part = comparison.bits[top // block : -(-bottom // block), left // block : -(-right // block)]
    return bits_data(part, block, label)
