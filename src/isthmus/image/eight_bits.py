"""Pictures deeper than 8 bits a channel, made 8 bits by rounding: the sample v of 0 to 65535 becomes round(v / 257).

Rounded, not dithered: the noise of dithering is the finest detail that there is, which a lossy coder pays for and then
takes out again. Pillow holds one channel of 16 bits; of colours it keeps the upper bytes, so the lower ones are read
in a second pass where its readers let them be asked for, and else the reduction is its readers' own.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.errors import InputError, UnsupportedPictureError
from isthmus.files import position_kept
from isthmus.image.depth import deep_samples
from isthmus.plain import whole

Pixels = NDArray[np.uint8]
_WHITE = 65535
_ROWS = 256  # at a time, so that no large picture is held as wide numbers
_PHOTOMETRIC, _BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 262, 258, 284
_NATIVE = "L" if sys.byteorder == "little" else "B"
_ONE_CHANNEL = ("I;16", "I;16L", "I;16B", "I;16N")
_COLOURS = ("RGB", "RGBA")


def depth_of(depth: object) -> int | None:
    """A depth to reduce to, as it was asked for: 8 or None.

    Raises:
        InputError: another one.
    """
    if depth is not None and whole(depth, "the depth", "8 or None") != 8:
        raise InputError("the depth", expected="8 or None", got=depth)
    return None if depth is None else 8


def rounded(samples: NDArray[Any], white: int = _WHITE) -> Pixels:
    """Samples of 0 to ``white`` as 0 to 255, of any shape: uint16 to uint8."""
    return ((samples.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)


def to_uint8(array: NDArray[Any]) -> str:
    """How to make uint8 of an array ``a`` of another type, with the most likely meaning of its values; a sentence."""
    kind = array.dtype.kind
    if kind == "b":
        return "Convert it: a.astype('uint8') * 255."
    if kind not in "uif" or array.size == 0:
        return "Make numbers of it, 0 to 255, of type uint8."
    if kind == "u" and array.dtype.itemsize == 2:
        return "depth=8 reduces 16 bits to 8 by rounding."
    low, high = float(array.min()), float(array.max())
    if not math.isfinite(low + high):
        return "Replace what is not finite first: np.nan_to_num(a, posinf=0, neginf=0)."
    if low >= 0 and high <= 1:
        return "If white is 1: (a * 255).round().astype('uint8')."
    if low >= 0 and high <= 255:
        return "If white is 255: a.round().astype('uint8')."
    return "Scale it to 0..255: np.interp(a, (a.min(), a.max()), (0, 255)).round().astype('uint8')."


@dataclass(frozen=True)
class DeepSamples:
    """What is to be known of an image before it is loaded, to make 8 bits of it afterwards.

    Attributes:
        what: its depth, for people.
        low: the lower bytes of its samples, (H, W, channels), or None where they cannot be had, or are not needed.
        transparent: the one value of a PNG that is transparent, in 16 bits; None if there is none.
    """

    what: str
    low: Pixels | None
    transparent: Any

    def reduced(self, image: Image.Image, notes: list[str]) -> Image.Image:
        """The loaded image in 8 bits, with the same info; the given one stays as it is.

        Raises:
            UnsupportedPictureError: its samples have no known white.
        """
        if image.mode in _ONE_CHANNEL or (image.mode == "I" and image.format == "PPM"):
            made = self._from_samples(np.asarray(image)[..., None], *_scale(image))
        elif image.mode.startswith(("I", "F")):
            raise UnsupportedPictureError(
                "the samples have no known white",
                expected="at most 16 bits a channel",
                got=self.what,
                hint="Scale them as an array: a = np.asarray(image), then np.interp(a, (a.min(), a.max()), (0, 255))"
                ".round().astype('uint8').",
            )
        elif self.low is not None:
            made = self._from_samples(np.asarray(image), _WHITE, False)
        else:
            notes.append(f"reduced from {self.what} to 8 by the reader of {image.format}")
            return image
        notes.append(f"reduced from {self.what} to 8 by rounding")
        made.info = {key: value for key, value in image.info.items() if key != "transparency"}
        return made

    def _from_samples(self, upper: NDArray[Any], white: int, inverted: bool) -> Image.Image:
        height, width, channels = upper.shape
        transparent = None if self.transparent is None else np.atleast_1d(self.transparent).astype(np.uint32)
        out = np.empty((height, width, channels + (transparent is not None)), np.uint8)
        for top in range(0, height, _ROWS):
            samples: NDArray[np.uint32] = upper[top : top + _ROWS].astype(np.uint32)
            if self.low is not None:
                samples = samples * np.uint32(256) + self.low[top : top + _ROWS]
            out[top : top + _ROWS, :, :channels] = rounded(white - samples if inverted else samples, white)
            if transparent is not None:
                out[top : top + _ROWS, :, -1] = 255 * (samples != transparent).any(axis=2)
        return Image.fromarray(out[..., 0] if out.shape[2] == 1 else out)


def deep_samples_of(image: Image.Image) -> DeepSamples | None:
    """What :class:`DeepSamples` says of an image that was opened and, better, not loaded; None if 8 bits hold it.

    Raises:
        UnsupportedPictureError: Pillow would read it wrong.
    """
    what = deep_samples(image)
    if what is None:
        return None
    tiles: list[Any] = getattr(image, "tile", [])
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PLANAR_CONFIGURATION) == 2 and len(image.getbands()) > 1 and tiles and tiles[0][0] == "raw":
        raise UnsupportedPictureError(
            "a TIFF of more than 8 bits with its channels apart and uncompressed",
            hint="Convert it first: `magick in.tif -depth 8 out.png`.",
        )
    if image.mode == "I" and image.format == "PPM":
        what = "16 bits"
    if image.mode in _ONE_CHANNEL:
        what = f"{_scale(image)[0].bit_length()} bits"
    bits = "".join(letter for letter in what.split(";")[-1] if letter.isdigit())
    value = image.info.get("transparency") if image.format == "PNG" and image.mode != "P" else None
    return DeepSamples(f"{bits} bits" if bits else what, _low_bytes(image), value)


def _scale(image: Image.Image) -> tuple[int, bool]:
    """The value of white, and whether black and white change places, of an image of one channel."""
    tags: Any = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    bits = tags.get(_BITS_PER_SAMPLE, (16,))
    return 2 ** (bits[0] if isinstance(bits, tuple) else bits) - 1, tags.get(_PHOTOMETRIC) == 0


def _low_bytes(image: Image.Image) -> Pixels | None:
    """The lower bytes of colours whose upper ones Pillow is about to read, by reading the file a first time."""
    tiles: list[Any] = getattr(image, "tile", [])
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if image.format not in ("PNG", "TIFF") or image.mode not in _COLOURS or not tiles or stream is None:
        return None
    if getattr(image, "tag_v2", {}).get(_PLANAR_CONFIGURATION) == 2:
        return None  # unpacked channel by channel, whatever the raw mode says
    swapped = [_swapped(tile, image.format) for tile in tiles]
    if None in swapped:
        return None
    reader: Any = type(image)
    with position_kept(stream):
        stream.seek(0)
        other = reader(stream)
        other.seek(image.tell())
        other.tile = swapped
        other.load()
        low: Pixels = np.asarray(other)
    if image.format == "PNG" and _raw_mode(tiles[0]) == "LA;16B":
        # Read as four bytes a pixel: two of grey, two of alpha.
        low = low[..., [1, 1, 1, 3]]
    return low


def _raw_mode(tile: Any) -> Any:
    return tile[3][0] if isinstance(tile[3], tuple) else tile[3]


def _swapped(tile: Any, format_name: str) -> Any:
    """A tile of a file whose samples are read in the other byte order, so that their lower bytes are what is kept."""
    mode, _, order = str(_raw_mode(tile)).rpartition(";16")
    if format_name == "PNG" and (mode, order) == ("LA", "B"):
        raw = "RGBA"
    elif mode in _COLOURS and order in ("B", "L", "N"):
        raw = f"{mode};16{'L' if (_NATIVE if order == 'N' else order) == 'B' else 'B'}"
    else:
        return None
    return tile._replace(args=(raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw)
