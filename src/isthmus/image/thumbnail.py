"""Small pictures as file managers want them: RGB or RGBA in sRGB, without metadata, of any picture that was decoded."""

from PIL import Image

from isthmus.image.limits import Limits
from isthmus.image.picture import as_picture
from isthmus.image.reduction import reduced
from isthmus.image.srgb import stripped


def as_thumbnail(image: Image.Image, side: int, limits: Limits) -> Image.Image:
    """The image, no wider and no higher than ``side`` pixels; smaller ones stay as large as they are.

    Arguments:
        image: a decoded picture, upright, of any mode.
        side: pixels, at least 1.
        limits: what the picture may ask for.

    Raises:
        InputError: no such size.
    """
    picture = stripped(as_picture(image, limits, turned=False))
    return reduced(Image.fromarray(picture.read(0, 0, picture.height, picture.width)), side)
