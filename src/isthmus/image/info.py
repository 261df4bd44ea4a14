"""What a picture's file says about itself, without its weights."""

from dataclasses import asdict, dataclass
from typing import Any

from isthmus.bitstream.chunks import END, EXIF, ICC, XMP
from isthmus.image.container import ALPHA, TILE, Container
from isthmus.image.modes import restored_mode

PART_NAMES = {ICC: "icc", EXIF: "exif", XMP: "xmp", ALPHA: "alpha", TILE: "latents", END: "end"}
"""What reports call the parts of a file, by chunk type."""


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


def info_of(parsed: Container) -> Info:
    """The report on a file that was taken apart."""
    header = parsed.header
    parts = {"header": parsed.header_bytes}
    for kind, size in parsed.chunk_bytes.items():
        parts[PART_NAMES.get(kind, kind.decode())] = size
    return Info(
        width=header.width,
        height=header.height,
        mode=header.mode,
        restored_mode=restored_mode(header.mode, header.has_alpha),
        quality=header.quality.percent,
        model_id=header.model_id.hex(),
        format_version=parsed.version,
        tile_size=header.tile_size,
        tiles=header.grid.count,
        bytes=parsed.size,
        bpp=8 * parsed.size / (header.width * header.height),
        parts=parts,
    )
