"""Searches for a value on a dial that only nearly rises: a secant where it is continuous, halving where it has steps.

Neither knows what is turned or measured. Every trial is an encode, so both are written to need few.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """A place on the dial, and what was measured there above the value that is searched for (below zero: under it)."""

    position: float
    over: float


@dataclass(frozen=True)
class ContinuousDial:
    """A dial with no steps but those of rounding.

    Attributes:
        low, high: its ends; what is measured rises from one to the other.
        decimals: positions are rounded to so many decimals.
        slope: how much one more on the dial usually adds to the measure; used until two trials tell.
    """

    low: float
    high: float
    decimals: int
    slope: float

    def rounded(self, position: float) -> float:
        """The nearest position that there is."""
        return round(min(max(position, self.low), self.high), self.decimals)


def secant(
    over: Callable[[float], float], dial: ContinuousDial, first: float, side: int, tolerance: float, most: int
) -> list[Trial]:
    """Every trial in its order, by the secant method kept inside a bracket (regula falsi).

    Args:
        over: what is measured at a position, less the value that is searched for.
        dial: where to search.
        first: the first position.
        side: 1 where a fit is at or above the value, -1 where it is at or below it.
        tolerance: a trial that is no farther than this on its side ends the search.
        most: so many trials end it as well, and so does the end of the dial.
    """
    trials = [Trial(first, over(first))]
    below: Trial | None = None
    above: Trial | None = None
    # The middle of what fits is aimed at, so trials between the value and that count as beyond it.
    aim = side * tolerance / 2
    while len(trials) < most:
        latest = trials[-1]
        if 0 <= side * latest.over <= tolerance:
            break
        if latest.over < aim:
            below = latest if below is None or latest.position > below.position else below
        else:
            above = latest if above is None or latest.position < above.position else above
        if below is not None and above is not None:
            position = _between(below, above, dial, aim)
        else:
            position = _onward(latest, dial, aim, 2.0 ** len(trials))
        if any(abs(position - trial.position) < 10.0**-dial.decimals / 2 for trial in trials):
            break
        trials.append(Trial(position, over(position)))
    return trials


def _onward(known: Trial, dial: ContinuousDial, aim: float, least: float) -> float:
    """Where to try while only one side is known: at least so far on."""
    # Half as far again as the usual slope says: a bracket is worth more than a near miss.
    step = 1.5 * (aim - known.over) / dial.slope
    return dial.rounded(known.position + math.copysign(max(abs(step), least), step))


def _between(below: Trial, above: Trial, dial: ContinuousDial, aim: float) -> float:
    """Where to try between two sides."""
    width = above.position - below.position
    share = (aim - below.over) / (above.over - below.over) if above.over > below.over else 0.5
    # Kept off the ends, so that the bracket shrinks even where the curve bends sharply.
    position = below.position + width * min(max(share, 0.05), 0.95)
    step = 10.0**-dial.decimals
    return round(min(max(position, below.position + step), max(above.position - step, below.position)), dial.decimals)


def halve(is_over: Callable[[int], bool], low: int, high: int) -> int:
    """The last step before a crossing, by bisection: ``low`` is under, ``high`` is over, and neither is tried.

    Where the measure only nearly rises there may be several crossings; one of them is found.
    """
    while high - low > 1:
        middle = (low + high) // 2
        if is_over(middle):
            high = middle
        else:
            low = middle
    return low
