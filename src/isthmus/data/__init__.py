"""Files that travel with the package."""

from importlib import resources

PHOTOGRAPH = "coffee.webp"
"""A cup of coffee, 600x400 pixels, without loss; its licence is in the README beside it."""


def photograph() -> bytes:
    """The bytes of the photograph's file."""
    return resources.files("isthmus.data").joinpath(PHOTOGRAPH).read_bytes()
