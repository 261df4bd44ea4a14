"""Pictures as the bench measures on them: upright, three colours, without transparency."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isthmus.image.files import open_picture
from isthmus.image.picture import Pixels as Picture


def load_rgb(path: Path) -> Picture:
    """A picture file as `(H, W, 3) uint8`: upright, and laid on white where it is transparent.

    Raises:
        InputError, UnsupportedPictureError, LimitExceededError, OSError
    """
    return load_on_white(path)[0]


def load_on_white(path: Path) -> tuple[Picture, bool]:
    """As `load_rgb`, and whether anything was transparent."""
    picture = open_picture(path)
    window = (0, 0, picture.height, picture.width)
    rgb = picture(*window)
    if not picture.has_alpha:
        return rgb, False
    alpha = picture.alpha(*window)[..., None].astype(np.uint16)
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8), bool((alpha < 255).any())
