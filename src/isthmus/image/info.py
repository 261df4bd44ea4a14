"""What a picture's file says about itself, without its weights."""

from dataclasses import asdict, dataclass
from typing import Any

from isthmus.bitstream.envelope import named_parts
from isthmus.image.chunks import PART_NAMES
from isthmus.image.container import Container
from isthmus.text import counted
from isthmus.tune import Tune


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
        tune: 0 (the least squared error) to 1 (for the eye); None of coders that have no such dial.
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
    tune: float | None = None

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
        if self.tune is not None:
            mode += f", tune {Tune.of(self.tune).text}"
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
    return Info(
        width=header.width,
        height=header.height,
        mode=header.mode,
        restored_mode=header.restored_mode,
        lossless=header.lossless,
        sharp=_sharp(parsed),
        quality=header.quality.percent,
        model_id=header.model_id.hex(),
        format_version=parsed.version,
        tile_size=header.tile_size,
        tiles=header.grid.count,
        bytes=parsed.size,
        bpp=8 * parsed.size / (header.width * header.height),
        parts=named_parts(parsed.header_bytes, parsed.chunk_bytes, PART_NAMES),
        tune=None if header.tune is None else header.tune.share,
    )


def _sharp(parsed: Container) -> float:
    """The share of the picture that the sharp layer shows; raises CorruptError if a payload does not say where."""
    if not parsed.header.sharp:
        return 0.0
    # What decodes it loads Pillow, which other files need not wait for.
    from isthmus.image.sharp_layer import SharpLayer

    return SharpLayer(parsed.sharp, parsed.header.grid).share
