"""A sound that is to be encoded: samples of an array or a file, asked for piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError
from isthmus.medium.protocol import Rate
from isthmus.plain import whole
from isthmus.sound.container import Tags
from isthmus.sound.layout import HIGHEST_RATE, LOWEST_RATE, MAX_CHANNELS, Layout
from isthmus.sound.limits import SoundLimits
from isthmus.sound.mdct import Float64

FULL_SCALE = 32768.0
"""Of a sample of 1, in 16-bit levels."""
_SCALES = {"int16": 1.0, "int32": 2.0**-16, "float32": FULL_SCALE, "float64": FULL_SCALE}
"""Of the types of samples, in 16-bit levels."""
_DEPTHS = {"int16": "16-bit", "int32": "24-bit", "float32": "float", "float64": "float"}


@dataclass(frozen=True)
class Sound:
    """A sound, ready to be encoded.

    Attributes:
        layout: length, rate and channels.
        depth: one of `isthmus.sound.header.DEPTHS`.
        read: read(start, stop) -> samples (stop - start, channels) float64 in 16-bit levels.
        tags: title, artist and so on.
        notes: what was changed when it was opened, a clause each, for people.
    """

    layout: Layout
    depth: str
    read: Callable[[int, int], Float64] = field(repr=False)
    tags: Tags = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """Samples, rate and channels."""
        return {"samples": self.layout.samples, "rate": self.layout.rate, "channels": self.layout.channels}

    def rate(self, size: int) -> Rate:
        """Kilobits a second of so many bytes."""
        return Rate("kbps", kbps(size, self.layout), "kbit/s")

    def stripped(self) -> Sound:
        """Without its tags."""
        return replace(self, tags={})


def kbps(size: int, layout: Layout) -> float:
    """Kilobits a second of a sound in so many bytes."""
    return 8 * size * layout.rate / layout.samples / 1000


def is_sound_like(thing: object) -> bool:
    """Whether it may be samples, by its type and shape alone."""
    if isinstance(thing, Sound):
        return True
    if not isinstance(thing, np.ndarray) or thing.dtype.name not in _SCALES:
        return False
    return thing.ndim == 1 or (thing.ndim == 2 and thing.shape[1] <= MAX_CHANNELS)


def sound_of_array(samples: npt.NDArray[Any], rate: object, limits: SoundLimits) -> Sound:
    """Samples as a sound.

    Args:
        samples: (n,) or (n, 1 to 8): float32 or float64 around -1..1, int16, or int32 of full scale.
        rate: samples a second.
        limits: what it may ask for.

    Raises:
        InputError: there is no rate, or it is out of range; there are no samples, or some are not finite.
        LimitExceededError: there are too many.
    """
    if rate is None:
        raise InputError("samples need a rate", expected="rate=44100, say", got="none")
    columns = samples[:, None] if samples.ndim == 1 else samples
    layout = checked(len(columns), whole(rate, "the rate", "samples a second"), columns.shape[1], limits)
    kind = columns.dtype.name
    if kind.startswith("float") and not np.isfinite(columns).all():
        raise InputError("samples", expected="finite numbers", got="some that are not")
    scale = _SCALES[kind]
    return Sound(layout, _DEPTHS[kind], lambda start, stop: columns[start:stop] * scale)


def checked(samples: int, rate: int, channels: int, limits: SoundLimits) -> Layout:
    """The layout of a sound that can be encoded.

    Raises:
        InputError, LimitExceededError
    """
    if samples < 1 or channels < 1:
        raise InputError("the sound is empty", expected="at least one sample", got=samples)
    if channels > MAX_CHANNELS:
        raise InputError("the sound has too many channels", expected=f"at most {MAX_CHANNELS}", got=channels)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        expected = f"{LOWEST_RATE} to {HIGHEST_RATE} samples a second"
        raise InputError("the rate is out of range", expected=expected, got=rate)
    limits.check_samples(samples, channels)
    return Layout(samples, rate, channels)
