"""Pillow images and arrays as upright windows of RGB and alpha. Knows nothing of files.

A whole picture is held once, as the 8-bit samples it came in; windows are converted one at a time, so that a picture
of 100 megapixels never exists as a second copy.
"""

import errno
import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from isthmus.errors import InputError, IsthmusError, LimitExceededError, UnsupportedPictureError
from isthmus.image import heif
from isthmus.image.chunks import ICC
from isthmus.image.depth import deep_samples
from isthmus.image.eight_bits import DeepSamples, deep_samples_of, depth_of, rounded, to_uint8
from isthmus.image.exif import ORIENTATION
from isthmus.image.fill import FilledColours
from isthmus.image.limits import Limits
from isthmus.image.metadata import metadata_of
from isthmus.image.modes import ALPHA_MODES, ALPHA_OPTIONAL_MODES, MODE_NUMBERS, restored_mode
from isthmus.image.own_samples import OwnSamples, own_samples
from isthmus.image.primaries import profile_of
from isthmus.image.size import check_pixels
from isthmus.image.stored_colours import stored_colours
from isthmus.image.transparent_value import mend_transparent_value
from isthmus.medium.protocol import Rate

Pixels = NDArray[np.uint8]
Layers = Literal["auto", "photo", "sharp"]
PictureLike = Image.Image | NDArray[Any]

_WITH_ALPHA = {"RGB": "RGBA", "L": "LA", "1": "LA"}
_UNPREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_ARRAY_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A picture to encode, upright, read in windows; it is the pixel source of :mod:`isthmus.image.coders`.

    Attributes:
        width, height: pixels.
        mode: Pillow's name of the mode it came in.
        has_alpha: whether it has transparency.
        read: (top, left, height, width) -> (height, width, 3 or 4) uint8, for any window inside.
        metadata: ICC, EXIF and XMP blocks by chunk type.
        notes: what was changed, a clause each, for people.
        own: its samples as they came in, where it is of a mode that comes back as another; None elsewhere.
        lossless: whether its samples are kept as they are.
        layers: what shows it: networks ("photo"), the sharp layer, or what is best where.
    """

    width: int
    height: int
    mode: str
    has_alpha: bool
    read: Callable[[int, int, int, int], Pixels]
    metadata: dict[bytes, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    own: OwnSamples | None = None
    lossless: bool = False
    layers: Layers = "auto"

    def __call__(self, top: int, left: int, height: int, width: int) -> Pixels:
        """The (height, width, 3) uint8 colours of a window; what full transparency hides continues what is visible."""
        return self._colours(top, left, height, width)

    @cached_property
    def _colours(self) -> Callable[[int, int, int, int], Pixels]:
        if self.has_alpha:
            return FilledColours(self.width, self.height, self.read)
        return lambda *window: self.read(*window)[..., :3]

    @property
    def facts(self) -> dict[str, Any]:
        """Width, height and mode."""
        return {"width": self.width, "height": self.height, "mode": self.mode}

    def rate(self, size: int) -> Rate:
        """So many bytes in bits per pixel."""
        return Rate("bpp", 8 * size / (self.width * self.height), "bits per pixel")

    def alpha(self, top: int, left: int, height: int, width: int) -> Pixels:
        """The (height, width) uint8 transparency of a window."""
        return self.read(top, left, height, width)[..., 3]


def in_layers(picture: Picture, layers: Layers) -> Picture:
    """The picture, to be shown by the layers that are wanted.

    Raises:
        InputError: there are none of that name.
    """
    if layers not in get_args(Layers):
        raise InputError("the layers", expected=" or ".join(get_args(Layers)), got=layers)
    return replace(picture, layers=layers)


def is_picture_like(thing: object) -> bool:
    """Whether :func:`as_picture` looks at what it is given."""
    return isinstance(thing, Picture | Image.Image | np.ndarray)


def as_picture(
    source: "PictureLike | Picture",
    limits: Limits | None = None,
    name: str = "the picture",
    turned: bool | None = None,
    depth: int | None = None,
) -> Picture:
    """A :class:`Picture` of a Pillow image or of an array.

    An image as `Image.open` returns it is turned upright by its EXIF orientation. One that was made from it, by
    `rotate`, `crop`, `convert` or `copy`, is taken as it is: it has the old EXIF still, whatever was done to it.
    Of an image with several frames, the one that `seek` chose is taken.

    Arguments:
        source: a Pillow image, or uint8 of shape (H, W), (H, W, 1 to 4): grey, grey and alpha, RGB, RGB and alpha.
        limits: what it may ask for.
        name: what messages call it.
        turned: whether the EXIF orientation of a Pillow image is still to be applied; None for the rule above.
        depth: 8 to reduce deeper samples to 8 bits, uint16 arrays included; None to refuse them.

    Raises:
        InputError, UnsupportedPictureError, LimitExceededError
        OSError: the file of a Pillow image that is not loaded cannot be read.
    """
    if isinstance(source, Picture):
        return source
    depth = depth_of(depth)
    if isinstance(source, Image.Image):
        with pillow_errors_typed(name):
            return _from_image(source, limits or Limits(), turned, depth)
    if isinstance(source, str | PathLike | bytes | bytearray | memoryview):
        named = isinstance(source, str | PathLike)
        raise InputError(
            "encode takes a picture, not a file's name or its bytes",
            expected="a Pillow image or an array",
            got=type(source).__name__,
            hint="encode_file takes a file's name."
            if named
            else "Image.open(io.BytesIO(data)) makes an image of bytes.",
        )
    array = np.asarray(source)
    if array.dtype == object:
        got = type(source).__name__
        raise InputError("what is to be encoded", expected="a Pillow image or an array", got=got)
    return _from_array(array, limits or Limits(), depth)


@contextmanager
def pillow_errors_typed(name: str) -> Iterator[None]:
    """Errors of reading a picture as this package's; Pillow's readers raise nearly anything on damaged files."""
    try:
        yield
    except (IsthmusError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        # Ours is checked first; some of Pillow's readers have a limit of their own as well.
        raise LimitExceededError(
            f"{name} is too large for Pillow", got=error, hint="Convert it to PNG first."
        ) from error
    except Exception as error:
        # A disk that fails has a number; but a damaged offset also makes an invalid argument of `seek`.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise InputError(f"{name} cannot be read", got=f"{type(error).__name__}: {error}") from error


def _from_array(array: NDArray[Any], limits: Limits, depth: int | None) -> Picture:
    deep = depth == 8 and array.dtype.kind == "u" and array.dtype.itemsize == 2
    if array.dtype != np.uint8 and not deep:
        raise UnsupportedPictureError("the array's type", expected="uint8", got=array.dtype, hint=to_uint8(array))
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in _ARRAY_MODES or 0 in array.shape:
        channels_first = array.ndim == 3 and array.shape[0] in _ARRAY_MODES
        hint = "Channels come last: a.transpose(1, 2, 0)." if channels_first else ""
        expected = "(H, W) or (H, W, 1 to 4), not empty"
        raise InputError("the array's shape", expected=expected, got=array.shape, hint=hint)
    height, width, channels = array.shape
    check_pixels(width, height, limits)
    mode = _ARRAY_MODES[channels]
    order = {"L": [0, 0, 0], "LA": [0, 0, 0, 1]}.get(mode)

    def read(top: int, left: int, rows: int, columns: int) -> Pixels:
        window = array[top : top + rows, left : left + columns]
        if deep:
            window = rounded(window)
        return window[..., order] if order else window

    notes = ("reduced from 16 bits to 8 by rounding",) if deep else ()
    return Picture(width, height, mode, channels in (2, 4), read, notes=notes)


def _from_image(image: Image.Image, limits: Limits, turned: bool | None, depth: int | None) -> Picture:
    if image.width == 0 or image.height == 0:
        raise InputError("the picture is empty", expected="at least 1x1", got=f"{image.width}x{image.height}")
    check_pixels(image.width, image.height, limits)
    notes: list[str] = []
    deep = deep_samples_of(image) if depth == 8 else None
    if deep is None:
        _refuse_deep(image)
    _note_frames(image, notes)
    mend_transparent_value(image)
    stored = stored_colours(image, notes)
    image.load()
    metadata = metadata_of(image, notes)
    if turned is None:
        turned = isinstance(image, ImageFile.ImageFile)
    image = _upright(image, turned, notes, deep)
    mode = image.mode
    # Pillow's "transparency" may be left in the info of a picture that was converted since.
    has_alpha = image.has_transparency_data and image.mode in (*ALPHA_MODES, *ALPHA_OPTIONAL_MODES, *_WITH_ALPHA)
    if has_alpha:
        mode = _WITH_ALPHA.get(mode, mode)
    if ICC not in metadata:
        profile = stored if isinstance(stored, bytes) else profile_of(image, stored, notes)
        metadata |= {ICC: profile} if profile else {}
    restored, own = restored_mode(mode, has_alpha), None
    if restored != mode:
        own = own_samples(image, has_alpha, dict(metadata), tuple(notes))
    transform = _colour_transform(image, metadata, notes)
    if restored != image.mode:
        notes.append(f"mode {image.mode} comes back as {restored}")

    def read(top: int, left: int, rows: int, columns: int) -> Pixels:
        window = image.crop((left, top, left + columns, top + rows))
        if transform:
            window = ImageCms.applyTransform(window, transform) or window
        window = window.convert(_UNPREMULTIPLIED.get(window.mode, window.mode))
        return np.asarray(window.convert("RGBA" if has_alpha else "RGB"))

    return Picture(image.width, image.height, mode, has_alpha, read, metadata, tuple(notes), own)


def _refuse_deep(image: Image.Image) -> None:
    deep = deep_samples(image)
    if deep or image.mode not in MODE_NUMBERS:
        raise UnsupportedPictureError(
            "the samples are not 8-bit integers",
            expected="at most 8 bits a channel",
            got=f"{deep or image.mode}",
            hint="`isthmus encode --depth 8` (depth=8 in Python) reduces it, or convert it first: "
            "`magick in.png -depth 8 out.png`.",
        )


def _note_frames(image: Image.Image, notes: list[str]) -> None:
    """Of several frames it is the chosen one that is taken, as Pillow's own savers do."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format == "MPO" and image.tell() == 0:
        # Phones add a gain map or a second view to a photograph; the first frame is the photograph.
        notes.append(f"only the first of {frames} pictures of the MPO file is kept")
    elif frames > 1 and image.format == heif.FORMAT and image.info.get("primary"):
        notes.append(f"only the main one of {frames} pictures of the HEIC file is kept")
    elif frames > 1:
        notes.append(f"only frame {image.tell()} of the {frames} frames (0 to {frames - 1}) is kept")


def _upright(image: Image.Image, turned: bool, notes: list[str], deep: DeepSamples | None) -> Image.Image:
    """The pixels of a loaded image, in 8 bits, with the orientation applied of which its metadata say nothing now."""
    pixels = deep.reduced(image, notes) if deep else image
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, LookupError, TypeError, struct.error):
        notes.append("the EXIF block is damaged: it is kept as it is")
        return pixels
    method = _TURNS.get(orientation)
    if method is None:
        return pixels
    if not turned:
        notes.append(f"EXIF orientation {orientation} was left alone: the image was changed since it was opened")
        return pixels
    notes.append(f"turned upright (EXIF orientation {orientation})")
    return pixels.transpose(method)


def _colour_transform(image: Image.Image, metadata: dict[bytes, bytes], notes: list[str]) -> Any:
    """A transform to sRGB for what is neither RGB nor grey; its profile would not fit the RGB that is kept."""
    if image.mode not in ("CMYK", "LAB"):
        return None
    srgb = ImageCms.createProfile("sRGB")
    profile = metadata.pop(ICC, None)
    if profile is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            transform = ImageCms.buildTransform(source, srgb, image.mode, "RGB")
        except (ImageCms.PyCMSError, OSError) as error:
            notes.append(f"the {image.mode} profile is unusable ({error}): the colours are approximate")
        else:
            notes.append(f"{image.mode} was converted to sRGB by its profile")
            return transform
    if image.mode == "LAB":
        # Needs no profile to be defined: CIE L*a*b* under D50.
        return ImageCms.buildTransform(ImageCms.createProfile("LAB"), srgb, "LAB", "RGB")
    if profile is None:
        notes.append("CMYK without a profile: the colours are approximate")
    return None
