"""What model files are read and written with, which training alone does without. Imports nothing heavy."""

from __future__ import annotations

import importlib.util

from isthmus.errors import MissingExtraError


def require_packages(then: str = "") -> None:
    """Raises MissingExtraError unless onnx and safetensors are installed.

    Args:
        then: what else to do about it.
    """
    missing = [name for name in ("onnx", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        hint = ", ".join(["pip install 'isthmus[train]'", *([then] if then else [])])
        raise MissingExtraError(f"model files need {' and '.join(missing)}", hint=f"{hint}.")
