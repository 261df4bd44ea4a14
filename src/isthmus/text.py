"""Counts and lists in sentences for people."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """ "1 picture", "1,200 pictures"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """What no terminal can show, of a file's name that is no text, becomes a question mark."""
    return text.encode(errors="replace").decode()


def reason(error: Exception) -> str:
    """An error as people are told it: of the system's, without its number and the name of the file."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def told(error: Exception) -> str:
    """An error as people are told it where nothing else names the file that it is about."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {reason(error)}"
    return reason(error)


def all_of(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first names, printable, and a mark if there are more: "a, b, c, ..."."""
    shown = [printable(name) for name in names[:most]]
    return ", ".join([*shown, *(["..."] if len(names) > most else [])])
