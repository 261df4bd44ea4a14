"""How large a picture may be."""

from isthmus.errors import LimitExceededError
from isthmus.image.limits import Limits

MAX_SIDE = 2**24
"""So that tile offsets and row bytes stay far below 2**31 in every library under us."""


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raise :class:`LimitExceededError` if the picture is larger than the format or the limits allow."""
    if max(width, height) > MAX_SIDE:
        raise LimitExceededError(
            "the picture is too long", expected=f"at most {MAX_SIDE} pixels a side", got=f"{width}x{height}"
        )
    if width * height > limits.max_pixels:
        raise LimitExceededError(
            "the picture is too large",
            expected=f"at most {limits.max_pixels} pixels",
            got=f"{width}x{height} = {width * height}",
            hint="Raise the limit (--max-pixels, Limits.max_pixels) if the file is trusted.",
        )
