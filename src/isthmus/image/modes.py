"""Modes of pictures: their permanent numbers, which have transparency, and what each comes back as."""

import numpy as np
from numpy.typing import NDArray

# The mode of the picture that was encoded, by permanent number. Never renumber, only append.
MODES = {
    0: "RGB",
    1: "RGBA",
    2: "L",
    3: "LA",
    4: "1",
    5: "P",
    6: "PA",
    7: "CMYK",
    8: "YCbCr",
    9: "LAB",
    10: "HSV",
    11: "RGBX",
    12: "RGBa",
    13: "La",
}
# Modes whose files all have the alpha bit, and those that may; the others never have it.
ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
ALPHA_OPTIONAL_MODES = ("P",)
MODE_NUMBERS = {name: number for number, name in MODES.items()}

PALETTE_MODES = ("P", "PA")
SAMPLES = {"L": 1, "1": 1, "P": 1, "LA": 2, "PA": 2, "La": 2, "RGB": 3, "YCbCr": 3, "LAB": 3, "HSV": 3} | dict.fromkeys(
    ("RGBA", "CMYK", "RGBX", "RGBa"), 4
)
"""Samples of a pixel, by mode; of a palette, its index."""

GREY_MODES = ("L", "LA", "La", "1")
_RESTORED = {"RGB": "RGB", "RGBA": "RGBA", "L": "L", "LA": "LA", "La": "LA", "1": "1"}


def restored_mode(mode: str, has_alpha: bool) -> str:
    """The mode of the decoded picture, for the mode of the encoded one."""
    return _RESTORED.get(mode, "RGBA" if has_alpha else "RGB")


def as_mode(rgb: NDArray[np.uint8], mode: str) -> NDArray[np.uint8]:
    """Decoded colours with what the encoded mode guarantees: grey stays grey, black and white stay those.

    Arguments:
        rgb: (h, w, 3) uint8.
    """
    if mode not in GREY_MODES:
        return rgb
    from PIL import Image

    grey = np.asarray(Image.fromarray(rgb).convert("L"))
    if mode == "1":
        grey = np.where(grey < 128, np.uint8(0), np.uint8(255))
    return np.repeat(grey[..., None], 3, axis=2)
