"""A picture to the bytes of its file: tiles, transparency, metadata, header."""

from collections.abc import Iterator

from isthmus.bitstream.limits import FileLimits
from isthmus.effort import Effort
from isthmus.image.alpha import encode_alpha
from isthmus.image.coders.table import coder_of
from isthmus.image.container import assemble
from isthmus.image.header import Header
from isthmus.image.metadata import capped
from isthmus.image.picture import Picture
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting


def encode_picture(
    picture: Picture,
    setting: Setting,
    limits: FileLimits,
    effort: Effort = 1,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of an .isth file.

    Arguments:
        picture: what to encode.
        setting: model, which says the coder, quality and threads.
        limits: what the metadata may ask for.
        effort: how hard the coder tries.
        progress: called with (tiles done, tiles in all).

    Raises:
        LimitExceededError: metadata or a payload is too large.
        ModelError: the model is not the coder's, or its networks do not run.
        SelfCheckError: what was encoded does not decode.
    """
    coder = coder_of(setting.model)
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
    metadata = capped(picture.metadata, limits)
    return assemble(
        header, metadata, _alpha_payloads(picture, header), coder.encode_tiles(setting, picture, effort, progress)
    )


def _alpha_payloads(picture: Picture, header: Header) -> Iterator[bytes]:
    if header.has_alpha:
        for index in range(header.grid.count):
            yield encode_alpha(picture.alpha(*header.grid.tile_box(index)))
