"""A picture to the bytes of its file: tiles, transparency, metadata, header."""

from collections.abc import Iterator

from isthmus.bitstream.limits import Limits
from isthmus.errors import LimitExceededError
from isthmus.image.alpha import encode_alpha
from isthmus.image.coders.protocol import Coder, Progress, Setting
from isthmus.image.coders.table import check_model
from isthmus.image.container import assemble
from isthmus.image.header import Header
from isthmus.image.info import PART_NAMES
from isthmus.image.picture import Picture
from isthmus.image.srgb import stripped


def encode_picture(
    picture: Picture,
    coder: Coder,
    setting: Setting,
    limits: Limits,
    effort: int = 1,
    strip: bool = False,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of an .isth file.

    Arguments:
        picture: what to encode.
        coder: what turns its tiles into payloads.
        setting: model, quality and threads.
        limits: what the metadata may ask for.
        effort: 1 to the coder's largest.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
        progress: called with (tiles done, tiles in all).

    Raises:
        LimitExceededError: metadata or a payload is too large.
        ModelError: the model is not the coder's, or its networks do not run.
        SelfCheckError: what was encoded does not decode.
    """
    check_model(coder, setting.model)
    if strip:
        picture = stripped(picture)
    header = Header(
        width=picture.width,
        height=picture.height,
        mode=picture.mode,
        quality=setting.quality,
        model_id=setting.model.id,
        tile_size=coder.tile,
        has_alpha=picture.has_alpha,
        coder=coder.id,
    )
    metadata = _capped(picture.metadata, limits)
    return assemble(
        header, metadata, _alpha_payloads(picture, header), coder.encode_tiles(setting, picture, effort, progress)
    )


def _alpha_payloads(picture: Picture, header: Header) -> Iterator[bytes]:
    if header.has_alpha:
        for index in range(header.grid.count):
            yield encode_alpha(picture.alpha(*header.grid.tile_box(index)))


def _capped(metadata: dict[bytes, bytes], limits: Limits) -> dict[bytes, bytes]:
    for kind, block in metadata.items():
        if len(block) > limits.max_metadata_bytes:
            raise LimitExceededError(
                f"the {PART_NAMES[kind]} block is too large",
                expected=f"at most {limits.max_metadata_bytes} bytes",
                got=len(block),
                hint="Leave metadata out with --strip (strip=True).",
            )
    return metadata
