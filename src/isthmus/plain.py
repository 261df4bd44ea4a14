"""Arguments made plain Python numbers where they enter: NumPy's wrap around, and JSON knows none of them.

So that whatever is computed with them afterwards is exact, and what is refused is refused in words.
"""

from __future__ import annotations

import json
import math
from typing import Any

from isthmus.errors import InputError


def number(value: object, what: str, expected: str = "a number") -> float:
    """A real number as a float: Python's, NumPy's of every width, fractions and decimals.

    Args:
        value: what was given.
        what: what it is, for the message.
        expected: what it should be, for the message.

    Raises:
        InputError: it is no number, or NaN: text, true and false, None, an array.
    """
    # Text has a float too; and NumPy takes an array of one element for a number, but not for long.
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    is_text = isinstance(value, (str, bytes, bytearray))
    if not is_text and not isinstance(value, bool) and kind in "iuf" and getattr(value, "ndim", 0) == 0:
        try:
            plain = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            pass
        else:
            if not math.isnan(plain):
                return plain
    raise InputError(what, expected=expected, got=_shown(value))


def whole(value: object, what: str, expected: str = "a whole number") -> int:
    """A whole number as an int, also one that is kept as 3.0.

    Args and errors are those of `number`; a fraction or an infinity is an error too.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    plain = number(value, what, expected)
    if not plain.is_integer():
        raise InputError(what, expected=expected, got=_shown(value))
    exact: Any = value
    return int(exact)


def for_json(value: Any) -> Any:
    """A value as JSON has it: dictionaries, lists and plain numbers; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): for_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_json(item) for item in value]
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return for_json(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: Any, **options: Any) -> str:
    """A value as JSON that every reader takes: NaN and the infinities, which JSON has no words for, are null.

    Args:
        value: see `for_json`.
        options: of `json.dumps`.
    """
    return json.dumps(for_json(value), allow_nan=False, **options)


def _shown(value: object) -> str:
    """A value in a message: numbers as they are written, all else as Python writes it."""
    return str(value) if isinstance(value, (int, float)) or hasattr(value, "dtype") else repr(value)
