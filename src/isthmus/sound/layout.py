"""How a sound is divided: frames, bands, blocks and pairs of channels, all by its rate, length and channels."""

from __future__ import annotations

from dataclasses import dataclass

BAND = 16
"""Coefficients of a frame that share a position of the plane of latents, and a level."""
FRAMES = 256
"""Frames in a block: some 6 seconds."""
HIGHEST_HZ = 20_000
"""Nothing is coded above."""
MAX_CHANNELS = 8
LOWEST_RATE, HIGHEST_RATE = 1_000, 192_000
"""Samples a second."""
ANGLE_BORDERS = (0, 2, 4, 8, 14, 24, 38)
"""Bands, in 64ths of those that are coded, from which on a pair of channels has an angle of its own."""


@dataclass(frozen=True)
class Layout:
    """The division of a sound.

    Attributes:
        samples: of each channel.
        rate: of them, a second.
        channels: 1 to 8.
    """

    samples: int
    rate: int
    channels: int

    @property
    def frame(self) -> int:
        """Samples in a frame: 1024 at 44,100 or 48,000 a second, and as many milliseconds at other rates, nearly."""
        length = 64
        while length < 4096 and self.rate > 48_000 * length // 1024:
            length *= 2
        return length

    @property
    def bands(self) -> int:
        """Bands of a frame that are coded, from the lowest."""
        return min(self.frame // BAND, -(-2 * HIGHEST_HZ * self.frame // (self.rate * BAND)))

    @property
    def frames(self) -> int:
        """Frames in all."""
        return -(-self.samples // self.frame)

    @property
    def blocks(self) -> int:
        """Blocks in all."""
        return -(-self.frames // FRAMES)

    @property
    def pairs(self) -> int:
        """Pairs of channels, the last of which may have one channel only."""
        return -(-self.channels // 2)

    def frames_of(self, block: int) -> range:
        """The frames of a block."""
        return range(block * FRAMES, min((block + 1) * FRAMES, self.frames))

    def channels_of(self, pair: int) -> slice:
        """The channels of a pair."""
        return slice(2 * pair, min(2 * pair + 2, self.channels))

    def angle_bands(self) -> list[int]:
        """The bands, seven or at low rates fewer, from which on a pair has an angle of its own."""
        return sorted({border * self.bands // 64 for border in ANGLE_BORDERS})
