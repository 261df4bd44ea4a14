"""`isthmus.decode` and the other functions that read an .isth file: methods of a `Codec` with the usual limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from isthmus.codec import Codec, ModelLike
from isthmus.medium.protocol import Info

if TYPE_CHECKING:
    from PIL import Image

    from isthmus.image.box import PublicBox


def decode(data: bytes, box: PublicBox | None = None, model: ModelLike = None) -> NDArray[Any]:
    """Decode the bytes of an .isth file to an array of its colours, without its transparency.

    Arguments:
        data: the bytes of an .isth file.
        box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.

    Returns:
        (H, W, 3) uint8, of the window if there is a box; of another medium, its samples.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError: something is wrong with the bytes.
        UnknownModelError: the file's model is neither installed nor this one.
        LimitExceededError: it is larger than `Limits` allows.
        InputError: the box is not inside the picture.

    Example:
        >>> pixels = isthmus.decode(Path("photo.isth").read_bytes())    # doctest: +SKIP
        >>> corner = isthmus.decode(data, box=(0, 0, 640, 480))         # doctest: +SKIP
    """
    return Codec(model).decode(data, box)


def decode_image(data: bytes, model: ModelLike = None) -> Image.Image:
    """Decode the bytes of an .isth file to a Pillow image with its mode, transparency, ICC profile, EXIF and XMP.

    Arguments:
        data: the bytes of an .isth file.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.

    Returns:
        The image, loaded; its `info` holds the metadata as Pillow's own readers keep it.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError: something is wrong with the bytes.
        UnknownModelError: the file's model is neither installed nor this one.
        LimitExceededError: it is larger than `Limits` allows.

    Example:
        >>> isthmus.decode_image(data).save("photo.png")                # doctest: +SKIP
    """
    return Codec(model).decode_image(data)


def preview(data: bytes, model: ModelLike = None, scale: int = 16) -> Image.Image:
    """Decode the bytes of an .isth file to a Pillow image of 1/16 of its width and height, many times quicker; or of
    1/8, 1/4 or 1/2, several times quicker.

    Arguments:
        data: the bytes of an .isth file.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.
        scale: 2, 4, 8 or 16.

    Returns:
        The image, loaded, like that of `decode_image`; its width and height are rounded up.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError: something is wrong with the bytes.
        UnknownModelError: the file's model is neither installed nor this one.
        LimitExceededError: it is larger than `Limits` allows.

    Example:
        >>> isthmus.preview(data).size                                  # doctest: +SKIP
        (48, 32)
    """
    return Codec(model).preview(data, scale)


def decode_file(
    source: str | Path,
    target: str | Path | None = None,
    force: bool = False,
    model: ModelLike = None,
    strip: bool = False,
) -> Path:
    """Decode an .isth file to a picture file, with its metadata.

    Arguments:
        source: an .isth file.
        target: the file to write; its suffix chooses the format, .png, .jpg, .webp, .tif or another that Pillow writes.
            By default the same name with the suffix .png. It appears whole or not at all.
        force: replace what is there.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.

    Returns:
        The new file's path.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError: something is wrong with the file.
        UnknownModelError: the file's model is neither installed nor this one.
        LimitExceededError: it is larger than `Limits` allows.
        InputError: no format has the target's suffix, or it cannot hold the picture.
        OutputExistsError: the target is there already.
        OSError: a file cannot be read or written.

    Example:
        >>> isthmus.decode_file("photo.isth", "photo.jpg")              # doctest: +SKIP
        PosixPath('photo.jpg')
    """
    return Codec(model).decode_file(source, target, force, strip)


def inspect(data: bytes) -> Info:
    """What an .isth file says about itself: its structure is checked, and no weights are loaded.

    Arguments:
        data: the bytes of an .isth file.

    Returns:
        Size, mode, quality, model and bytes by part: of a picture, an `isthmus.Info`.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError: something is wrong with the bytes.
        LimitExceededError: it is larger than `Limits` allows.

    Example:
        >>> isthmus.inspect(Path("photo.isth").read_bytes()).bpp        # doctest: +SKIP
        0.91
    """
    return Codec().inspect(data)


def verify(data: bytes, model: ModelLike = None) -> Info:
    """Decode everything and keep nothing: returns only if the file is whole and decodable.

    Arguments:
        data: the bytes of an .isth file.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.

    Returns:
        What the file says about itself, as `inspect` does.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError: something is wrong with the bytes.
        UnknownModelError: the file's model is neither installed nor this one.
        LimitExceededError: it is larger than `Limits` allows.

    Example:
        >>> isthmus.verify(Path("photo.isth").read_bytes()).width       # doctest: +SKIP
        768
    """
    return Codec(model).verify(data)
