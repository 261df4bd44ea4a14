"""How hard an encoder tries."""

from typing import Literal, cast, get_args

from isthmus.errors import InputError
from isthmus.plain import whole

Effort = Literal[1, 2, 3, 4]
"""Of encoding: the higher, the slower, and the smaller are files at the same likeness."""
MAX_EFFORT: int = max(get_args(Effort))


def effort_of(value: object) -> Effort:
    """An effort that is one.

    Raises:
        InputError: there is no such effort.
    """
    expected = f"1 to {MAX_EFFORT}"
    plain = whole(value, "the effort", expected)
    if not 1 <= plain <= MAX_EFFORT:
        raise InputError("the effort", expected=expected, got=value)
    return cast(Effort, plain)
