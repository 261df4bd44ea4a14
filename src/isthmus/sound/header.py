"""A sound's own fields of the header: packed, parsed and checked. docs/format.md is normative."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from isthmus.bitstream.head import Head, check_range, pack_head
from isthmus.errors import CorruptError
from isthmus.quality import HUNDREDTHS, Quality
from isthmus.sound.layout import FRAMES, HIGHEST_RATE, LOWEST_RATE, MAX_CHANNELS, Layout
from isthmus.sound.limits import SoundLimits

MEDIUM = 2
"""The permanent number of sounds."""
CODER = 1
"""The permanent number, among those of sounds, of the one coder that there is."""
MAX_SAMPLES = 2**40
DEPTHS = {1: "16-bit", 2: "24-bit", 3: "float"}
"""What the samples were, by the number in files."""
DEPTH_NUMBERS = {name: number for number, name in DEPTHS.items()}

_FIELDS = struct.Struct("<QIBBH8sHI")  # samples, rate, channels, depth, quality, model, frames of a block, blocks


@dataclass(frozen=True)
class Header:
    """All that can be said about a sound's file without its weights.

    Attributes:
        layout: length, rate and channels.
        depth: one of `DEPTHS`.
        quality: where the dial stood.
        model_id: 8 bytes, the start of the SHA-256 of the model file.
        frames: of a block.
        coder: permanent number.
    """

    layout: Layout
    depth: str
    quality: Quality
    model_id: bytes
    frames: int = FRAMES
    coder: int = CODER

    @property
    def payloads(self) -> int:
        """How many block chunks the file has: one for each block of each pair of channels."""
        return self.layout.blocks * self.layout.pairs


def pack_header(header: Header) -> bytes:
    """The bytes of a header."""
    layout = header.layout
    fields = _FIELDS.pack(
        layout.samples,
        layout.rate,
        layout.channels,
        DEPTH_NUMBERS[header.depth],
        header.quality.hundredths,
        header.model_id,
        header.frames,
        layout.blocks,
    )
    return pack_head(MEDIUM, header.coder, 0, fields)


def parse_header(head: Head, limits: SoundLimits) -> Header:
    """Check what the header says: medium, coder, features, ranges, limits, in this order.

    Raises:
        CorruptError, TooNewError, LimitExceededError
    """
    head.check_medium((MEDIUM,))
    head.check_coder((CODER,))
    head.check_features(0)
    # More may follow: what a later version adds without a feature bit can be done without.
    check_range("length", head.size, head.size - len(head.fields) + _FIELDS.size, 2**16 - 1)
    samples, rate, channels, depth, quality, model_id, frames, blocks = _FIELDS.unpack_from(head.fields)
    check_range("number of samples", samples, 1, MAX_SAMPLES)
    check_range("rate", rate, LOWEST_RATE, HIGHEST_RATE)
    check_range("number of channels", channels, 1, MAX_CHANNELS)
    check_range("depth", depth, 1, len(DEPTHS))
    check_range("quality", quality, 0, HUNDREDTHS)
    check_range("frames of a block", frames, FRAMES, FRAMES)
    layout = Layout(samples, rate, channels)
    if blocks != layout.blocks:
        raise CorruptError("the number of blocks does not fit the length", expected=layout.blocks, got=blocks)
    limits.check_samples(samples, channels)
    return Header(layout, DEPTHS[depth], Quality(quality), model_id, frames, head.coder)
