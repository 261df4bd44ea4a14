"""The coders of pictures, each with a permanent number. A coder's room is loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from isthmus.errors import ModelError
from isthmus.image.coders.protocol import MEDIUM, Coder
from isthmus.model.model import Model


@cache
def _separable() -> Coder:
    from isthmus.image.coders.separable.coder import SeparableCoder

    return SeparableCoder()


CODERS: dict[int, Callable[[], Coder]] = {2: _separable}
"""By the number that stands in files and models. Rows are added, never changed: what one wrote is decoded for ever."""

NO_CODER = 0
"""Stands in files in which networks show nothing."""

WITH_TUNE = frozenset({2})
"""Those that have a second dial, whose place stands in the header."""


def coder_with(number: int) -> Coder:
    """The coder with a number that is known."""
    return CODERS[number]()


def coder_of(model: Model) -> Coder:
    """The coder whose networks a model holds: it encodes with that model.

    Raises:
        ModelError: the model is not for pictures, or of no coder that is known here, or its arrays are not the coder's.
    """
    if model.medium != MEDIUM or model.coder not in CODERS:
        raise ModelError(
            f"model {model.name} cannot code pictures",
            expected=f"medium {MEDIUM}, coder {' or '.join(map(str, CODERS))}",
            got=f"medium {model.medium}, coder {model.coder}",
            hint="Update isthmus, if it is for pictures.",
        )
    coder = coder_with(model.coder)
    coder.check_model(model)
    return coder
