"""Teaches Pillow the .isth format: importing this module is enough for `Image.open` and `Image.save` to know it.

Opening reads the header and the metadata; pixels are decoded when they are first asked for. Errors are Pillow's own
kinds (`OSError`, `ValueError`), with the message and the cause of :mod:`isthmus.errors`.

Example:
    >>> import isthmus.pillow_plugin
    >>> Image.open("photo.jpg").save("photo.isth", quality=70)      # doctest: +SKIP
    >>> Image.open("photo.isth").size                               # doctest: +SKIP
    (768, 512)
"""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from PIL import Image, ImageFile, ImagePalette

from isthmus.bitstream.head import MAGIC
from isthmus.codec import SUFFIX, Codec, ModelLike
from isthmus.effort import Effort
from isthmus.errors import InputError, IsthmusError, UnsupportedPictureError
from isthmus.image.chunks import PALETTE
from isthmus.image.coders.protocol import covering_scale
from isthmus.image.container import parse, read_front
from isthmus.image.header import MEDIA_TYPE
from isthmus.image.limits import Limits
from isthmus.image.metadata import INFO_KEYS, info_of_blocks
from isthmus.image.picture import as_picture, in_layers
from isthmus.image.size import MAX_SIDE
from isthmus.targets import TARGETS, encode_content, one_target

# Nothing to be named from outside: importing is the use.
__all__: list[str] = []

FORMAT = "ISTH"
# Pillow guards every format with Image.MAX_IMAGE_PIXELS, right after opening; a second limit would only surprise.
_LIMITS = Limits(max_pixels=MAX_SIDE**2)
_OPTIONS = ("strip", "effort", "model", "max_side", "depth")
"""Of saving, beside the dials, targets and metadata."""


def _codec(effort: Effort = 1, model: ModelLike = None) -> Codec:
    return Codec(model, limits=_LIMITS, effort=effort)


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except IsthmusError as error:
        raise OSError(str(error)) from error


class IsthImageFile(ImageFile.ImageFile):
    """An .isth file as Pillow sees it.

    `draft` (and so `thumbnail`) takes a smaller picture where one is large enough: 1/16, 1/8, 1/4 or 1/2 of the size.
    """

    format = FORMAT
    format_description = "isthmus picture"
    _scale = 1

    def _open(self) -> None:
        assert self.fp is not None
        with _as_os_error():
            header, metadata = read_front(self.fp, _LIMITS)
        self._size = (header.width, header.height)
        self._mode = header.restored_mode
        self._draft_mode = header.preview_mode
        if header.palette_mode is not None:
            self.palette = ImagePalette.raw(header.palette_mode, metadata[PALETTE])
            self.palette.mode = header.palette_mode
        self.info |= info_of_blocks(metadata)
        self.info |= {"lossless": True} if header.lossless else {"quality": header.quality.percent}
        if header.tune is not None:
            self.info["tune"] = header.tune.share

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Decode at the smallest scale that still covers `size`; None, and nothing changed, if there is none."""
        if size is None or self._im is not None or self._scale > 1:
            return None
        width, height = self.size
        scale = covering_scale(self.size, size)
        if scale == 1:
            return None
        self._scale = scale
        self._mode, self.palette = self._draft_mode, None
        self._size = (-(-width // scale), -(-height // scale))
        return self.mode, (0, 0, width / scale, height / scale)

    def load(self) -> Any:
        if self._im is None:
            data = self._read()
            with _as_os_error():
                image = _codec().decode_image(data) if self._scale == 1 else _codec().preview(data, self._scale)
            self.im, self.palette = image.im, image.palette
            self.readonly = 0
        return super().load()

    def verify(self) -> None:
        """Check the structure and every checksum of the file, without decoding it."""
        data = self._read()
        with _as_os_error():
            parse(data, _LIMITS)

    def _read(self) -> bytes:
        if self.fp is None:
            raise ValueError("the file of this image is closed")
        self.fp.seek(0)
        try:
            with _as_os_error():
                return _codec().read_file(cast(BinaryIO, self.fp))
        finally:
            if self._exclusive_fp:
                self.fp.close()
            self.fp = None


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Pillow's `save`, with the options quality (0 to 100), target_bytes, target_bpp, target_psnr, target_ssimulacra2,
    tune, strip, effort, model, max_side, depth, layers and lossless as of `isthmus.encode`, and icc_profile, exif and
    xmp: None or b"" leaves one out."""
    options: dict[str, Any] = image.encoderinfo
    _refuse_unknown(options)
    # Pixels of an opened file, or EXIF that was given along with them, are still to be turned; all else was worked on.
    turned = isinstance(image, ImageFile.ImageFile) or "exif" in options
    changed = {key: options[key] for key in INFO_KEYS.values() if key in options}
    if changed:
        image = image.copy()
        for key, value in changed.items():
            image.info[key] = value.tobytes() if isinstance(value, Image.Exif) else value or b""
    quality = options.get("quality")
    lossless = bool(options.get("lossless"))
    target = one_target({name: options.get(name) for name in TARGETS}, quality, lossless)
    try:
        codec = _codec(options.get("effort", 1), options.get("model"))
        picture = as_picture(image, _LIMITS, turned=turned, depth=options.get("depth"))
        picture = in_layers(picture, options.get("layers") or "auto")
        asked = options.get("strip", False), options.get("max_side"), options.get("tune")
        file.write(encode_content(codec, picture, quality, target, *asked, lossless))
    except UnsupportedPictureError as error:
        raise OSError(f"cannot write mode {image.mode} as {FORMAT}: {error}") from error


def _refuse_unknown(options: dict[str, Any]) -> None:
    """What is ignored would be believed: a misspelt quality, a promise that is not kept."""
    known = ("quality", "tune", *TARGETS, *_OPTIONS, "layers", *INFO_KEYS.values(), "lossless")
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"{near[0]} is one." if near else ""
            raise InputError(f"unknown option of saving {FORMAT}", expected=", ".join(known), got=name, hint=hint)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC[:5])  # the rest tells transfers in text mode, which have a message of their own


Image.register_open(FORMAT, IsthImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, SUFFIX)
Image.register_mime(FORMAT, MEDIA_TYPE)
