"""What a sound's file says about itself, without its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from isthmus.bitstream.envelope import named_parts
from isthmus.sound.chunks import PART_NAMES
from isthmus.sound.container import Container
from isthmus.sound.layout import FRAMES
from isthmus.sound.source import kbps
from isthmus.text import counted


@dataclass(frozen=True)
class SoundInfo:
    """What a file says about itself, without its weights.

    Attributes:
        samples: of each channel.
        rate: samples a second.
        channels: 1 to 8.
        seconds: of sound.
        depth: of the samples that were encoded: 16-bit, 24-bit or float.
        quality: 0 to 100.
        model_id: 16 hexadecimal digits.
        format_version: of the bitstream.
        blocks, block_seconds: how many there are that decode on their own, and how long they are.
        tags: title, artist and so on.
        bytes: size of the file.
        kbps: kilobits a second.
        parts: bytes on disk by part.
    """

    samples: int
    rate: int
    channels: int
    seconds: float
    depth: str
    quality: float
    model_id: str
    format_version: int
    blocks: int
    block_seconds: float
    tags: dict[str, str]
    bytes: int
    kbps: float
    parts: dict[str, int]

    @property
    def tune(self) -> None:
        """There is no such dial."""

    @property
    def lossless(self) -> bool:
        """Never."""
        return False

    @property
    def facts(self) -> dict[str, Any]:
        """Samples, rate and channels."""
        return {"samples": self.samples, "rate": self.rate, "channels": self.channels}

    @property
    def extent(self) -> str:
        """As in "12.50 s of 2 channels at 44100 Hz"."""
        return extent(self.seconds, self.channels, self.rate)

    def text(self) -> str:
        """All that it says, in lines for people."""
        parts = ", ".join(f"{name} {size}" for name, size in self.parts.items())
        lines = [
            f"{self.extent}, of {self.depth} samples, quality {self.quality:g}",
            f"  model {self.model_id}, format version {self.format_version}, "
            f"{counted(self.blocks, 'block')} of {self.block_seconds:.2f} s",
            f"  {self.bytes} bytes, {self.kbps:.1f} kbit/s: {parts}",
        ]
        if self.tags:
            lines.append("  " + ", ".join(f"{key} {value!r}" for key, value in self.tags.items()))
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """All fields, as JSON knows them."""
        return asdict(self)


def extent(seconds: float, channels: int, rate: int) -> str:
    """How long a sound is, for people."""
    return f"{seconds:.2f} s of {counted(channels, 'channel')} at {rate} Hz"


def info_of(parsed: Container) -> SoundInfo:
    """The report on a file that was taken apart."""
    header, layout = parsed.header, parsed.header.layout
    return SoundInfo(
        samples=layout.samples,
        rate=layout.rate,
        channels=layout.channels,
        seconds=layout.samples / layout.rate,
        depth=header.depth,
        quality=header.quality.percent,
        model_id=header.model_id.hex(),
        format_version=parsed.version,
        blocks=layout.blocks,
        block_seconds=FRAMES * layout.frame / layout.rate,
        tags=dict(parsed.tags),
        bytes=parsed.size,
        kbps=kbps(parsed.size, layout),
        parts=named_parts(parsed.header_bytes, parsed.chunk_bytes, PART_NAMES),
    )
