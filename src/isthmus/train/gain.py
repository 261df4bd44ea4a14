"""From how many pictures on a tuned model makes up for its own bytes."""

from __future__ import annotations

import math
from typing import Any


def pays_from(model_bytes: int, percent_more: float, bytes_per_picture: float) -> int | None:
    """Pictures from which the saved bytes make up for the model's; None if it saves nothing.

    Args:
        percent_more: bytes at equal quality against the model that it was tuned from; negative where it saves.
        bytes_per_picture: with that model.
    """
    saved = -percent_more / 100 * bytes_per_picture
    return math.ceil(model_bytes / saved) if saved > 0 else None


def change(percent_more: float) -> str:
    """ "5.0 % fewer bytes"."""
    return f"{abs(percent_more):.1f} % {'more' if percent_more > 0 else 'fewer'} bytes"


def verdict(training: dict[str, Any], model_bytes: int, shrunk: bool = False) -> str | None:
    """A sentence on a model's gain and its price, from the record of its training; None if that does not say.

    Args:
        shrunk: it is a difference: what was measured is the model that it was made of.
    """
    gain = training.get("gain")
    if not isinstance(gain, dict):
        return None
    try:
        percent, quality = float(gain["percent_more"]), float(gain["quality"])
        pictures = pays_from(model_bytes, percent, float(gain["bytes_per_picture"]))
        measured = f"{change(percent)} than before, at equal PSNR, on {gain['pictures']} of the pictures held out"
        worse = int(gain.get("worse", 0))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if worse:
        measured += f" (more on {worse} of them)"
    if shrunk:
        measured += ", before it was shrunk"
    if pictures is None:
        return measured
    paid = f"its own {model_bytes:,} bytes are made up for by about {pictures:,} such pictures at quality {quality:g}"
    return f"{measured}; {paid}"
