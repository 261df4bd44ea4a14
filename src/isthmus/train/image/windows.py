"""Windows of picture files, as arrays: the pixels that training and measuring see."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError, IsthmusError
from isthmus.image.files import open_picture
from isthmus.image.picture import Picture

Pixels = npt.NDArray[np.uint8]
"""(3, H, W) uint8."""
Place = tuple[float, float]
"""Down and across a picture, in 0..1."""
MIDDLE: Place = (0.5, 0.5)


def read_windows(path: Path, longest: int, places: Sequence[Place]) -> list[Pixels] | IsthmusError:
    """(3, H, W) uint8 each, at most `longest` pixels a side, at places in the picture; an error, returned, if the
    file is damaged or of a kind that the codec refuses."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of damage that it can read past; among thousands of files that is noise.
            warnings.simplefilter("ignore")
            picture = open_picture(path)
            return [_window(picture, longest, place) for place in places]
    except IsthmusError as error:
        return error
    except (OSError, ValueError, SyntaxError) as error:
        return InputError(f"{path.name} is damaged", got=error)


def _window(picture: Picture, longest: int, place: Place) -> Pixels:
    height, width = min(longest, picture.height), min(longest, picture.width)
    top, left = int(place[0] * (picture.height - height)), int(place[1] * (picture.width - width))
    return np.ascontiguousarray(picture(top, left, height, width).transpose(2, 0, 1))


def at_least(pixels: Pixels, side: int) -> Pixels:
    """Continued by mirroring to at least `side` pixels both ways, as the codec continues pictures."""
    margins = [(0, 0), *((0, max(0, side - size)) for size in pixels.shape[1:])]
    return np.pad(pixels, margins, mode="symmetric") if any(after for _, after in margins) else pixels
