"""Measuring: rivals, metrics, rate-distortion curves, comparisons and reports."""

import importlib.util

from isthmus.errors import MissingExtraError

_NEEDED = ("bjontegaard", "jinja2", "matplotlib", "scipy", "skimage", "ssimulacra2")


def load_bench() -> None:
    """Raise MissingExtraError, naming the pip command, where the bench's own libraries are missing."""
    for module in _NEEDED:
        if importlib.util.find_spec(module) is None:
            hint = 'pip install "isthmus[bench]"'
            raise MissingExtraError(f"comparing needs the package {module}", hint=hint)
