"""Small pictures that tests make."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms, ImageDraw
from skimage import data

from isthmus.image.picture import Picture


def photo(width: int = 13, height: int = 9) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 19 % 256, y * 27 % 256, (x + y) * 11 % 256], -1).astype(np.uint8))


def by_mode() -> dict[str, Image.Image]:
    """A picture of each mode that is taken, with transparency where the mode has some; "P+" are palettes with it."""
    colours = photo()
    clear = colours.copy()
    clear.putalpha(Image.fromarray(np.arange(117, dtype=np.uint8).reshape(9, 13) * 2))
    palette = colours.quantize(37)
    table, one = palette.copy(), palette.copy()
    table.info["transparency"], one.info["transparency"] = bytes([0, 128, 255, 7]), 5
    modes = ("RGB", "L", "1", "CMYK", "YCbCr", "HSV", "RGBX")
    pictures = {mode: colours.convert(mode) for mode in modes}
    pictures |= {"RGBA": clear, "LA": clear.convert("LA"), "RGBa": clear.convert("RGBa")}
    pictures |= {"La": clear.convert("LA").convert("La"), "PA": palette.convert("PA"), "P": palette}
    pictures |= {"P+table": table, "P+one": one, "P+own": clear.quantize(20, method=Image.Quantize.FASTOCTREE)}
    lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    in_lab = ImageCms.applyTransform(colours, lab)
    assert in_lab is not None
    return pictures | {"LAB": in_lab}


def whole(picture: Picture) -> np.ndarray:
    return picture(0, 0, picture.height, picture.width)


def stripes() -> Image.Image:
    """Seven colours in turn, some of them transparent."""
    image = by_mode()["P+table"].resize((40, 30))
    image.putdata([0, 9, 3, 30, 7, 21, 14] * 171 + [0, 9, 3])
    return image


_WORDS = (
    "sphinx",
    "of",
    "black",
    "quartz",
    "judge",
    "my",
    "vow",
    "how",
    "quick",
    "daft",
    "zebras",
    "jump",
    "1834",
    "27.5",
)


def text(width: int, height: int, colour: tuple[int, int, int] = (160, 20, 20)) -> Image.Image:
    """Lines of coloured text on white, with smooth edges, no two alike."""
    image = Image.new("RGB", (2 * width, 2 * height), "white")
    pen = ImageDraw.Draw(image)
    for line in range(height // 12):
        words = [_WORDS[(line * line + at * (line + 3)) % len(_WORDS)] for at in range(width // 24)]
        pen.text((7 + line % 5, 25 * line), " ".join(words), fill=colour, font_size=20)
    return image.reduce(2)


def page() -> Image.Image:
    """A photograph, with text on its left and below it: 240x160."""
    image = text(240, 160)
    image.paste(Image.fromarray(data.cat()[60:172, 150:278]), (112, 0))
    return image


LOSSLESS: dict[str, Callable[[], Image.Image]] = {
    "vp8l": lambda: photo(40, 30),
    "turned": lambda: photo(40, 30).transpose(Image.Transpose.ROTATE_180),
    "lzma": stripes,
    "constant": lambda: Image.new("CMYK", (2050, 3), (1, 2, 3, 4)),
}
"""What the golden lossless files show, by the kind of their payloads."""


def stripes() -> Image.Image:
    """Blurred stripes of many colours, 320x256: at quality 40 they are AV1 in the sharp layer."""
    rng = np.random.default_rng(3)
    page = np.full((128, 160, 3), 255, np.uint8)
    for left in range(0, 160, 8):
        page[8:120, left : left + 4] = rng.integers(0, 256, 3)
    return Image.fromarray(page).resize((320, 256))
