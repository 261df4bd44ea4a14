"""What a picture's file says about itself, without its weights."""

from dataclasses import asdict, dataclass
from typing import Any

from isthmus.image.chunks import PART_NAMES
from isthmus.image.container import Container
from isthmus.text import counted


@dataclass(frozen=True)
class Info:
    """What a file says about itself, without its weights.

    Attributes:
        width, height: pixels.
        mode: Pillow's name of the mode of the picture that was encoded.
        restored_mode: the mode it decodes to.
        lossless: whether it holds the samples themselves.
        sharp: share of the picture that the sharp layer shows, 0 to 1.
        quality: 0 to 100; of a lossless file 100.
        model_id: 16 hexadecimal digits; zeros in files that need no model, lossless ones or such as are sharp all over.
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
    lossless: bool
    sharp: float
    quality: float
    model_id: str
    format_version: int
    tile_size: int
    tiles: int
    bytes: int
    bpp: float
    parts: dict[str, int]

    @property
    def facts(self) -> dict[str, Any]:
        """Width and height."""
        return {"width": self.width, "height": self.height}

    @property
    def extent(self) -> str:
        """As in "640x480", and whether it is lossless."""
        return f"{self.width}x{self.height}{', lossless' if self.lossless else ''}"

    @property
    def layers(self) -> str:
        """As in "63 % in the sharp layer"; empty where networks show all."""
        return f"{100 * self.sharp:.0f} % in the sharp layer" if self.sharp else ""

    def text(self) -> str:
        """All that it says, in lines for people."""
        parts = ", ".join(f"{name} {size}" for name, size in self.parts.items())
        mode, model = f"mode {self.mode}", ""
        if not self.lossless:
            mode += f" (decodes to {self.restored_mode}), quality {self.quality:g}"
        if not self.lossless and self.sharp < 1:
            model = f"model {self.model_id}, "
        if self.layers:
            mode += f", {self.layers}"
        return (
            f"{self.extent}, {mode}\n"
            f"  {model}format version {self.format_version}, "
            f"{counted(self.tiles, 'tile')} of {self.tile_size} pixels\n"
            f"  {self.bytes} bytes, {self.bpp:.3f} bits per pixel: {parts}"
        )

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
        restored_mode=header.restored_mode,
        lossless=header.lossless,
        sharp=_sharp_share(parsed) if header.sharp else 0.0,
        quality=header.quality.percent,
        model_id=header.model_id.hex(),
        format_version=parsed.version,
        tile_size=header.tile_size,
        tiles=header.grid.count,
        bytes=parsed.size,
        bpp=8 * parsed.size / (header.width * header.height),
        parts=parts,
    )


def _sharp_share(parsed: Container) -> float:
    # Its decoders take longer to load than the report on any other file takes in all.
    from isthmus.image.sharp_layer import SharpLayer

    return SharpLayer(parsed.sharp, parsed.header.grid).share
