"""Pictures made smaller in pixels, to a longest side: before they are encoded, and after they were decoded."""

import dataclasses

import numpy as np
from PIL import Image

from isthmus.errors import InputError
from isthmus.image.picture import Picture, Pixels
from isthmus.plain import whole


def reduced_picture(picture: Picture, max_side: int) -> Picture:
    """A picture to encode, no wider and no higher than ``max_side`` pixels, in proportion; smaller ones stay.

    The whole picture is held in memory for it.

    Raises:
        InputError: no such size.
    """
    size = reduced_size(picture.width, picture.height, max_side)
    if size == (picture.width, picture.height):
        return picture
    image = Image.fromarray(picture.read(0, 0, picture.height, picture.width))
    pixels: Pixels = np.asarray(reduced(image, max_side))

    def read(top: int, left: int, rows: int, columns: int) -> Pixels:
        return pixels[top : top + rows, left : left + columns]

    note = f"reduced from {picture.width}x{picture.height} to {size[0]}x{size[1]}"
    return dataclasses.replace(
        picture,
        width=size[0],
        height=size[1],
        # One bit has no shades between, which a reduced picture needs.
        mode={"1": "L"}.get(picture.mode, picture.mode),
        read=read,
        notes=(*picture.notes, note),
        own=None,
    )


def reduced(image: Image.Image, max_side: int) -> Image.Image:
    """An image no wider and no higher than ``max_side`` pixels, in proportion, with its metadata; smaller ones stay.

    Raises:
        InputError: no such size.
    """
    width, height = reduced_size(image.width, image.height, max_side)
    if (width, height) == image.size:
        return image
    # One bit has no shades between, which a reduced picture needs.
    return image.convert({"1": "L"}.get(image.mode, image.mode)).resize((width, height), Image.Resampling.LANCZOS)


def reduced_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """(width, height) within ``max_side``, in proportion, at least 1.

    Raises:
        InputError: no such size.
    """
    max_side = whole(max_side, "the longest side", "at least 1 pixel")
    if max_side < 1:
        raise InputError("the longest side", expected="at least 1 pixel", got=max_side)
    longest = max(width, height)
    if longest <= max_side:
        return width, height
    return max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest))
