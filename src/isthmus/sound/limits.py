"""What a sound may ask for before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.bitstream.limits import FileLimits
from isthmus.errors import LimitExceededError


@dataclass(frozen=True)
class SoundLimits(FileLimits):
    """What a file or a sound may ask for; raise a limit for files you trust.

    Attributes:
        max_samples: of all channels together; by default those of six hours of stereo.
        max_file_bytes: size of one compressed file.
        max_metadata_bytes: size of the uncompressed tags.
    """

    max_samples: int = 2**31

    @classmethod
    def of(cls, limits: FileLimits) -> SoundLimits:
        """These limits, with the usual one on samples where they say nothing of it."""
        if isinstance(limits, cls):
            return limits
        return cls(max_file_bytes=limits.max_file_bytes, max_metadata_bytes=limits.max_metadata_bytes)

    def check_samples(self, samples: int, channels: int) -> None:
        """Raise LimitExceededError if there are more samples than allowed."""
        if samples * channels > self.max_samples:
            raise LimitExceededError(
                "the sound is too long",
                expected=f"at most {self.max_samples} samples of all channels",
                got=samples * channels,
                hint="Encode it in parts.",
            )
