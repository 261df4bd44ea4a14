"""Where isthmus looks worst beside AVIF: of every picture of a folder, at equal bytes, the crop that loses most.

    python benchmarks/worst_crops.py kodak -o docs/results/kodak/worst_eye.webp
    python benchmarks/worst_crops.py kodak --tune psnr -o docs/results/kodak/worst_psnr.webp

Draws the worst crops as they were, by isthmus and by AVIF at speed 6, twice their size, and prints where they are.
Crops are judged by SSIMULACRA2, those of tune psnr by PSNR.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from isthmus.bench.codec import isthmus_codecs
from isthmus.bench.compare import compare
from isthmus.bench.metrics import Picture
from isthmus.bench.rivals import RIVALS
from isthmus.bench.ssimulacra2 import ssimulacra2
from isthmus.bench.sweep import sources_in
from isthmus.likeness import psnr_db

SIDE, SCALE, GAP, LABEL = 128, 2, 6, 22
"""Pixels: of a crop, of its pixels on the page, between crops, and of a line of text."""


@dataclass(frozen=True)
class Crop:
    """One place of a picture, by both.

    Attributes:
        picture: its name.
        top, left: pixels.
        sizes: bytes of the whole file, isthmus and AVIF.
        scores: of the crop, isthmus and AVIF.
        views: the crop as it was, by isthmus and by AVIF, (SIDE, SIDE, 3) uint8.
    """

    picture: str
    top: int
    left: int
    sizes: tuple[int, int]
    scores: tuple[float, float]
    views: tuple[Picture, Picture, Picture]

    @property
    def lost(self) -> float:
        """What AVIF has more."""
        return self.scores[1] - self.scores[0]


def crops_of(name: str, original: Picture, codec: str, quality: float) -> Iterator[Crop]:
    score: Callable[[Picture, Picture], float] = psnr_db if codec == "isthmus-psnr" else ssimulacra2
    (own,) = isthmus_codecs(["best"], [codec])
    ours, avif = compare(original, own, [RIVALS["avif-s6"]], quality)
    height, width, _ = original.shape
    for top in range(0, height - SIDE + 1, SIDE):
        for left in range(0, width - SIDE + 1, SIDE):
            at = np.s_[top : top + SIDE, left : left + SIDE]
            views = original[at], ours.decoded[at], avif.decoded[at]
            scores = score(views[0], views[1]), score(views[0], views[2])
            yield Crop(name, top, left, (len(ours.data), len(avif.data)), scores, views)


def page(crops: list[Crop], unit: str) -> Picture:
    """(H, W, 3) uint8: a row for each crop."""
    side = SIDE * SCALE
    sheet = Image.new("RGB", (3 * side + 2 * GAP, len(crops) * (side + LABEL + GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, crop in enumerate(crops):
        top = row * (side + LABEL + GAP)
        texts = (
            f"{crop.picture} at {crop.left}, {crop.top}",
            *(
                f"{who}: {size:,} bytes, {score:.1f}{unit}"
                for who, size, score in zip(("isthmus", "AVIF"), crop.sizes, crop.scores, strict=True)
            ),
        )
        for column, (text, view) in enumerate(zip(texts, crop.views, strict=True)):
            left = column * (side + GAP)
            draw.text((left + 2, top + 2), text, "black", font)
            large = Image.fromarray(view).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(large, (left, top + LABEL))
    return np.asarray(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a .webp or .png to write")
    parser.add_argument("--tune", choices=("eye", "psnr"), default="eye")
    parser.add_argument("--quality", type=float, default=40.0, help="of isthmus")
    parser.add_argument("--most", type=int, default=8, help="crops on the page")
    options = parser.parse_args()
    codec, unit = ("isthmus", "") if options.tune == "eye" else ("isthmus-psnr", " dB")
    worst, lost = [], []
    for source in sources_in(options.folder):
        original = np.asarray(Image.open(source.path).convert("RGB"))
        if min(original.shape[:2]) < SIDE:
            parser.error(f"{source.name}: expected sides of {SIDE} pixels or more")
        crops = sorted(crops_of(source.name, original, codec, options.quality), key=lambda crop: -crop.lost)
        lost += [crop.lost for crop in crops]
        worst.append(crops[0])
        print(f"{source.name}: {crops[0].lost:+.2f}{unit} at {crops[0].left}, {crops[0].top}", flush=True)
    print(
        f"AVIF has more in {np.mean(np.array(lost) > 0):.0%} of {len(lost)} crops; median {np.median(lost):+.2f}{unit}"
    )
    worst.sort(key=lambda crop: -crop.lost)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page(worst[: options.most], unit)).save(options.output, quality=88, method=6)


if __name__ == "__main__":
    main()
