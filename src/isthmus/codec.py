"""The recipe: picture -> tiles -> latents -> bytes, and back. Networks, entropy coding and framing live below.

encode   picture --encode_tiles--> tile payloads --+--assemble--> bytes
         alpha   --encode_alpha--> alpha payloads -+
decode   bytes --parse--> tile payloads --decode_rows--> strips of RGB --as_mode--> picture
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.bitstream import container
from isthmus.bitstream.container import Container, Header, Limits
from isthmus.errors import CorruptError, InputError, LimitExceededError, TooNewError, UnknownModelError
from isthmus.files import atomic_output, read_capped
from isthmus.image.alpha import decode_alpha, encode_alpha
from isthmus.image.coders import lapped as tiles
from isthmus.image.files import format_of, open_picture, save_picture
from isthmus.image.picture import (
    Picture,
    PictureLike,
    Pixels,
    as_mode,
    as_picture,
    restored_mode,
)
from isthmus.image.preview import SCALE, decode_preview
from isthmus.model.model import Model
from isthmus.model.registry import find_model, model_named, release_model

if TYPE_CHECKING:
    from typing import BinaryIO

DEFAULT_QUALITY = 50.0
"""Where training crops have a mean SSIMULACRA2 near 70, which its authors call high quality."""
PLAUSIBLE_PIXELS_PER_BYTE = 1000
"""Photographs have at most some 200; files beyond this are checked to the last tile before any pixel is made."""
SUFFIX = ".isth"
Box = tuple[int, int, int, int]
ModelLike = Model | str | Path | None
"""A model, a model file, or the name of an installed model; None for the default."""
Progress = Callable[[int, int], None]

# Where Pillow keeps metadata.
INFO_KEYS = {container.ICC: "icc_profile", container.EXIF: "exif", container.XMP: "xmp"}
_PART_NAMES = {
    container.ICC: "icc",
    container.EXIF: "exif",
    container.XMP: "xmp",
    container.ALPHA: "alpha",
    container.TILE: "latents",
    container.END: "end",
}


@dataclass(frozen=True)
class Info:
    """What a file says about itself, without its weights.

    Attributes:
        width, height: pixels.
        mode: Pillow's name of the mode of the picture that was encoded.
        restored_mode: the mode it decodes to.
        quality: 0 to 100.
        model_id: 16 hexadecimal digits.
        format_version: of the bitstream.
        tile_size, tiles: pixels a side, number of tiles.
        bytes: size of the file.
        bpp: bits of the file per pixel.
        parts: bytes on disk by part.
    """

    width: int
    height: int
    mode: str
    restored_mode: str
    quality: float
    model_id: str
    format_version: int
    tile_size: int
    tiles: int
    bytes: int
    bpp: float
    parts: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """All fields, as JSON knows them."""
        return asdict(self)


class Codec:
    """Compresses and decompresses many pictures with weights that are loaded once, at the first need.

    Arguments:
        model: a model, the path of a model file, or the name of an installed model: "best", the default, or "fast"
            for pictures that decode in less time and take more bytes. Files of other models still decode if their
            model is installed.
        threads: threads of the inference engine; by default all cores.
        limits: what a file or a picture may ask for.
        effort: of encoding: 1, or 2 for 1 to 2 % fewer bytes at equal PSNR in 2 to 3 times the time. At one and the
            same quality files are slightly larger, and pictures better by more than that.

    Example:
        >>> codec = Codec()                                              # doctest: +SKIP
        >>> data = codec.encode(array, quality=60)                       # doctest: +SKIP
        >>> array = codec.decode(data)                                   # doctest: +SKIP
    """

    def __init__(
        self,
        model: ModelLike = None,
        threads: int | None = None,
        limits: Limits | None = None,
        effort: int = 1,
    ) -> None:
        if threads is not None and threads < 1:
            raise InputError("the number of threads", expected="at least 1", got=threads)
        if effort not in range(1, tiles.MAX_EFFORT + 1):
            raise InputError("the effort", expected=f"1 to {tiles.MAX_EFFORT}", got=effort)
        self._chosen = model
        self.threads = threads
        self.limits = limits or Limits()
        self.effort = effort

    @functools.cached_property
    def model(self) -> Model:
        """The model that encodes."""
        if self._chosen is None:
            return release_model()
        if isinstance(self._chosen, (str, Path)):
            return model_named(self._chosen)
        return self._chosen

    def encode(
        self,
        image: PictureLike | Picture,
        quality: float = DEFAULT_QUALITY,
        strip: bool = False,
        progress: Progress | None = None,
    ) -> bytes:
        """The bytes of an .isth file.

        Arguments:
            image: a Pillow image, or (H, W), (H, W, 1..4) uint8: grey, grey+alpha, RGB, RGB+alpha.
            quality: 0 to 100, continuous.
            strip: leave ICC, EXIF and XMP out.
            progress: called with (tiles done, tiles in all).

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, ModelError
        """
        picture = as_picture(image, self.limits)
        header = Header(
            width=picture.width,
            height=picture.height,
            mode=picture.mode,
            quality=_hundredths(quality),
            model_id=self.model.id,
            tile_size=tiles.TILE,
            has_alpha=picture.has_alpha,
        )
        metadata = {} if strip else self._capped(picture.metadata)
        alpha = _encode_alpha_tiles(picture, header)
        latents = tiles.encode_tiles(self.model, picture, header.quality, self.threads, progress, self.effort)
        return container.assemble(header, metadata, alpha, latents)

    def decode(self, data: bytes, box: Box | None = None, progress: Progress | None = None) -> Pixels:
        """The colours of a picture, without its transparency: (H, W, 3) uint8.

        Arguments:
            data: the bytes of an .isth file.
            box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
            progress: called with (tiles done, tiles in all).

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        parsed, model = self._open(data)
        header = parsed.header
        if box is not None:
            return self._window(parsed, model, box)
        pixels = np.empty((header.height, header.width, 3), np.uint8)
        for top, strip in self._strips(parsed, model, progress):
            pixels[top : top + len(strip)] = strip
        return pixels

    def decode_image(self, data: bytes, box: Box | None = None, progress: Progress | None = None) -> Image.Image:
        """The picture as a Pillow image with its mode, transparency, ICC profile, EXIF and XMP.

        Arguments:
            data: the bytes of an .isth file.
            box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
            progress: called with (tiles done, tiles in all).

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError,
            InputError: the box is not inside.
        """
        parsed, model = self._open(data)
        header = parsed.header
        mode = restored_mode(header.mode, header.has_alpha)
        x, y, width, height = (0, 0, header.width, header.height) if box is None else box
        if box is None:
            # No fill colour: memory that nothing was decoded into stays untouched.
            canvas = Image.new(mode, (width, height), None)
            for top, strip in self._strips(parsed, model, progress):
                canvas.paste(Image.fromarray(strip).convert(mode), (0, top))
        else:
            canvas = Image.fromarray(self._window(parsed, model, box)).convert(mode)
        for (top, left, rows, columns), plane in _decode_alpha_tiles(parsed, (x, y, width, height)):
            at = (max(left - x, 0), max(top - y, 0), min(left + columns - x, width), min(top + rows - y, height))
            part = canvas.crop(at)
            part.putalpha(
                Image.fromarray(plane).crop((at[0] + x - left, at[1] + y - top, at[2] + x - left, at[3] + y - top))
            )
            canvas.paste(part, at[:2])
        canvas.info |= _info_blocks(parsed)
        return canvas

    def preview(self, data: bytes) -> Image.Image:
        """The picture at 1/16 of its width and height, rounded up, like :meth:`decode_image` but many times quicker.

        It shows the lowest frequency of every 16x16 block, softer than a reduced picture would be.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        parsed, model = self._open(data)
        header = parsed.header
        mode = restored_mode(header.mode, header.has_alpha)
        pixels = decode_preview(model, parsed.tile, header.width, header.height, header.quality)
        canvas = Image.fromarray(as_mode(pixels, header.mode)).convert(mode)
        if header.has_alpha:
            alpha = Image.new("L", canvas.size)
            for (top, left, *_), plane in _decode_alpha_tiles(parsed, (0, 0, header.width, header.height)):
                alpha.paste(Image.fromarray(plane).reduce(SCALE), (left // SCALE, top // SCALE))
            canvas.putalpha(alpha)
        canvas.info |= _info_blocks(parsed)
        return canvas

    def verify(self, data: bytes, progress: Progress | None = None) -> Info:
        """Decode everything and keep nothing: returns only if the file is whole and decodable.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        parsed, model = self._open(data)
        for _ in self._strips(parsed, model, progress):
            pass
        for _ in _decode_alpha_tiles(parsed, (0, 0, parsed.header.width, parsed.header.height)):
            pass
        return _info(parsed)

    def inspect(self, data: bytes) -> Info:
        """Check the structure of a file and report what it says, without loading weights.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError
        """
        return _info(container.parse(data, self.limits))

    def encode_file(
        self,
        source: str | Path,
        target: str | Path | None = None,
        quality: float = DEFAULT_QUALITY,
        strip: bool = False,
        force: bool = False,
    ) -> Path:
        """Encode a picture file, by default to the same name with the suffix .isth; the new file's path.

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, OutputExistsError, OSError
        """
        source = Path(source)
        target = Path(target) if target is not None else source.with_suffix(SUFFIX)
        with atomic_output(target, force) as stream:
            stream.write(self.encode(open_picture(source, self.limits), quality, strip))
        return target

    def decode_file(self, source: str | Path, target: str | Path | None = None, force: bool = False) -> Path:
        """Decode to a picture file, by default to the same name with the suffix .png; the new file's path.

        Raises:
            BitstreamError, LimitExceededError, OutputExistsError, InputError, OSError
        """
        source = Path(source)
        target = Path(target) if target is not None else source.with_suffix(".png")
        format_name = format_of(target)
        with atomic_output(target, force) as stream:
            save_picture(self.decode_image(self.read_file(source)), stream, format_name)
        return target

    def read_file(self, source: "str | Path | BinaryIO") -> bytes:
        """The bytes of a compressed file or stream, within the limits.

        Raises:
            LimitExceededError, OSError
        """
        if isinstance(source, (str, Path)):
            with open(source, "rb") as stream:
                return read_capped(stream, self.limits.max_file_bytes, str(source))
        return read_capped(source, self.limits.max_file_bytes, "the input")

    def _open(self, data: bytes) -> tuple[Container, Model]:
        parsed = container.parse(data, self.limits)
        if parsed.header.tile_size != tiles.TILE:
            raise TooNewError("the tile size is unknown", expected=tiles.TILE, got=parsed.header.tile_size)
        wanted = parsed.header.model_id
        if self._chosen is not None and self.model.id == wanted:
            return parsed, self.model
        try:
            return parsed, find_model(wanted)
        except UnknownModelError as error:
            if self._chosen is None:
                raise
            raise UnknownModelError(
                "the file needs another model than the one given, and that is not installed",
                expected=f"model {wanted.hex()}",
                got=f"{self.model.name} {self.model.id.hex()}",
                hint="Ask whoever wrote the file for the .isthmodel: `isthmus models add` installs it.",
            ) from error

    def _strips(self, parsed: Container, model: Model, progress: Progress | None) -> Iterator[tuple[int, Pixels]]:
        header = parsed.header
        size, quality = (header.width, header.height), header.quality
        if header.tile_count > 1 and header.width * header.height > PLAUSIBLE_PIXELS_PER_BYTE * parsed.size:
            # Few bytes and a huge picture: nothing grows to the picture's size before every byte has been believed.
            tiles.check_tiles(model, parsed.tile, *size, quality, self.threads)
        strips = tiles.decode_rows(model, parsed.tile, *size, quality, self.threads, progress)
        for top, strip in strips:
            yield top, as_mode(strip, header.mode)

    def _window(self, parsed: Container, model: Model, box: Box) -> Pixels:
        header = parsed.header
        _check_box(box, header)
        window = tiles.decode_window(model, parsed.tile, header.width, header.height, header.quality, box, self.threads)
        return as_mode(window, header.mode)

    def _capped(self, metadata: dict[bytes, bytes]) -> dict[bytes, bytes]:
        for kind, block in metadata.items():
            if len(block) > self.limits.max_metadata_bytes:
                raise LimitExceededError(
                    f"the {_PART_NAMES[kind]} block is too large",
                    expected=f"at most {self.limits.max_metadata_bytes} bytes",
                    got=len(block),
                    hint="Leave metadata out with --strip (strip=True).",
                )
        return metadata


def is_encoded(name: str) -> bool:
    """Whether a file in a folder is taken for one of ours by its name; hidden ones are not."""
    path = PurePath(name)
    return path.suffix.lower() == SUFFIX and not path.name.startswith(".")


def encode(
    image: PictureLike,
    quality: float = DEFAULT_QUALITY,
    strip: bool = False,
    effort: int = 1,
    model: ModelLike = None,
) -> bytes:
    """:meth:`Codec.encode`; effort and model as of :class:`Codec`."""
    return Codec(model, effort=effort).encode(image, quality, strip)


def decode(data: bytes, box: Box | None = None, model: ModelLike = None) -> Pixels:
    """:meth:`Codec.decode` with the model that the file names, installed or this one."""
    return Codec(model).decode(data, box)


def decode_image(data: bytes, model: ModelLike = None) -> Image.Image:
    """:meth:`Codec.decode_image` with the model that the file names, installed or this one."""
    return Codec(model).decode_image(data)


def encode_file(
    source: str | Path,
    target: str | Path | None = None,
    quality: float = DEFAULT_QUALITY,
    strip: bool = False,
    force: bool = False,
    effort: int = 1,
    model: ModelLike = None,
) -> Path:
    """:meth:`Codec.encode_file`; effort and model as of :class:`Codec`."""
    return Codec(model, effort=effort).encode_file(source, target, quality, strip, force)


def decode_file(
    source: str | Path,
    target: str | Path | None = None,
    force: bool = False,
    model: ModelLike = None,
) -> Path:
    """:meth:`Codec.decode_file` with the model that the file names, installed or this one."""
    return Codec(model).decode_file(source, target, force)


def inspect(data: bytes) -> Info:
    """:meth:`Codec.inspect`."""
    return Codec().inspect(data)


def verify(data: bytes, model: ModelLike = None) -> Info:
    """:meth:`Codec.verify` with the model that the file names, installed or this one."""
    return Codec(model).verify(data)


def _hundredths(quality: float) -> int:
    # Written so that NaN fails as well.
    if not 0 <= quality <= 100:
        raise InputError("the quality", expected="0 to 100", got=quality)
    return round(quality * 100)


def _check_box(box: Box, header: Header) -> None:
    x, y, width, height = box
    inside = x >= 0 and y >= 0 and x + width <= header.width and y + height <= header.height
    if not inside or width < 1 or height < 1:
        raise InputError("the box (x, y, width, height)", expected=f"within {header.width}x{header.height}", got=box)


def _encode_alpha_tiles(picture: Picture, header: Header) -> Iterator[bytes]:
    if header.has_alpha:
        for index in range(header.tile_count):
            yield encode_alpha(picture.alpha(*header.tile_box(index)))


def _decode_alpha_tiles(parsed: Container, box: Box) -> Iterator[tuple[tuple[int, int, int, int], NDArray[np.uint8]]]:
    """((top, left, height, width), plane) of every tile of transparency that the box touches."""
    x, y, columns, rows = box
    for index, payload in enumerate(parsed.alpha):
        top, left, height, width = parsed.header.tile_box(index)
        if left >= x + columns or left + width <= x or top >= y + rows or top + height <= y:
            continue
        try:
            yield (top, left, height, width), decode_alpha(payload, height, width)
        except CorruptError as error:
            error.add_note(f"in alpha tile {index}")
            raise


def _info_blocks(parsed: Container) -> dict[str | tuple[int, int], bytes]:
    """Metadata under the names that Pillow uses."""
    return {INFO_KEYS[kind]: block for kind, block in parsed.metadata.items()}


def _info(parsed: Container) -> Info:
    header = parsed.header
    parts = {"header": container.HEADER_BYTES}
    for kind, size in parsed.chunk_bytes.items():
        parts[_PART_NAMES.get(kind, kind.decode())] = size
    return Info(
        width=header.width,
        height=header.height,
        mode=header.mode,
        restored_mode=restored_mode(header.mode, header.has_alpha),
        quality=header.quality / 100,
        model_id=header.model_id.hex(),
        format_version=container.VERSION,
        tile_size=header.tile_size,
        tiles=header.tile_count,
        bytes=parsed.size,
        bpp=8 * parsed.size / (header.width * header.height),
        parts=parts,
    )
