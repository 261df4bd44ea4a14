"""What a file or a picture may ask for before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.bitstream.limits import FileLimits


@dataclass(frozen=True)
class _PixelLimit:
    """A base of its own, so that this limit comes first where they are given by their order."""

    max_pixels: int = 16384**2


@dataclass(frozen=True)
class Limits(FileLimits, _PixelLimit):
    """What a file may ask for before anything is allocated; raise a limit for files you trust.

    Attributes:
        max_pixels: width times height. 16384 squared, the default of libavif.
        max_file_bytes: size of one compressed file.
        max_metadata_bytes: size of one uncompressed ICC, EXIF or XMP block; real ones stay below 4 MiB.
    """

    @classmethod
    def of(cls, limits: FileLimits) -> Limits:
        """These limits, with the usual one on pixels where they say nothing of it."""
        if isinstance(limits, cls):
            return limits
        return cls(max_file_bytes=limits.max_file_bytes, max_metadata_bytes=limits.max_metadata_bytes)
