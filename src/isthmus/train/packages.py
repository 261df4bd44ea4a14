"""What model files are read and written with, which training alone does without. Imports nothing heavy."""

from __future__ import annotations

from isthmus.extras import require


def require_packages(then: str = "") -> None:
    """Raises MissingExtraError unless safetensors is installed.

    Args:
        then: what else to do about it.
    """
    require("train", ("safetensors",), "model files need", then)
