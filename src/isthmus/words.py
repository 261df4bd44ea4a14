"""Counts and lists in sentences for people."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """ "1 picture", "1,200 pictures"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first names, and a mark if there are more: "a, b, c, ..."; what no terminal can show is a question mark."""
    shown = [name.encode(errors="replace").decode() for name in names[:most]]
    return ", ".join([*shown, *(["..."] if len(names) > most else [])])
