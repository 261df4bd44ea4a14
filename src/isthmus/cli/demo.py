"""isthmus demo: a photograph of the package through isthmus, JPEG, WebP and AVIF at equal bytes, without any input."""

import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import click
import numpy as np
from numpy.typing import NDArray

from isthmus.cli.options import CodecOptions, as_one, codec_options, force_option, json_option, quality_or_default
from isthmus.cli.reports import Report, run_each
from isthmus.cli.streams import write_output
from isthmus.errors import IsthmusError
from isthmus.search import halve

Pixels = NDArray[np.uint8]
RIVALS = ("jpeg", "webp", "avif-s6")
LABEL_HEIGHT = 28
"""Pixels above each picture."""


@dataclass(frozen=True)
class Row:
    """One codec's result: bytes of the file, bits per pixel, PSNR in dB, seconds.

    `smallest` where even the lowest quality of a rival has more bytes than isthmus.
    """

    codec: str
    bytes: int
    bpp: float
    psnr_db: float
    encode_s: float
    decode_s: float
    smallest: bool = False


@dataclass(frozen=True, kw_only=True)
class DemoOptions(CodecOptions):
    """The command line of the demo; a quality of None is that of encode."""

    quality: float | None
    output: str
    force: bool
    as_json: bool


@click.command()
@click.option("-q", "--quality", metavar="Q", type=click.FloatRange(0, 100), help="0 to 100 (default: that of encode).")
@click.option("-o", "--output", metavar="FILE", default="isthmus-demo.png", show_default=True)
@force_option
@json_option
@codec_options
@as_one(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Compress a photograph and compare with JPEG, WebP and AVIF.

    Writes the original and the decoded pictures side by side.
    """
    codec = options.codec()

    def work(target: str) -> tuple[Report, str]:
        from isthmus.files import refuse_existing

        refuse_existing(Path(target), options.force)
        original = _photograph()
        codec.decode(codec.encode(original[:64, :64]))  # loads the weights, which is not what is timed
        rows, panels = [], [original]
        start = time.perf_counter()
        data = codec.encode(original, quality_or_default(options.quality))
        middle = time.perf_counter()
        panels.append(codec.decode(data))
        seconds = (middle - start, time.perf_counter() - middle)
        rows.append(_row("isthmus", original, panels[-1], len(data), seconds))
        for name in RIVALS:
            row, panel = _rival(name, original, len(data), codec.threads or 1)
            rows.append(row)
            panels.append(panel)

        def write(file: BinaryIO) -> None:
            from PIL import Image

            names = ["original", *(f"{row.codec}: {row.bytes} bytes, {row.psnr_db:.2f} dB" for row in rows)]
            Image.fromarray(_side_by_side(panels, names)).save(file, "PNG")

        write_output(target, options.force, write)
        height, width, _ = original.shape
        report = {
            "picture": "a cup of coffee",
            "width": width,
            "height": height,
            "rows": [asdict(row) for row in rows],
            "output": target,
        }
        return report, _text(report)

    run_each([options.output], work, options.as_json, False)


def _photograph() -> Pixels:
    from PIL import Image

    from isthmus.data import photograph

    with Image.open(io.BytesIO(photograph())) as image:
        return np.asarray(image.convert("RGB"))


def _side_by_side(panels: Sequence[Pixels], names: Sequence[str]) -> Pixels:
    """Pictures (H, W, 3) beside each other, each with its name above it."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(LABEL_HEIGHT * 0.6)
    columns = []
    for panel, name in zip(panels, names, strict=True):
        label = Image.new("RGB", (panel.shape[1], LABEL_HEIGHT), "white")
        ImageDraw.Draw(label).text((6, LABEL_HEIGHT / 2), name, "black", font, "lm")
        columns.append(np.concatenate([np.asarray(label), panel]))
    return np.concatenate(columns, axis=1)


def _rival(name: str, original: Pixels, size: int, threads: int) -> tuple[Row, Pixels]:
    """The rival's picture with the most bytes that are not more than ours, or else the smallest it can make."""
    from isthmus.bench.rivals import RIVALS as KNOWN

    rival = KNOWN[name]
    dial = rival.dial
    if dial is None:
        raise IsthmusError(f"{rival.label} has no quality to turn")
    index = halve(lambda index: len(rival.encode(original, dial[index], threads)) > size, -1, len(dial))
    quality = dial[max(index, 0)]
    start = time.perf_counter()
    data = rival.encode(original, quality, threads)
    middle = time.perf_counter()
    decoded = rival.decode(data, threads)
    seconds = (middle - start, time.perf_counter() - middle)
    label = f"{rival.label}, quality {quality:g}"
    return _row(label, original, decoded, len(data), seconds, smallest=index < 0), decoded


def _row(
    codec: str, original: Pixels, decoded: Pixels, size: int, seconds: tuple[float, float], smallest: bool = False
) -> Row:
    from isthmus.likeness import psnr_db

    height, width, _ = original.shape
    return Row(codec, size, 8 * size / (height * width), psnr_db(original, decoded), *seconds, smallest)


def _text(report: Report) -> str:
    lines = [
        f"{report['picture']}, {report['width']}x{report['height']}",
        f"{'':24}{'bytes':>8}{'bpp':>8}{'PSNR dB':>9}{'encode s':>10}{'decode s':>10}",
    ]
    lines += [
        f"{row['codec']:24}{row['bytes']:8d}{row['bpp']:8.3f}{row['psnr_db']:9.2f}"
        f"{row['encode_s']:10.3f}{row['decode_s']:10.3f}{'  smallest it can' if row['smallest'] else ''}"
        for row in report["rows"]
    ]
    lines.append(f"original, {', '.join(row['codec'] for row in report['rows'])} side by side: {report['output']}")
    return "\n".join(lines)
