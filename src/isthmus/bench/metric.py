"""What a metric is: a row of `isthmus.bench.metrics.METRICS`, of pictures or of sounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.floating[Any]]
"""Values of one metric, of any shape."""


def _as_it_is(values: Levels) -> Levels:
    return values


@dataclass(frozen=True)
class Metric:
    """One metric, called with an original and what was decoded, both pictures or both sounds.

    Attributes:
        label: over columns and at axes, with its unit.
        name: in sentences.
        measure: the function; it raises ValueError where the shapes differ.
        level: from values to the scale on which curves are compared: it rises with quality.
        words: a level of that scale for people.
        digits: behind the point, in tables.
        lower_is_better: whether the values themselves fall with quality.
        compared: whether BD-rates and plots are made of it.
        absence: why it cannot be measured here; None where it can.
        version: whose figures these are, where that is not this package's own; kept figures of another are not used.
    """

    label: str
    name: str
    measure: Callable[[Any, Any], float]
    level: Callable[[Levels], Levels] = _as_it_is
    words: Callable[[float], str] = "{:.1f}".format
    digits: int = 2
    lower_is_better: bool = False
    compared: bool = True
    absence: Callable[[], str | None] = lambda: None
    version: Callable[[], str] = str

    def __call__(self, original: Any, decoded: Any) -> float:
        """Measure; raises ValueError where the shapes differ."""
        return self.measure(original, decoded)

    def cell(self, value: float) -> str:
        """A value in a table; only what is without loss has none in decibels."""
        if math.isinf(value):
            return "lossless"
        return "-" if math.isnan(value) else f"{value:.{self.digits}f}"
