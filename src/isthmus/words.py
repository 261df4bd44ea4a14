"""Counts and lists in sentences for people."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """ "1 picture", "1,200 pictures"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first names, and a mark if there are more: "a, b, c, ..."."""
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])
