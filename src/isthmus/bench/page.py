"""Comparisons as tables for a terminal and one HTML page that needs nothing but itself.

The page holds every decoded picture without loss, so that a browser's own decoders play no part in
what is seen. A large picture is shown by its middle; the figures are of all of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from numpy.typing import NDArray

from isthmus.bench.compare import Outcome
from isthmus.bench.metrics import METRICS, QUICK, Picture
from isthmus.bench.nearest import Match
from isthmus.bench.shown import PAGE_PIXELS, bits_data, data_url, shown_window
from isthmus.bench.tables import as_columns
from isthmus.files import write_atomic
from isthmus.text import counted

MEAN_HEADS = ("Bytes", "Rate", "bpp", *(METRICS[name].label for name in QUICK))
HEADS = (
    *MEAN_HEADS,
    "Encode s",
    "Decode s",
    "Setting",
)


@dataclass(frozen=True)
class Comparison:
    """All that a report of one picture shows.

    Attributes:
        original: (H, W, 3) uint8.
        outcomes: isthmus first.
        absent: label and reason of the codecs that could not run.
        bits: bits of each block of `block` pixels a side, or None.
        on_white: whether the picture's file is transparent, and every codec got it on white.
        file_bytes: of the picture's own file, or None.
    """

    name: str
    original: Picture
    outcomes: Sequence[Outcome]
    match: Match
    threads: int
    absent: Sequence[tuple[str, str]] = ()
    bits: NDArray[np.float32] | None = None
    block: int = 16
    on_white: bool = False
    file_bytes: int | None = None


@dataclass(frozen=True)
class Figures:
    """What one codec made of one picture, to be averaged."""

    data_bytes: int
    pixels: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Part:
    """What a page holds of one comparison; the pictures themselves are only in `data`, as files.

    Attributes:
        name, lead: of the picture, and sentences on it.
        rows: of the table.
        settings: label and settings of each codec.
        notes: what else is to be known.
        figures: of each codec, by its label, isthmus first.
        data: what the viewer's script takes.
    """

    name: str
    lead: str
    rows: tuple[list[str], ...]
    settings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    figures: Mapping[str, Figures]
    data: dict[str, Any]


def environment() -> Environment:
    """The templates of the reports."""
    return Environment(loader=PackageLoader("isthmus.bench"), autoescape=select_autoescape())


def rate_cells(size: int, height: int, width: int) -> list[str]:
    """The first cells of a row, of a file of so many bytes that holds so large a picture."""
    return [f"{size:,}", f"{3 * height * width / size:.1f}:1", f"{8 * size / (height * width):.3f}"]


def cells(outcome: Outcome) -> list[str]:
    """One row of the table, in the order of `HEADS`."""
    return [
        *rate_cells(len(outcome.data), *outcome.decoded.shape[:2]),
        *_metric_cells(outcome.metrics),
        f"{outcome.encode_s:.3f}",
        f"{outcome.decode_s:.3f}",
        "" if outcome.rival.lossless else outcome.rival.setting(outcome.quality),
    ]


def _metric_cells(metrics: Mapping[str, float]) -> list[str]:
    """The cells of `QUICK`."""
    return [
        f"{metrics['mse']:.2f}",
        "lossless" if math.isinf(metrics["psnr"]) else f"{metrics['psnr']:.2f}",
        _or_dash(metrics["ms_ssim"], 5),
        _or_dash(metrics["ssimulacra2"], 2),
    ]


def _or_dash(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _rows(comparison: Comparison) -> list[list[str]]:
    """The table's rows, with what stands before them: the original's bytes first, if they are known, then isthmus."""
    rows = []
    if comparison.file_bytes is not None:
        first = rate_cells(comparison.file_bytes, *comparison.original.shape[:2])
        rows.append(["Original", *first, *[""] * (len(HEADS) - len(first))])
    for outcome in comparison.outcomes:
        note = f" ({outcome.note})" if outcome.note and not outcome.rival.lossless else ""
        rows.append([outcome.rival.label + note, *cells(outcome)])
    return rows


def table(comparison: Comparison) -> str:
    """The comparison as lines of text."""
    return "\n".join([as_columns([["Codec", *HEADS], *_rows(comparison)]), *_notes(comparison)])


def _notes(comparison: Comparison) -> list[str]:
    threads = counted(comparison.threads, "thread")
    lines = [f"Seconds are of one run after another on {threads}, where a codec takes a number."]
    if comparison.on_white:
        lines.append("Transparency is left out: every codec got the picture on white, and real files are larger.")
    lines += [f"{label} is not here: {reason}" for label, reason in comparison.absent]
    return lines


def part_of(comparison: Comparison, pixels: int = PAGE_PIXELS) -> Part:
    """The part of a page that shows one comparison; a picture of more than so many pixels is shown by its middle."""
    height, width = comparison.original.shape[:2]
    window = shown_window(height, width, pixels)
    crop = (slice(window[1], window[3]), slice(window[0], window[2]))
    shown = comparison.original[crop]
    original = "Original" if comparison.file_bytes is None else f"Original · {comparison.file_bytes:,} bytes"
    pictures = [{"label": original, "url": data_url(shown)}] + [
        {"label": f"{o.rival.label} · {len(o.data):,} bytes", "url": data_url(o.decoded[crop])}
        for o in comparison.outcomes
        if not o.rival.lossless
    ]
    return Part(
        comparison.name,
        _lead(comparison, window),
        tuple(_rows(comparison)),
        tuple((o.rival.label, ". ".join(filter(None, (o.rival.settings, o.version)))) for o in comparison.outcomes),
        tuple(_notes(comparison)),
        {o.rival.label: Figures(len(o.data), o.decoded.size // 3, o.metrics) for o in comparison.outcomes},
        {
            "width": shown.shape[1],
            "height": shown.shape[0],
            "pictures": pictures,
            "bits": _bits(comparison, window, comparison.outcomes[0].rival.label),
        },
    )


def pixels_for(pictures: int) -> int:
    """How many pixels of each of several pictures a page shows, so that it opens in a moment."""
    return min(PAGE_PIXELS, max(3 * PAGE_PIXELS // pictures, 300_000))


def means(parts: Sequence[Part]) -> list[list[str]]:
    """All bytes and mean figures of the codecs that took every picture; a heading row."""
    rows = [["Codec", *MEAN_HEADS]]
    for label in parts[0].figures:
        found = [part.figures[label] for part in parts if label in part.figures]
        if len(found) == len(parts):
            size, pixels = (sum(getattr(each, name) for each in found) for name in ("data_bytes", "pixels"))
            averages = {name: float(np.mean([each.metrics[name] for each in found])) for name in QUICK}
            rows.append([label, *rate_cells(size, 1, pixels), *_metric_cells(averages)])
    return rows


def write_page(parts: Sequence[Part], path: Path) -> None:
    """Write the HTML page of one comparison or of several; it opens from the file, without a network."""
    several = len(parts) > 1
    # Every picture has the same codecs, but for those that did not take it.
    settings = dict(setting for part in parts for setting in part.settings)
    text = (
        environment()
        .get_template("compare.html")
        .render(
            title=counted(len(parts), "picture") if several else parts[0].name,
            codec=next(iter(parts[0].figures)),
            parts=parts,
            means=means(parts) if several else None,
            heads=HEADS,
            settings=settings,
            bits=any(part.data["bits"] for part in parts),
            data=[{"name": part.name, **part.data} for part in parts],
        )
    )
    write_atomic(path, text.encode(errors="replace"), force=True)


def _lead(comparison: Comparison, window: tuple[int, int, int, int]) -> str:
    height, width = comparison.original.shape[:2]
    reference = comparison.outcomes[0]
    matched = "bytes" if comparison.match == "bytes" else "PSNR"
    lead = (
        f"{width} x {height} pixels. {reference.rival.label} at quality {reference.quality:g} sets the mark; the "
        f"others are at the setting found that comes nearest to its {matched}."
    )
    if window != (0, 0, width, height):
        lead += (
            f" The page shows the middle {window[2] - window[0]} x {window[3] - window[1]} pixels; "
            "the figures are of the whole picture."
        )
    return lead


def _bits(comparison: Comparison, window: tuple[int, int, int, int], label: str) -> dict[str, Any] | None:
    if comparison.bits is None:
        return None
    block = comparison.block
    left, top, right, bottom = window
    part = comparison.bits[top // block : -(-bottom // block), left // block : -(-right // block)]
    return bits_data(part, block, label)
