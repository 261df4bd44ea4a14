"""Make docs/split.webp, the picture of README.md: the package's photograph by JPEG, isthmus and AVIF at equal bytes.

python scripts/readme_picture.py

Above, a quarter of the photograph as it was and by each; below, one detail by all. Prints the figures beside it.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from isthmus.bench.codec import isthmus_codecs
from isthmus.bench.compare import compare
from isthmus.bench.metrics import Picture
from isthmus.bench.rivals import RIVALS
from isthmus.data import photograph

OUTPUT = Path(__file__).parents[1] / "docs" / "split.webp"
QUALITY = 35.0
"""Of isthmus: where it begins to be seen what each of them drops, AVIF and isthmus at the size of the screen hardly."""
WHOLE, DETAIL = 2, 4
"""Enlargements, of pixels as they are."""
LEFT, TOP, HEIGHT = 375, 65, 60
"""The detail; it is as wide as the strips."""
GAP, LABEL = 4, 34
"""White between the strips, and above them for their names, in pixels."""


def enlarged(picture: Picture, scale: int) -> Picture:
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def beside(strips: Sequence[Picture]) -> Picture:
    """Strips of one height beside each other, the last pixels of each white."""
    parted = [strip.copy() for strip in strips]
    for strip in parted[:-1]:
        strip[:, -GAP:] = 255
    return np.concatenate(parted, axis=1)


def label(text: str, width: int) -> Picture:
    image = Image.new("RGB", (width, LABEL), "white")
    ImageDraw.Draw(image).text((6, LABEL / 2), text, "black", ImageFont.load_default(LABEL * 0.6), "lm")
    return np.asarray(image)


def drawn(pictures: Sequence[Picture], names: Sequence[str]) -> Picture:
    """Names, the photograph in strips and the details, (H, W, 3) uint8."""
    width = pictures[0].shape[1] // len(pictures)
    strips = [enlarged(each[:, at * width : (at + 1) * width], WHOLE) for at, each in enumerate(pictures)]
    across = width * WHOLE // DETAIL
    details = [enlarged(each[TOP : TOP + HEIGHT, LEFT : LEFT + across], DETAIL) for each in pictures]
    labels = [label(name, width * WHOLE) for name in names]
    between = np.full((GAP, width * WHOLE * len(pictures), 3), 255, np.uint8)
    return np.concatenate([np.concatenate(labels, axis=1), beside(strips), between, beside(details)])


def main() -> None:
    original = np.asarray(Image.open(io.BytesIO(photograph())).convert("RGB"))
    (isthmus,) = isthmus_codecs(["best"], ["isthmus"])
    ours, avif, jpeg = compare(original, isthmus, [RIVALS["avif-s4"], RIVALS["jpeg"]], QUALITY)
    for outcome in (jpeg, ours, avif):
        figures = ", ".join(f"{name} {value:.2f}" for name, value in outcome.metrics.items())
        print(f"{outcome.rival.label}, quality {outcome.quality:g}: {len(outcome.data)} bytes, {figures}")
    names = [f"{name}: {len(each.data):,} bytes" for name, each in (("JPEG", jpeg), ("isthmus", ours), ("AVIF", avif))]
    pictures = [original, jpeg.decoded, ours.decoded, avif.decoded]
    Image.fromarray(drawn(pictures, ["original", *names])).save(OUTPUT, quality=88, method=6)
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
