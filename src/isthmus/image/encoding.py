"""A picture to the bytes of its file: tiles, transparency, metadata, header."""

from collections.abc import Iterator

from isthmus.bitstream.limits import FileLimits
from isthmus.effort import Effort
from isthmus.image.alpha import encode_alpha
from isthmus.image.coders.table import NO_CODER, WITH_TUNE, coder_of
from isthmus.image.container import assemble
from isthmus.image.grid import TILE
from isthmus.image.header import NO_MODEL, Header
from isthmus.image.layering import Layered, all_sharp, layers_of
from isthmus.image.metadata import capped
from isthmus.image.picture import Picture
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.quality import Quality
from isthmus.tune import Tune


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
        MissingExtraError: the sharp layer is asked for, and Pillow cannot code it.
    """
    metadata = capped(picture.metadata, limits)
    layered = _layered(picture, setting, effort, progress)
    if layered.photo is None and layered.sharp is not None:
        # No network shows anything, so no model is needed, and payloads of the photo layer are empty.
        header = _header(picture, setting.quality, NO_MODEL, TILE, NO_CODER, sharp=True)
        return assemble(
            header, metadata, _alpha_payloads(picture, header), [b""] * header.grid.count, sharp=layered.sharp
        )
    coder = coder_of(setting.model)
    sharp = layered.sharp is not None
    tune = setting.tune if coder.id in WITH_TUNE else None
    header = _header(picture, setting.quality, setting.model.id, coder.tile, coder.id, sharp, tune)
    photo = coder.encode_tiles(setting, picture, effort, progress) if layered.photo is None else layered.photo
    return assemble(header, metadata, _alpha_payloads(picture, header), photo, sharp=layered.sharp or ())


def _layered(picture: Picture, setting: Setting, effort: Effort, progress: Progress | None) -> Layered:
    """The picture in the layers that somebody wants; the photo layer alone may be still to be coded."""
    if picture.layers == "photo":
        return Layered(None, None)
    if picture.layers == "sharp":
        return all_sharp(picture, setting.quality, effort, progress)
    return layers_of(picture, lambda: coder_of(setting.model), setting, effort, progress)


def _header(
    picture: Picture,
    quality: Quality,
    model_id: bytes,
    tile: int,
    coder: int,
    sharp: bool,
    tune: Tune | None = None,
) -> Header:
    return Header(
        width=picture.width,
        height=picture.height,
        mode=picture.mode,
        quality=quality,
        model_id=model_id,
        tile_size=tile,
        has_alpha=picture.has_alpha,
        coder=coder,
        sharp=sharp,
        tune=tune,
    )


def _alpha_payloads(picture: Picture, header: Header) -> Iterator[bytes]:
    if header.has_alpha:
        for index in range(header.grid.count):
            yield encode_alpha(picture.alpha(*header.grid.tile_box(index)))
