"""Pictures as a medium: what the facade, folders and the command line ask of any."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from isthmus.bitstream.head import Head
from isthmus.bitstream.limits import FileLimits
from isthmus.effort import Effort
from isthmus.errors import InputError
from isthmus.image.coders.protocol import MEDIUM
from isthmus.image.container import Container, parse_behind, parse_cut
from isthmus.image.info import Info, info_of
from isthmus.image.limits import Limits
from isthmus.medium.protocol import NONE, FindModel, Options, Progress, Saved, refuse_options
from isthmus.medium.setting import Setting
from isthmus.model.model import Model

if TYPE_CHECKING:
    from isthmus.image.decoding import PictureDecoder
    from isthmus.image.lossless import LosslessDecoder
    from isthmus.image.picture import Picture, PictureLike

# What opens, encodes and decodes is imported where it is needed: `isthmus info` needs none of it.

AnyPictureDecoder: TypeAlias = "PictureDecoder | LosslessDecoder"

ENCODING_OPTIONS = ("strip", "max_side", "depth", "lossless", "layers")
RESTORING_OPTIONS = ("crop", "scale", "max_side", "to_quality", "strip")


class PictureMedium:
    """Pictures; see `isthmus.medium.protocol.Medium`.

    Options of encoding: `strip`, to leave ICC, EXIF and XMP out, `max_side`, to reduce larger pictures to so many
    pixels, `depth`, 8 to take deeper samples, `lossless`, and `layers`, "auto", "photo" or "sharp". Of restoring: the
    first two, `crop` (x, y, width, height), `scale` (2, 4, 8 or 16, for a smaller picture), and `to_quality`.
    """

    id = MEDIUM
    name = "picture"
    default_model = "best"
    default_suffix = ".png"

    def suffixes(self) -> Collection[str]:
        from PIL import Image

        return Image.registered_extensions()

    def is_source(self, suffix: str) -> bool:
        from isthmus.image.names import is_picture_suffix

        return is_picture_suffix(suffix)

    def why_unread(self, suffix: str) -> str:
        from isthmus.image.names import why_unread

        return why_unread(suffix)

    def recognises(self, front: bytes) -> bool:
        return False  # Pillow's readers say so one by one, when the file is opened.

    def takes(self, thing: object) -> bool:
        from isthmus.image.picture import is_picture_like

        return is_picture_like(thing)

    def content(self, thing: PictureLike | Picture, limits: FileLimits, options: Options = NONE) -> Picture:
        from isthmus.image.picture import as_picture

        refuse_options(options, ENCODING_OPTIONS, self.name)
        return _prepared(as_picture(thing, Limits.of(limits), depth=options.get("depth")), options)

    def open(self, source: Path | BinaryIO, limits: FileLimits, options: Options = NONE) -> Picture:
        from isthmus.image.files import open_picture

        refuse_options(options, ENCODING_OPTIONS, self.name)
        return _prepared(open_picture(source, Limits.of(limits), options.get("depth")), options)

    def facts_of(self, stream: BinaryIO, limits: FileLimits) -> dict[str, Any]:
        from isthmus.image.files import picture_size

        width, height = picture_size(stream, Limits.of(limits))
        return {"width": width, "height": height}

    def encode(
        self,
        content: Picture,
        setting: Setting,
        limits: FileLimits,
        effort: Effort = 1,
        progress: Progress | None = None,
    ) -> bytes:
        from isthmus.image.encoding import encode_picture
        from isthmus.image.lossless import encode_lossless

        if content.lossless:
            return encode_lossless(content, limits, effort, setting.threads, progress)
        return encode_picture(content, setting, limits, effort, progress)

    def check_model(self, model: Model) -> None:
        from isthmus.image.coders.table import coder_of

        coder_of(model)

    def has_tune(self, model: Model) -> bool:
        from isthmus.image.coders.table import WITH_TUNE

        return model.coder in WITH_TUNE

    def parse(self, head: Head, data: bytes, limits: FileLimits) -> Container:
        return parse_behind(head, data, Limits.of(limits))

    def info(self, parsed: Container) -> Info:
        return info_of(parsed)

    def decoder(self, parsed: Container, find_model: FindModel, threads: int | None) -> AnyPictureDecoder:
        from isthmus.image.decoding import PictureDecoder, check_decodable
        from isthmus.image.lossless import LosslessDecoder

        if parsed.header.lossless:
            return LosslessDecoder(parsed, threads)
        check_decodable(parsed)
        return PictureDecoder(parsed, find_model, threads)

    def decoder_of_cut(
        self, head: Head, data: bytes, limits: FileLimits, find_model: FindModel, threads: int | None
    ) -> tuple[AnyPictureDecoder, str]:
        parsed = parse_cut(head, data, Limits.of(limits))
        return self.decoder(parsed, find_model, threads), parsed.missing

    def format_of(self, name: Path) -> str:
        from isthmus.image.files import format_of

        return format_of(name)

    def has_quality(self, format_name: str) -> bool:
        from isthmus.image.saving import WITH_QUALITY

        return format_name in WITH_QUALITY

    def save(
        self,
        decoder: AnyPictureDecoder,
        stream: BinaryIO,
        format_name: str,
        options: Options,
        progress: Progress | None = None,
    ) -> Saved:
        from isthmus.image.reduction import reduced
        from isthmus.image.saving import write_picture

        refuse_options(options, RESTORING_OPTIONS, self.name)
        scale, crop = options.get("scale"), options.get("crop")
        image = decoder.decode_image(crop, progress) if scale is None else decoder.preview(scale)
        if options.get("max_side") is not None:
            image = reduced(image, options["max_side"])
        notes = write_picture(image, stream, format_name, options.get("to_quality"), bool(options.get("strip")))
        facts: dict[str, Any] = {"width": image.width, "height": image.height, "mode": image.mode}
        return Saved(f"{image.width}x{image.height} {image.mode}", facts, notes)

    def may_be_source(self, stream: BinaryIO, info: Info, options: Options, limits: FileLimits) -> bool:
        from isthmus.image.files import picture_size

        size = _reduced(picture_size(stream, Limits.of(limits)), options)
        # Stored on its side, perhaps, and encoded upright.
        return sorted(size) == sorted((info.width, info.height))

    def may_be_restored(self, stream: BinaryIO, info: Info, options: Options, limits: FileLimits) -> bool:
        from isthmus.image.files import picture_size

        wanted = _reduced((info.width, info.height), options)
        try:
            return picture_size(stream, Limits.of(limits), whole=True) == wanted
        except InputError:
            return False


def _prepared(picture: Picture, options: Options) -> Picture:
    from isthmus.image.lossless import as_lossless
    from isthmus.image.picture import in_layers
    from isthmus.image.reduction import reduced_picture
    from isthmus.image.srgb import stripped

    if options.get("strip"):
        picture = stripped(picture)
    max_side = options.get("max_side")
    if max_side is not None:
        picture = reduced_picture(picture, max_side)
    if options.get("layers") is not None:
        picture = in_layers(picture, options["layers"])
    return as_lossless(picture) if options.get("lossless") else picture


def _reduced(size: tuple[int, int], options: Options) -> tuple[int, int]:
    from isthmus.image.reduction import reduced_size

    max_side = options.get("max_side")
    return size if max_side is None else reduced_size(*size, max_side)
