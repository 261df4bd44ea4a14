"""The one grey or colour of a PNG file that is transparent, on the scale of the samples that Pillow makes."""

from typing import Any

from PIL import Image

_BITS = {"L;2": 2, "L;4": 4}
_SCALES = (85, 17)  # what makes 8 bits of 2 and of 4


def mend_transparent_value(image: Image.Image) -> None:
    """Set an image's transparent value right, in its info: Pillow scales grey of 2 and 4 bits to 8, but not this value.

    Bits of it beyond the depth of the file say nothing (PNG, 11.3.2.1). Of an image that was loaded before, the depth
    is known no more: there a value that occurs nowhere among greys of so few bits is taken for one of theirs.
    """
    value = image.info.get("transparency")
    tiles: list[Any] = getattr(image, "tile", [])
    if image.format == "PNG" and tiles:
        most = 2 ** _BITS.get(tiles[0][3], 8) - 1
        if image.mode == "L" and isinstance(value, int):
            image.info["transparency"] = (value & most) * 255 // most
        elif image.mode == "RGB" and isinstance(value, tuple):
            image.info["transparency"] = tuple(channel & most for channel in value)
    elif image.mode == "L" and isinstance(value, int) and 0 < value < 255 // min(_SCALES) + 1:
        greys = {grey for grey, count in enumerate(image.histogram()) if count}
        for scale in _SCALES:
            if value not in greys and value * scale in greys and all(grey % scale == 0 for grey in greys):
                image.info["transparency"] = value * scale
                return
