"""A place on the dial of tune: between the least squared error and what eyes see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isthmus.errors import InputError
from isthmus.plain import number

WHOLE = 100
"""The dial's end in hundredths, the unit of files."""
NAMES = {"psnr": 0, "eye": WHOLE}
"""Its two ends, in hundredths."""


@dataclass(frozen=True, order=True)
class Tune:
    """A place on the dial, as exact as a file keeps it.

    Attributes:
        hundredths: 0 (the least squared error) to 100 (for the eye).

    Example:
        >>> Tune.of("eye")
        Tune(hundredths=100)
        >>> Tune.of(0.5).text
        '0.5'
    """

    hundredths: int = WHOLE

    @classmethod
    def of(cls, value: object) -> Tune:
        """The place that a name stands for, or the nearest one to a number from 0 to 1; a place is itself.

        Raises:
            InputError: it is none of these.
        """
        if isinstance(value, Tune):
            return value
        expected = f"{' or '.join(NAMES)}, or a number from 0 to 1"
        if isinstance(value, str) and value in NAMES:
            return cls(NAMES[value])
        plain = number(value, "the tune", expected)
        if not 0 <= plain <= 1:
            raise InputError("the tune", expected=expected, got=value)
        return cls(round(plain * WHOLE))

    @classmethod
    def parse(cls, text: str) -> Tune:
        """The place that a word of a command line or an address stands for; raises as `of`."""
        try:
            return cls.of(float(text))
        except ValueError:
            return cls.of(text)

    @property
    def share(self) -> float:
        """0 to 1, the unit of training."""
        return self.hundredths / WHOLE

    @property
    def text(self) -> str:
        """For people: a name, or a number."""
        return next((name for name, place in NAMES.items() if place == self.hundredths), f"{self.share:g}")


EYE = Tune()
"""The default."""
PSNR = Tune(0)
"""The dial's other end."""
TuneLike = Literal["psnr", "eye"] | float | Tune
"""What `Tune.of` takes."""
