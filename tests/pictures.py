"""Small pictures that tests make."""

import numpy as np
from PIL import Image

from isthmus.image.picture import Picture


def photo(width: int = 13, height: int = 9) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 19 % 256, y * 27 % 256, (x + y) * 11 % 256], -1).astype(np.uint8))


def whole(picture: Picture) -> np.ndarray:
    return picture(0, 0, picture.height, picture.width)
