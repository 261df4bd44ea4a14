"""A picture's own fields of the header: packed, parsed and checked. docs/format.md is normative."""

import struct
from dataclasses import dataclass

from isthmus.bitstream.head import Head, check_range, pack_head
from isthmus.errors import CorruptError, LimitExceededError
from isthmus.image.coders.protocol import MEDIUM
from isthmus.image.coders.table import CODERS, NO_CODER, WITH_TUNE
from isthmus.image.grid import Grid
from isthmus.image.limits import Limits
from isthmus.image.modes import (
    ALPHA_MODES,
    ALPHA_OPTIONAL_MODES,
    MODE_NUMBERS,
    MODES,
    PALETTE_MODES,
    SAMPLES,
    restored_mode,
)
from isthmus.image.size import MAX_SIDE, check_pixels
from isthmus.quality import HUNDREDTHS, Quality
from isthmus.tune import WHOLE, Tune

COLOUR_CHANNELS = 3
FEATURE_ALPHA = 1 << 0
FEATURE_LOSSLESS = 1 << 1
FEATURE_SHARP = 1 << 2
KNOWN_FEATURES = FEATURE_ALPHA | FEATURE_LOSSLESS | FEATURE_SHARP
NO_MODEL = bytes(8)
"""The model id of a file in which networks show nothing."""

_FIELDS = struct.Struct("<IIBBH8sHI")  # width, height, channels, mode, quality, model, tile, tiles
_TUNE = struct.Struct("<B")
"""Behind the fields, of coders that have a second dial."""


@dataclass(frozen=True)
class Header:
    """All that can be said about a picture's file without its weights.

    Attributes:
        width, height: pixels.
        mode: Pillow's name of the mode of the picture that was encoded.
        quality: where the dial stood.
        model_id: 8 bytes, the start of the SHA-256 of the model file.
        tile_size: side of a tile in pixels.
        has_alpha: whether the picture has transparency; the mode says whether it must.
        lossless: whether the file holds the samples themselves, and no model is needed; then the quality is 100.
        sharp: whether there is a sharp layer.
        coder: permanent number of the coder of its tiles, see :mod:`isthmus.image.coders`; 0 where networks show
            nothing.
        tune: where the second dial stood; None of coders that have none.
    """

    width: int
    height: int
    mode: str
    quality: Quality
    model_id: bytes
    tile_size: int
    has_alpha: bool = False
    coder: int = NO_CODER
    tune: Tune | None = None
    lossless: bool = False
    sharp: bool = False

    @property
    def grid(self) -> Grid:
        """How the picture splits into tiles."""
        return Grid(self.width, self.height, self.tile_size)

    @property
    def restored_mode(self) -> str:
        """The mode of the decoded picture."""
        return self.mode if self.lossless else restored_mode(self.mode, self.has_alpha)

    @property
    def preview_mode(self) -> str:
        """The mode of the preview: that of the decoded picture, but where means of samples say nothing."""
        of_palette = "RGBA" if self.has_alpha else "RGB"
        other = {"P": of_palette, "PA": of_palette, "1": "L", "HSV": "RGB"} if self.lossless else {}
        return other.get(self.restored_mode, self.restored_mode)

    @property
    def palette_mode(self) -> str | None:
        """What an entry of the palette holds, RGB or RGBA; None where the file has no palette."""
        if not self.lossless or self.mode not in PALETTE_MODES:
            return None
        return "RGBA" if self.mode == "P" and self.has_alpha else "RGB"

    @property
    def channels(self) -> int:
        """Channels or samples that are coded for each pixel."""
        return SAMPLES[self.mode] if self.lossless else COLOUR_CHANNELS


def pack_header(header: Header) -> bytes:
    """The bytes of a header: 47 for coders with two dials, 46 for others."""
    fields = _FIELDS.pack(
        header.width,
        header.height,
        header.channels,
        MODE_NUMBERS[header.mode],
        header.quality.hundredths,
        header.model_id,
        header.tile_size,
        header.grid.count,
    )
    features = FEATURE_ALPHA * header.has_alpha | FEATURE_LOSSLESS * header.lossless | FEATURE_SHARP * header.sharp
    if header.tune is not None:
        fields += _TUNE.pack(header.tune.hundredths)
    return pack_head(MEDIUM, header.coder, features, fields)


def parse_header(head: Head, limits: Limits) -> Header:
    """Check what the header says: medium, coder, features, ranges, limits, in this order.

    Raises:
        CorruptError, TooNewError, LimitExceededError
    """
    head.check_medium((MEDIUM,))
    head.check_coder((NO_CODER, *CODERS))
    head.check_features(KNOWN_FEATURES)
    # More may follow: what a later version adds without a feature bit can be done without.
    has_tune = head.coder in WITH_TUNE
    needed = _FIELDS.size + (_TUNE.size if has_tune else 0)
    check_range("length", head.size, head.size - len(head.fields) + needed, 2**16 - 1)
    width, height, channels, mode, quality, model_id, tile_size, tile_count = _FIELDS.unpack_from(head.fields)
    check_range("width", width, 1, MAX_SIDE)
    check_range("height", height, 1, MAX_SIDE)
    check_range("mode", mode, 0, max(MODES))
    check_range("quality", quality, 0, HUNDREDTHS)
    check_range("tile size", tile_size, 1, 2**16 - 1)
    tune = None
    if has_tune:
        (place,) = _TUNE.unpack_from(head.fields, _FIELDS.size)
        check_range("tune", place, 0, WHOLE)
        tune = Tune(place)
    has_alpha, lossless, sharp = (
        bool(head.features & feature) for feature in (FEATURE_ALPHA, FEATURE_LOSSLESS, FEATURE_SHARP)
    )
    told = MODES[mode], Quality(quality), model_id, tile_size, has_alpha, head.coder, tune, lossless, sharp
    header = Header(width, height, *told)
    check_range("channels", channels, header.channels, header.channels)
    if lossless and (quality != HUNDREDTHS or head.coder != NO_CODER):
        expected, got = f"quality 100, coder {NO_CODER}", f"quality {quality / 100:g}, coder {head.coder}"
        raise CorruptError("a lossless file has neither quality nor coder", expected=expected, got=got)
    if lossless and sharp:
        raise CorruptError("a lossless file has no layers", expected="one of two feature bits", got="both")
    if head.coder == NO_CODER and (model_id != NO_MODEL or not (lossless or sharp)):
        expected = f"model {NO_MODEL.hex()}, and samples or a sharp layer"
        raise CorruptError("a file without a coder", expected=expected, got=f"model {model_id.hex()}")
    if has_alpha != (header.mode in ALPHA_MODES) and header.mode not in ALPHA_OPTIONAL_MODES:
        expected = "the alpha bit" if header.mode in ALPHA_MODES else "no alpha bit"
        raise CorruptError(f"the mode {header.mode} and the alpha bit contradict each other", expected=expected)
    if tile_count != header.grid.count:
        raise CorruptError("the tile count does not fit the size", expected=header.grid.count, got=tile_count)
    check_pixels(width, height, limits)
    # Each costs memory before any is decoded; real tiles have a million pixels, and 256 are one latent.
    if tile_count > max(1, limits.max_pixels // 256):
        raise LimitExceededError("the picture has too many tiles", expected=limits.max_pixels // 256, got=tile_count)
    return header
