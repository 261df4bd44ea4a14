"""The comparison as one table for a terminal and one HTML page that needs nothing but itself.

The page holds every decoded picture without loss, so that a browser's own decoders play no part in
what is seen. A picture above `PAGE_PIXELS` is shown by its middle; the figures are of all of it.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from numpy.typing import NDArray
from PIL import Image

from isthmus.bench.compare import Outcome
from isthmus.bench.metrics import METRICS, QUICK, Picture
from isthmus.bench.nearest import Match
from isthmus.bench.tables import as_columns
from isthmus.files import write_atomic

PAGE_PIXELS = 2_000_000  # about 3 MB a codec in the page
PAGE_SIDE = 16368  # WebP, in which the page keeps its pictures, ends at 16383
HEADS = (
    "Bytes",
    "Rate",
    "bpp",
    *(METRICS[name].label for name in QUICK),
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


def environment() -> Environment:
    """The templates of the reports."""
    return Environment(loader=PackageLoader("isthmus.bench"), autoescape=select_autoescape())


def cells(outcome: Outcome) -> list[str]:
    """One row of the table, in the order of `HEADS`."""
    metrics = outcome.metrics
    return [
        f"{len(outcome.data):,}",
        f"{outcome.compression:.1f}:1",
        f"{outcome.bpp:.3f}",
        f"{metrics['mse']:.2f}",
        "lossless" if math.isinf(metrics["psnr"]) else f"{metrics['psnr']:.2f}",
        _or_dash(metrics["ms_ssim"], 5),
        _or_dash(metrics["ssimulacra2"], 2),
        f"{outcome.encode_s:.3f}",
        f"{outcome.decode_s:.3f}",
        "" if outcome.rival.lossless else outcome.rival.setting(outcome.quality),
    ]


def _or_dash(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def table(comparison: Comparison) -> str:
    """The comparison as lines of text."""
    rows = [["Codec", *HEADS]]
    for outcome in comparison.outcomes:
        note = f" ({outcome.note})" if outcome.note and not outcome.rival.lossless else ""
        rows.append([outcome.rival.label + note, *cells(outcome)])
    return "\n".join([as_columns(rows), *_notes(comparison)])


def _notes(comparison: Comparison) -> list[str]:
    lines = [f"Seconds are of one run after another on {comparison.threads} thread(s), where a codec takes a number."]
    if comparison.on_white:
        lines.append("Transparency is left out: every codec got the picture on white, and real files are larger.")
    lines += [f"{label} is not here: {reason}" for label, reason in comparison.absent]
    return lines


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the HTML page; it opens from the file, without a network."""
    height, width = comparison.original.shape[:2]
    window = shown_window(height, width)
    crop = (slice(window[1], window[3]), slice(window[0], window[2]))
    shown = comparison.original[crop]
    pictures = [{"label": "Original", "url": _data_url(shown)}] + [
        {"label": f"{o.rival.label} · {len(o.data):,} bytes", "url": _data_url(o.decoded[crop])}
        for o in comparison.outcomes
        if not o.rival.lossless
    ]
    reference = comparison.outcomes[0]
    text = (
        environment()
        .get_template("compare.html")
        .render(
            name=comparison.name,
            lead=_lead(comparison, window),
            outcomes=[{"label": o.rival.label} for o in comparison.outcomes],
            heads=HEADS,
            rows=[
                {
                    "label": o.rival.label,
                    "cells": cells(o),
                    "settings": ". ".join(filter(None, (o.rival.settings, o.version, o.note))),
                }
                for o in comparison.outcomes
            ],
            notes=_notes(comparison),
            bits=comparison.bits is not None,
            data={
                "width": shown.shape[1],
                "height": shown.shape[0],
                "pictures": pictures,
                "bits": _bits(comparison, window, reference.rival.label),
            },
        )
    )
    write_atomic(path, text.encode(errors="replace"), force=True)


def shown_window(height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part a page shows, on the grid of the bits map."""
    if height * width <= PAGE_PIXELS and max(height, width) <= PAGE_SIDE:
        return 0, 0, width, height
    shrink = min(1.0, math.sqrt(PAGE_PIXELS / (height * width)))
    w, h = (min(PAGE_SIDE, max(16, int(side * shrink) // 16 * 16), side) for side in (width, height))
    left, top = (width - w) // 32 * 16, (height - h) // 32 * 16
    return left, top, left + w, top + h


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


def lossless_webp(picture: Picture) -> bytes:
    """A picture for a browser: every one reads lossless WebP, which is smaller than PNG and written sooner."""
    file = io.BytesIO()
    # Method 1 takes four times as long for 3 % fewer bytes.
    Image.fromarray(picture).save(file, "WEBP", lossless=True, quality=0, method=0)
    return file.getvalue()


def _data_url(picture: Picture) -> str:
    return "data:image/webp;base64," + base64.b64encode(lossless_webp(picture)).decode()


def bits_data(bits: NDArray[np.float32], block: int, label: str) -> dict[str, Any]:
    """A map of bits by block as the viewer's script takes it."""
    return {
        "width": bits.shape[1],
        "height": bits.shape[0],
        "block": block,
        "label": label,
        # A few busy blocks must not darken all others.
        "top": max(float(np.percentile(bits, 99)), 1e-6),
        "values": [round(float(value), 1) for value in bits.ravel()],
    }


def _bits(comparison: Comparison, window: tuple[int, int, int, int], label: str) -> dict[str, Any] | None:
    if comparison.bits is None:
        return None
    block = comparison.block
    left, top, right, bottom = window
    part = comparison.bits[top // block : -(-bottom // block), left // block : -(-right // block)]
    return bits_data(part, block, label)
