"""Measuring: rivals, metrics, rate-distortion curves, comparisons and reports."""

from isthmus.extras import require

_MODULES = ("bjontegaard", "jinja2", "matplotlib", "scipy")


def load_bench() -> None:
    """Raise MissingExtraError, naming the pip command, where the bench's own libraries are missing."""
    require("bench", _MODULES, "comparing needs")
