"""Pictures that scikit-image ships, and codecs that stand in for isthmus."""

import os
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from skimage import data

from isthmus.bench.rivals import RIVALS, Rival

PHOTOS = {
    "astronaut": data.astronaut,
    "chelsea": data.chelsea,
    "coffee": data.coffee,
}


def photo(name: str, height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
    """The middle (height, width, 3) uint8 of a photograph; all of it by default."""
    whole: NDArray[np.uint8] = PHOTOS[name]()
    top = (whole.shape[0] - (height or whole.shape[0])) // 2
    left = (whole.shape[1] - (width or whole.shape[1])) // 2
    return np.ascontiguousarray(whole[top : whole.shape[0] - top, left : whole.shape[1] - left][:height, :width])


def dying(*_: object) -> bytes:
    """Encodes like a process that is killed."""
    os._exit(9)


def isthmus_double(rival: str, name: str = "isthmus", label: str = "isthmus") -> Rival:
    """A rival that passes for isthmus."""
    return replace(RIVALS[rival], name=name, label=label)
