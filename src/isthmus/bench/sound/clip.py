"""A clip: what the bench measures sounds on, in memory, and what came back laid on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError
from isthmus.sound.files import open_sound
from isthmus.sound.limits import SoundLimits
from isthmus.sound.source import FULL_SCALE

Samples = npt.NDArray[np.float32]
"""(n, channels), around -1..1."""

MAX_CHANNELS = 2
"""Of a clip: what rivals do with more differs from one to the next."""
MAX_DELAY = 8192
"""Samples by which a decoder may be late or early."""


@dataclass(frozen=True)
class Clip:
    """A sound, or a part of one.

    Attributes:
        samples: (n, 1 or 2) float32 around -1..1.
        rate: samples a second.
    """

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    @property
    def digest(self) -> str:
        """The SHA-256 of its rate, shape and samples, in hex: its identity, whatever its file."""
        hasher = hashlib.sha256(repr((self.rate, self.samples.shape)).encode())
        hasher.update(np.ascontiguousarray(self.samples).tobytes())
        return hasher.hexdigest()

    def first(self, seconds: float) -> Clip:
        """Its beginning, or all of it."""
        return replace(self, samples=self.samples[: round(seconds * self.rate)])

    def middle(self, seconds: float) -> Clip:
        """Its middle, or all of it."""
        count = min(len(self.samples), round(seconds * self.rate))
        start = (len(self.samples) - count) // 2
        return replace(self, samples=self.samples[start : start + count])

    def at(self, rate: int) -> Clip:
        """The same sound at so many samples a second."""
        if rate == self.rate:
            return self
        from scipy.signal import resample_poly

        ratio = Fraction(rate, self.rate)
        samples = resample_poly(self.samples, ratio.numerator, ratio.denominator)
        return Clip(np.asarray(samples, np.float32), rate)


def load_clip(path: Path) -> Clip:
    """A sound file, all of it.

    Raises:
        InputError: it is no sound, or has more than two channels.
        MissingExtraError: what reads sounds is not installed.
        LimitExceededError, OSError
    """
    sound = open_sound(path, SoundLimits())
    layout = sound.layout
    if layout.channels > MAX_CHANNELS:
        raise InputError(f"{path.name} has too many channels to compare", expected="one or two", got=layout.channels)
    return Clip((sound.read(0, layout.samples) / FULL_SCALE).astype(np.float32), layout.rate)


def laid_on(original: Clip, decoded: Clip) -> Clip:
    """What came back, at the rate of the original, moved to where it is most like it, and as long.

    Decoders begin early or late, each by a number of samples of its own that not every file tells.
    """
    wanted, found = original.samples, decoded.at(original.rate).samples
    size = 2 * max(len(wanted), len(found))
    spectra = [np.fft.rfft(one.sum(1, dtype=np.float64), size) for one in (wanted, found)]
    likeness = np.fft.irfft(spectra[0].conj() * spectra[1], size)
    reach = min(MAX_DELAY, size // 2)
    lag = int(np.argmax(np.roll(likeness, reach)[: 2 * reach])) - reach
    moved = found[lag:] if lag >= 0 else np.pad(found, ((-lag, 0), (0, 0)))
    missing = max(0, len(wanted) - len(moved))
    return Clip(np.pad(moved, ((0, missing), (0, 0)))[: len(wanted)], original.rate)
