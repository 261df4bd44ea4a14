"""The facade: anything that has a medium to the bytes of a file, and back. It picks medium and model.

What a medium is, how its files are made and how they decode is the medium's own room, `isthmus.image` for pictures;
`isthmus.media` lists them.
"""

from __future__ import annotations

import functools
import warnings
from io import BytesIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from numpy.typing import NDArray

from isthmus.bitstream.head import parse_head
from isthmus.effort import Effort, effort_of
from isthmus.errors import InputError, UnknownModelError
from isthmus.files import atomic_output, beside, read_capped
from isthmus.image.limits import Limits
from isthmus.media import DEFAULT, MEDIA, medium_of, medium_of_head, medium_to_open, parse
from isthmus.medium.protocol import NONE, Content, Decoder, Info, Medium, Options, Progress
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import find_model, is_release_name, model_named, release_model
from isthmus.plain import whole
from isthmus.quality import Quality
from isthmus.tune import EYE, Tune, TuneLike

if TYPE_CHECKING:
    from PIL import Image

    from isthmus.image.box import PublicBox
    from isthmus.image.medium import AnyPictureDecoder
    from isthmus.image.picture import PictureLike

DEFAULT_QUALITY = 50.0
"""Where training crops have a mean SSIMULACRA2 near 70, which its authors call high quality."""
SUFFIX = ".isth"
ModelLike = Model | Literal["best", "fast"] | str | Path | None
"""A model, a model file, or the name of an installed model, as the package's "best" and "fast"; None for "best"."""
Depth = Literal[8]
"""Bits a channel that deeper pictures are reduced to."""


class Codec:
    """Compresses and decompresses many pictures, or what other medium, with weights that are loaded once, when needed.

    Arguments:
        model: a model, the path of a model file, or the name of an installed model: "best", the default, or "fast"
            for pictures that decode in less time and take more bytes. Files of other models still decode if their
            model is installed.
        threads: how many tiles of a picture, 1024x1024 pixels each, are worked on side by side; by default one for each
            core, but at most two, for each takes up to 250 MB. Bytes and pixels do not depend on it.
        limits: what a file or a picture may ask for.
        effort: of encoding, 1 to 4: the higher, the slower, and the better pictures look for the same bytes. At one and
            the same quality files are slightly larger, and pictures better by more than that.

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
        self._chosen = model
        self.threads = threads
        self.limits = limits or Limits()
        self.effort: Effort = effort_of(effort)

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
        """The model that encodes; where none was chosen, pictures: see :meth:`model_for`."""
        if self._chosen is None:
            return release_model(MEDIA[DEFAULT]().default_model)
        if isinstance(self._chosen, (str, Path)):
            return model_named(self._chosen)
        return self._chosen

    def model_for(self, medium: Medium) -> Model:
        """The model that encodes what is of a medium: the one that was chosen, or the medium's default.

        Arguments:
            medium: as of `isthmus.media`.

        Raises:
            UnknownModelError: there is none of that name.
        """
        if self._chosen is not None or medium.id == DEFAULT:
            return self.model
        return release_model(medium.default_model)

    def tune_for(self, medium: Medium, tune: TuneLike | None) -> Tune | None:
        """Where the second dial stands for what is of a medium; None where the model that encodes has no such dial.

        Arguments:
            medium: as of `isthmus.media`.
            tune: "psnr", "eye", or 0 to 1 from the one to the other; None for "eye", if there is a dial.

        Raises:
            InputError: it is none of these, or is asked of a model that has no such dial.
            UnknownModelError: there is no such model.
        """
        place = None if tune is None else Tune.of(tune)
        model = self.model_for(medium)
        if medium.has_tune(model):
            return place or EYE
        if place is not None:
            hint = "Leave the tune out, or take a model that has it."
            raise InputError(f"the model {model.name} has no second dial, the tune", got=place.text, hint=hint)
        return None

    def encode(
        self,
        image: PictureLike | Content,
        quality: float = DEFAULT_QUALITY,
        strip: bool = False,
        progress: Progress | None = None,
        depth: Depth | None = None,
        tune: TuneLike | None = None,
        lossless: bool = False,
        rate: int | None = None,
    ) -> bytes:
        """The bytes of an .isth file.

        Arguments:
            image: a Pillow image, or (H, W), (H, W, 1..4) uint8: grey, grey+alpha, RGB, RGB+alpha. An image as
                `Image.open` returns it is turned upright by its EXIF orientation; one that was made from it is taken
                as it is. Of several frames, the one that `seek` chose is taken. Or a sound: samples (n,) or
                (n, 1..8), float32 around -1..1, int16, or int32 of full scale.
            quality: 0 to 100, continuous.
            strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
            progress: called with (tiles done, tiles in all).
            depth: 8 to reduce deeper samples, uint16 arrays included, to 8 bits by rounding; None to refuse them.
            tune: what the bytes are spent on: "psnr" for the least squared error, "eye" for what eyes see, or 0 to 1
                between them; of models that have this dial, where None means "eye".
            lossless: keep all samples as they are, colours under full transparency too; the quality says nothing then.
            rate: of a sound, samples a second.

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, ModelError, SelfCheckError
        """
        medium = medium_of(image)
        options = {"strip": strip, "depth": depth, "lossless": lossless, "rate": rate}
        content = medium.content(image, self.limits, options)
        # Not asked for, it needs no look at a model, which may take no part.
        place = EYE if tune is None else self.tune_for(medium, tune) or EYE
        dials = Quality.of(quality), self.threads, place
        setting = Setting(functools.partial(self.model_for, medium), *dials)
        return medium.encode(content, setting, self.limits, self.effort, progress)

    def decode(self, data: bytes, box: PublicBox | None = None, progress: Progress | None = None) -> NDArray[Any]:
        """The colours of a picture, without its transparency: (H, W, 3) uint8. Of another medium, its samples.

        Arguments:
            data: the bytes of an .isth file.
            box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
            progress: called with (tiles done, tiles in all).

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        _, decoder = self.decoder(data)
        decoded: NDArray[Any] = decoder.decode(box, progress)
        return decoded

    def decode_image(self, data: bytes, box: PublicBox | None = None, progress: Progress | None = None) -> Image.Image:
        """The picture as a Pillow image with its mode, transparency, ICC profile, EXIF and XMP.

        Arguments:
            data: the bytes of an .isth file.
            box: (x, y, width, height) in pixels, to decode only a window and only the tiles that it touches.
            progress: called with (tiles done, tiles in all).

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError,
            InputError: the box is not inside, or the file holds no picture.
        """
        return picture_decoder(self, data).decode_image(box, progress)

    def preview(self, data: bytes, scale: int = 16) -> Image.Image:
        """The picture at 1/16 of its width and height, or 1/8, 1/4 or 1/2, rounded up, like :meth:`decode_image` but
        several to many times quicker.

        It shows the lowest frequencies of every 16x16 block, a little softer than a reduced picture would be.

        Arguments:
            data: the bytes of an .isth file.
            scale: 2, 4, 8 or 16.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError,
            InputError: the file holds no picture, or there is no such scale.
        """
        return picture_decoder(self, data).preview(scale)

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
        medium, parsed = parse(data, self.limits)
        self.decoder_of(medium, parsed).verify(progress)
        return medium.info(parsed)

    def inspect(self, data: bytes) -> Info:
        """Check the structure of a file and report what it says, without loading weights.

        Arguments:
            data: the bytes of an .isth file.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError
        """
        medium, parsed = parse(data, self.limits)
        return medium.info(parsed)

    def decoder(self, data: bytes) -> tuple[Medium, Decoder]:
        """The medium of a file, and what decodes it.

        Arguments:
            data: the bytes of an .isth file.

        Raises:
            NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError
        """
        medium, parsed = parse(data, self.limits)
        return medium, self.decoder_of(medium, parsed)

    def decoder_of(self, medium: Medium, parsed: Any) -> Decoder:
        """What decodes a file that was taken apart already.

        Arguments:
            medium, parsed: as `isthmus.media.parse` returns them.

        Raises:
            UnknownModelError, CorruptError, TooNewError
        """
        return medium.decoder(parsed, self._find_model, self.threads)

    def decode_cut(self, data: bytes) -> tuple[Image.Image, str]:
        """What there is of a picture whose file may end early, as a Pillow image like that of :meth:`decode_image`.

        The first bytes of a tile's payload show all of the tile, coarsely; what follows makes it finer. Nothing
        vouches for a payload without its end, so this is for looking at. Tiles of which nothing is there are grey.

        Arguments:
            data: the first bytes of an .isth file.

        Returns:
            The image; and what is missing, for people, or nothing of a whole file.

        Raises:
            InputError: the file is lossless, has no photo layer, or is none of a picture.
            NotIsthmusError, TruncatedError (the header is not there), CorruptError, TooNewError, UnknownModelError,
            LimitExceededError
        """
        _, decoder, missing = self.decoder_of_cut(data)
        return cast("AnyPictureDecoder", decoder).decode_image(), missing

    def decoder_of_cut(self, data: bytes) -> tuple[Medium, Decoder, str]:
        """The medium of a file that may end early, what decodes it, and what is missing, for people.

        Arguments:
            data: the first bytes of an .isth file.

        Raises:
            InputError, NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError,
            LimitExceededError: as :meth:`decode_cut`.
        """
        head = parse_head(data)
        medium = medium_of_head(head)
        return medium, *medium.decoder_of_cut(head, data, self.limits, self._find_model, self.threads)

    def encode_file(
        self,
        source: str | Path,
        target: str | Path | None = None,
        quality: float = DEFAULT_QUALITY,
        strip: bool = False,
        force: bool = False,
        depth: Depth | None = None,
        tune: TuneLike | None = None,
        lossless: bool = False,
    ) -> Path:
        """Encode a picture file, by default to the same name with the suffix .isth; the new file's path.

        Arguments:
            source: a file of any format that Pillow reads.
            target: the file to write, which appears whole or not at all.
            quality: 0 to 100, continuous.
            strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
            force: replace what is there.
            depth: 8 to reduce deeper samples to 8 bits by rounding; None to refuse them.
            tune: "psnr", "eye", or 0 to 1 between them, as of :meth:`encode`.
            lossless: keep all samples as they are, colours under full transparency too; the quality says nothing then.

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, OutputExistsError, OSError
        """
        source = Path(source)
        target = Path(target) if target is not None else beside(source, SUFFIX)
        with atomic_output(target, force) as stream:
            content = self.open_file(source, {"depth": depth})
            stream.write(self.encode(content, quality, strip, tune=tune, lossless=lossless))
        return target

    def open_file(self, source: Path, options: Options = NONE) -> Content:
        """A file that is to be encoded, opened by its medium.

        Arguments:
            source: a file of any format that a medium reads.
            options: what is asked of that medium, see `isthmus.medium.protocol`.

        Raises:
            InputError, UnsupportedPictureError, LimitExceededError, OSError
        """
        with source.open("rb") as stream:
            if stream.seekable():
                return medium_to_open(source.name, stream).open(source, self.limits, options)
            whole_file = BytesIO(read_capped(stream, self.limits.max_file_bytes, str(source)))
        return medium_to_open(source.name, whole_file).open(whole_file, self.limits, options)

    def decode_file(
        self, source: str | Path, target: str | Path | None = None, force: bool = False, strip: bool = False
    ) -> Path:
        """Decode to a file, of a picture by default to the same name with the suffix .png; the new file's path.

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
        medium, decoder = self.decoder(self.read_file(source))
        target = Path(target) if target is not None else beside(source, medium.default_suffix)
        format_name = medium.format_of(target)
        with atomic_output(target, force) as stream:
            saved = medium.save(decoder, stream, format_name, {"strip": strip})
        for note in saved.notes:
            warnings.warn(f"{target}: {note}", stacklevel=2)
        return target

    def read_file(self, source: str | Path | BinaryIO) -> bytes:
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

    def _find_model(self, wanted: bytes) -> Model:
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


def picture_decoder(codec: Codec, data: bytes) -> AnyPictureDecoder:
    """What decodes a picture, whole, a window or smaller, from a file that is taken apart once.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, UnknownModelError, LimitExceededError,
        InputError: the file holds no picture.
    """
    medium, decoder = codec.decoder(data)
    if medium.id != DEFAULT:
        hint = "`decode` gives its samples."
        raise InputError("what the file holds", expected="a picture", got=f"a {medium.name}", hint=hint)
    return cast("AnyPictureDecoder", decoder)


def is_encoded(name: str) -> bool:
    """Whether a file in a folder is taken for one of ours by its name; hidden ones are not."""
    path = PurePath(name)
    return path.suffix.lower() == SUFFIX and not path.name.startswith(".")
