"""A place on the quality dial, in each of the units that it is spoken of in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError
from isthmus.plain import number

HUNDREDTHS = 10_000
"""The dial's end in hundredths, the unit of files."""


@dataclass(frozen=True, order=True)
class Quality:
    """A place on the dial, as exact as a file keeps it.

    Attributes:
        hundredths: 0 to 10000.

    Example:
        >>> Quality.of(33.337)
        Quality(hundredths=3334)
        >>> Quality(3334).percent
        33.34
    """

    hundredths: int

    @classmethod
    def of(cls, percent: float) -> Quality:
        """The nearest place to 0 to 100, the unit of people.

        Raises:
            InputError: it is outside, or no number.
        """
        # Plain first: a uint8 of 60 times 100 is 112.
        plain = number(percent, "the quality", "0 to 100")
        if not 0 <= plain <= 100:
            raise InputError("the quality", expected="0 to 100", got=percent)
        return cls(round(plain * 100))

    @property
    def percent(self) -> float:
        """0 to 100, the unit of people."""
        return self.hundredths / 100

    @property
    def share(self) -> float:
        """0 to 1, the unit of training."""
        return self.hundredths / HUNDREDTHS

    def between(self, points: int) -> tuple[int, int]:
        """Where it lies between the quality points at which a model keeps its numbers: steps, biases.

        Args:
            points: at least 2, evenly spaced over the dial.

        Returns:
            index of the point below, 0..points - 2, and the share of the next one in units of 1/10000, both exact.
        """
        position = self.hundredths * (points - 1)
        index = min(position // HUNDREDTHS, points - 2)
        return index, position - index * HUNDREDTHS

    def weights(self, points: int) -> npt.NDArray[np.float32]:
        """(points,) float32: how much each of the quality points counts, by linear interpolation between them."""
        index, share = self.between(points)
        weights = np.zeros(points, np.float32)
        weights[index : index + 2] = (HUNDREDTHS - share) / HUNDREDTHS, share / HUNDREDTHS
        return weights
