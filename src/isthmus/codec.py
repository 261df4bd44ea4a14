"""The facade: anything that has a medium to the bytes of a file, and back. It picks medium, model and coder.

What a medium is, how its files are made and how they decode is the medium's own room: `isthmus.image` for pictures.
"""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, cast

from PIL import Image

from isthmus.bitstream.head import Head, parse_head
from isthmus.bitstream.limits import Limits
from isthmus.errors import InputError, UnknownModelError
from isthmus.files import atomic_output, read_capped
from isthmus.image.box import PublicBox
from isthmus.image.coders.protocol import Progress, Setting
from isthmus.image.coders.table import encoding_coder
from isthmus.image.container import Container, parse_behind
from isthmus.image.decoding import PictureDecoder, check_decodable
from isthmus.image.encoding import encode_picture
from isthmus.image.files import format_of, open_picture
from isthmus.image.header import MEDIUM as PICTURE
from isthmus.image.info import Info, info_of
from isthmus.image.picture import Picture, PictureLike, Pixels, as_picture
from isthmus.image.saving import write_picture
from isthmus.model.model import Model
from isthmus.model.registry import find_model, is_release_name, model_named, release_model
from isthmus.plain import whole
from isthmus.quality import Quality

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = [
    "DEFAULT_QUALITY",
    "SUFFIX",
    "Codec",
    "Info",
    "ModelLike",
    "Progress",
    "decode",
    "decode_file",
    "decode_image",
    "inspect",
    "is_encoded",
    "preview",
    "verify",
]

DEFAULT_QUALITY = 50.0
"""Where training crops have a mean SSIMULACRA2 near 70, which its authors call high quality."""
SUFFIX = ".isth"
ModelLike = Model | Literal["best", "fast"] | str | Path | None
"""A model, a model file, or the name of an installed model, as the package's "best" and "fast"; None for "best"."""
Effort = Literal[1, 2]
"""Of encoding: 2 is slower, and its files are smaller."""
Depth = Literal[8]
"""Bits a channel that deeper pictures are reduced to."""


@dataclass(frozen=True)
class _Medium:
    """How the files of a medium are taken apart, described and decoded."""

    parse: Callable[[Head, bytes, Limits], Container]
    info: Callable[[Container], Info]
    check_decodable: Callable[[Container], None]
    decoder: Callable[[Container, Model, int | None], PictureDecoder]


_MEDIA = {PICTURE: _Medium(parse_behind, info_of, check_decodable, PictureDecoder)}


class Codec:
    """Compresses and decompresses many pictures with weights that are loaded once, at the first need.

    Arguments:
        model: a model, the path of a model file, or the name of an installed model: "best", the default, or "fast"
            for pictures that decode in less time and take more bytes. Files of other models still decode if their
            model is installed.
        threads: how many tiles of a picture, 1024x1024 pixels each, are worked on side by side; by default one for each
            core, but at most two, for each takes up to 250 MB. Bytes and pixels do not depend on it.
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
        effort: Effort = 1,
    ) -> None:
        if threads is not None:
            threads = whole(threads, "the number of threads", "a whole number, at least 1")
            if threads < 1:
                raise InputError("the number of threads", expected="at least 1", got=threads)
        most = encoding_coder().max_effort
        tries = whole(effort, "the effort", f"1 to {most}")
        if not 1 <= tries <= most:
            raise InputError("the effort", expected=f"1 to {most}", got=effort)
        self._chosen = model
        self.threads = threads
        self.limits = limits or Limits()
        self.effort: Effort = cast(Effort, tries)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs, in this process or another: weights of the package by their name, all others whole."""
        state = self.__dict__.copy()
        loaded = state.pop("model", None)
        # Wherever the copy goes, the file of the weights need not be there, or may be another by then.
        if loaded is not None and self._chosen is not None and not is_release_name(str(self._chosen)):
            state["_chosen"] = loaded
        return state

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
        depth: Depth | None = None,
    ) -> bytes:
        """The bytes of an .isth file.

        Arguments:
            image: a Pillow image, or (H, W), (H, W, 1..4) uint8: grey, grey+alpha, RGB, RGB+alpha. An image as
                `Image.open` returns it is turned upright by its EXIF orientation; one that was made from it is taken
                as it is. Of several frames, the one that `seek` chose is taken.
            quality: 0 to 100, continuous.
            strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
            progress: called with (tiles done, tiles in all).
            depth: 8 to reduce deeper samples, uint16 arrays included, to 8 bits by rounding; None to refuse them.

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, ModelError, SelfCheckError
        """
        picture = as_picture(image, self.limits, depth=depth)
        dial = Quality.of(quality)
        setting = Setting(self.model, dial, self.threads)
        return encode_picture(picture, encoding_coder(), setting, self.limits, self.effort, strip, progress)

    def decode(self, data: bytes, box: PublicBox | None = None, progress: Progress | None = None) -> Pixels:
        """The colours of a picture, without its transparency: (H, W, 3) uint8.

        Arguments:
            data: the bytes of an .isth file.
            box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
            progress: called with (tiles done, tiles in all).

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        return self._decoder(data).decode(box, progress)

    def decode_image(self, data: bytes, box: PublicBox | None = None, progress: Progress | None = None) -> Image.Image:
        """The picture as a Pillow image with its mode, transparency, ICC profile, EXIF and XMP.

        Arguments:
            data: the bytes of an .isth file.
            box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
            progress: called with (tiles done, tiles in all).

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError,
            InputError: the box is not inside.
        """
        return self._decoder(data).decode_image(box, progress)

    def preview(self, data: bytes) -> Image.Image:
        """The picture at 1/16 of its width and height, rounded up, like :meth:`decode_image` but many times quicker.

        It shows the lowest frequency of every 16x16 block, softer than a reduced picture would be.

        Arguments:
            data: the bytes of an .isth file.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        return self._decoder(data).preview()

    def verify(self, data: bytes, progress: Progress | None = None) -> Info:
        """Decode everything and keep nothing: returns only if the file is whole and decodable.

        Arguments:
            data: the bytes of an .isth file.
            progress: called with (tiles done, tiles in all).

        Returns:
            What the file says about itself, as :meth:`inspect` does.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        medium, parsed = self._parse(data)
        self._decoder_of(medium, parsed).verify(progress)
        return medium.info(parsed)

    def inspect(self, data: bytes) -> Info:
        """Check the structure of a file and report what it says, without loading weights.

        Arguments:
            data: the bytes of an .isth file.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError
        """
        medium, parsed = self._parse(data)
        return medium.info(parsed)

    def encode_file(
        self,
        source: str | Path,
        target: str | Path | None = None,
        quality: float = DEFAULT_QUALITY,
        strip: bool = False,
        force: bool = False,
        depth: Depth | None = None,
    ) -> Path:
        """Encode a picture file, by default to the same name with the suffix .isth; the new file's path.

        Arguments:
            source: a file of any format that Pillow reads.
            target: the file to write, which appears whole or not at all.
            quality: 0 to 100, continuous.
            strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
            force: replace what is there.
            depth: 8 to reduce deeper samples to 8 bits by rounding; None to refuse them.

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, OutputExistsError, OSError
        """
        source = Path(source)
        target = Path(target) if target is not None else source.with_suffix(SUFFIX)
        with atomic_output(target, force) as stream:
            stream.write(self.encode(open_picture(source, self.limits, depth), quality, strip))
        return target

    def decode_file(
        self, source: str | Path, target: str | Path | None = None, force: bool = False, strip: bool = False
    ) -> Path:
        """Decode to a picture file, by default to the same name with the suffix .png; the new file's path.

        Arguments:
            source: an .isth file.
            target: the file to write, in the format of its suffix; it appears whole or not at all.
            force: replace what is there.
            strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.

        What the format of the new file cannot hold is converted, with a warning, or refused.

        Raises:
            BitstreamError, LimitExceededError, OutputExistsError, InputError, OSError
        """
        source = Path(source)
        target = Path(target) if target is not None else source.with_suffix(".png")
        format_name = format_of(target)
        with atomic_output(target, force) as stream:
            notes = write_picture(self.decode_image(self.read_file(source)), stream, format_name, strip=strip)
        for note in notes:
            warnings.warn(f"{target}: {note}", stacklevel=2)
        return target

    def read_file(self, source: "str | Path | BinaryIO") -> bytes:
        """The bytes of a compressed file or stream, within the limits.

        Arguments:
            source: a file's name, or a stream of bytes.

        Raises:
            LimitExceededError, OSError
        """
        if isinstance(source, (str, Path)):
            with open(source, "rb") as stream:
                return read_capped(stream, self.limits.max_file_bytes, str(source))
        return read_capped(source, self.limits.max_file_bytes, "the input")

    def _parse(self, data: bytes) -> tuple[_Medium, Container]:
        head = parse_head(data)
        head.check_medium(_MEDIA)
        medium = _MEDIA[head.medium]
        return medium, medium.parse(head, data, self.limits)

    def _decoder(self, data: bytes) -> PictureDecoder:
        return self._decoder_of(*self._parse(data))

    def _decoder_of(self, medium: _Medium, parsed: Container) -> PictureDecoder:
        medium.check_decodable(parsed)
        return medium.decoder(parsed, self._model_of(parsed.header.model_id), self.threads)

    def _model_of(self, wanted: bytes) -> Model:
        """The model that a file names: the one that was chosen, or an installed one."""
        if self._chosen is not None and self.model.id == wanted:
            return self.model
        try:
            return find_model(wanted)
        except UnknownModelError as error:
            if self._chosen is None:
                raise
            raise UnknownModelError(
                "the file needs another model than the one given, and that is not installed",
                expected=f"model {wanted.hex()}",
                got=f"{self.model.name} {self.model.id.hex()}",
                hint="Ask whoever wrote the file for the .isthmodel: `isthmus models add` installs it.",
            ) from error


def is_encoded(name: str) -> bool:
    """Whether a file in a folder is taken for one of ours by its name; hidden ones are not."""
    path = PurePath(name)
    return path.suffix.lower() == SUFFIX and not path.name.startswith(".")


def decode(data: bytes, box: PublicBox | None = None, model: ModelLike = None) -> Pixels:
    """Decode the bytes of an .isth file to an array of its colours, without its transparency.

    Arguments:
        data: the bytes of an .isth file.
        box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.

    Returns:
        (H, W, 3) uint8, of the window if there is a box.

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


def preview(data: bytes, model: ModelLike = None) -> Image.Image:
    """Decode the bytes of an .isth file to a Pillow image of 1/16 of its width and height, many times quicker.

    Arguments:
        data: the bytes of an .isth file.
        model: weights for files whose model is not installed; all others find theirs by the id in the file.

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
    return Codec(model).preview(data)


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
        Size, mode, quality, model and bytes by part.

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
