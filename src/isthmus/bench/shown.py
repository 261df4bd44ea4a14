"""What a page shows of pictures: a window of a large one, files that every browser reads alike, a map of bits."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.image.picture import Pixels as Picture

PAGE_PIXELS = 2_000_000  # about 3 MB a codec in the page
PAGE_SIDE = 16368  # WebP, in which the page keeps its pictures, ends at 16383


def shown_window(height: int, width: int, pixels: int = PAGE_PIXELS) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part that is shown, of so many pixels at most, on the grid of the bits map."""
    if height * width <= pixels and max(height, width) <= PAGE_SIDE:
        return 0, 0, width, height
    shrink = min(1.0, math.sqrt(pixels / (height * width)))
    w, h = (min(PAGE_SIDE, max(16, int(side * shrink) // 16 * 16), side) for side in (width, height))
    left, top = (width - w) // 32 * 16, (height - h) // 32 * 16
    return left, top, left + w, top + h


def lossless_webp(picture: Picture) -> bytes:
    """A picture for a browser: every one reads lossless WebP, which is smaller than PNG and written sooner."""
    file = io.BytesIO()
    # Method 1 takes four times as long for 3 % fewer bytes.
    Image.fromarray(picture).save(file, "WEBP", lossless=True, quality=0, method=0)
    return file.getvalue()


def data_url(picture: Picture) -> str:
    """The same as an address that a page holds itself."""
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
