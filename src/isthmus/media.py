"""The media that files may hold, each with a permanent number. A medium's room is loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import IO, Any

from isthmus.bitstream.head import Head, parse_head, read_head
from isthmus.bitstream.limits import FileLimits
from isthmus.errors import IsthmusError, ModelError
from isthmus.medium.protocol import Medium
from isthmus.model.model import Model

DEFAULT = 1
"""The medium of what is of no other: its room says best what is wrong with it."""


def _picture() -> Medium:
    from isthmus.image.medium import PictureMedium

    return PictureMedium()


def _sound() -> Medium:
    from isthmus.sound.medium import SoundMedium

    return SoundMedium()


MEDIA: dict[int, Callable[[], Medium]] = {DEFAULT: _picture, 2: _sound}
"""By the number that stands in files. Rows are added, never changed."""


def all_media() -> Iterator[Medium]:
    """All of them; the default is the last, for it is asked when all others have declined."""
    for number in sorted(MEDIA, key=lambda number: (number == DEFAULT, number)):
        yield MEDIA[number]()


def medium_of(thing: object) -> Medium:
    """The medium of what somebody wants encoded: an object in memory."""
    return next((one for one in all_media() if one.takes(thing)), MEDIA[DEFAULT]())


def medium_of_name(name: str) -> Medium | None:
    """The medium as which a file of a folder is encoded, by its name; None where it is not, as hidden ones."""
    path = PurePath(name)
    if path.name.startswith("."):
        return None
    return next((one for one in all_media() if one.is_source(path.suffix.lower())), None)


def why_unread(name: str) -> str:
    """What a file of a folder is, by its name, and what to do about it, if it is of a medium and not read here."""
    path = PurePath(name)
    if path.name.startswith("."):
        return ""
    return next((why for one in all_media() if (why := one.why_unread(path.suffix.lower()))), "")


def medium_to_open(name: str, stream: IO[bytes]) -> Medium:
    """The medium of a file that somebody wants encoded: by its name, or else by how it begins.

    Args:
        name: empty for a stream without one.
        stream: seekable, at its beginning, where it is left.
    """
    suffix, front = PurePath(name).suffix.lower(), stream.read(64)
    stream.seek(0)
    # The default takes whatever is left, whatever its name.
    named = (one for one in all_media() if one.id != DEFAULT and one.is_source(suffix))
    found = next(named, None) or next((one for one in all_media() if one.recognises(front)), None)
    return found or MEDIA[DEFAULT]()


def medium_restored(open_file: Callable[[], IO[bytes]]) -> Medium:
    """The medium of what an .isth file holds; the default where it cannot be read, which its reader will say."""
    try:
        with open_file() as stream:
            number = read_head(stream).medium
    except (IsthmusError, OSError):
        number = DEFAULT
    return MEDIA.get(number, MEDIA[DEFAULT])()


def parse(data: bytes, limits: FileLimits) -> tuple[Medium, Any]:
    """An .isth file taken apart, and its medium.

    Raises:
        NotIsthmusError, TruncatedError, CorruptError, TooNewError, LimitExceededError: in the order of docs/format.md.
    """
    head = parse_head(data)
    medium = medium_of_head(head)
    return medium, medium.parse(head, data, limits)


def medium_of_head(head: Head) -> Medium:
    """The medium of an .isth file.

    Raises:
        TooNewError: this version does not know it.
    """
    head.check_medium(MEDIA)
    return MEDIA[head.medium]()


def check_model(model: Model) -> None:
    """Raise ModelError unless a model is one of a coder that is known here."""
    if model.medium not in MEDIA:
        known = " or ".join(map(str, MEDIA))
        raise ModelError(
            f"model {model.name} is for a medium that is unknown",
            expected=f"medium {known}",
            got=model.medium,
            hint="Update isthmus.",
        )
    MEDIA[model.medium]().check_model(model)
