"""What the facade, folders and the command line know of a medium: how its files are opened, encoded and restored.

A medium is a room that has a class after `Medium`, and a row in `isthmus.media`; nothing else names it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NoReturn, Protocol

from isthmus.bitstream.head import Head
from isthmus.bitstream.limits import FileLimits
from isthmus.effort import Effort
from isthmus.errors import InputError
from isthmus.medium.setting import Setting
from isthmus.model.model import Model

Progress = Callable[[int, int], None]
"""Called with (parts done, parts in all)."""
Options = Mapping[str, Any]
"""What is asked for beside the file itself, by name; None and False ask for nothing."""
NONE: Options = MappingProxyType({})
"""Nothing is."""
FindModel = Callable[[bytes], Model]
"""find(id of 8 bytes) -> the model that a file names."""


@dataclass(frozen=True)
class Rate:
    """Bytes for what they hold.

    Attributes:
        name: in reports, as in "bpp".
        value, unit: as in 0.93 bits per pixel.
    """

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Saved:
    """What was written.

    Attributes:
        said: of what, for people, as in "640x480 RGB".
        facts: the same for reports, as JSON's types.
        notes: what had to be changed for the format, a clause each, for people.
    """

    said: str
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Content(Protocol):
    """What is encoded, opened; its samples need not be in memory."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed when it was opened, a clause each, for people."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What reports say of it, as JSON's types: its size."""
        ...

    def rate(self, size: int) -> Rate:
        """What so many bytes are for it."""
        ...


class Info(Protocol):
    """What an encoded file says about itself, without its weights."""

    @property
    def quality(self) -> float:
        """0 to 100."""
        ...

    @property
    def tune(self) -> float | None:
        """0 (the least squared error) to 1 (for the eye); None of files that have no such dial."""
        ...

    @property
    def model_id(self) -> str:
        """16 hexadecimal digits."""
        ...

    @property
    def lossless(self) -> bool:
        """Whether what it holds comes back as it was, whatever the quality and the model."""
        ...

    @property
    def bytes(self) -> int:
        """Size of the file."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """How large what it holds is, for reports, as JSON's types."""
        ...

    @property
    def extent(self) -> str:
        """The same for people, as in "640x480"."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """All that it says, as JSON knows it."""
        ...

    def text(self) -> str:
        """All that it says, in lines for people."""
        ...


class Decoder(Protocol):
    """Decodes one file."""

    def decode(self, box: Any = None, progress: Progress | None = None) -> Any:
        """The samples, or those of a window, as the medium names one.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the window is not inside.
        """
        ...

    def verify(self, progress: Progress | None = None) -> None:
        """Decode everything and keep nothing; raises CorruptError if a payload is damaged."""
        ...


class Medium(Protocol):
    """A kind of thing that files hold. It keeps no state of a file.

    Attributes:
        id: its permanent number in files, 1 to 255.
        name: of one, as in "picture".
        default_model: name of the installed model that encodes where none is asked for.
        default_suffix: of restored files, as in ".png".
    """

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def default_model(self) -> str: ...
    @property
    def default_suffix(self) -> str: ...

    def suffixes(self) -> Collection[str]:
        """The suffixes of all files that hold such a thing, readable here or not, in lower case, as in ".png"."""
        ...

    def is_source(self, suffix: str) -> bool:
        """Whether files of this suffix in a folder are encoded."""
        ...

    def why_unread(self, suffix: str) -> str:
        """What files with this suffix are, and what to do about them, if they hold such a thing and are not read
        here; else nothing."""
        ...

    def recognises(self, front: bytes) -> bool:
        """Whether a file that begins so holds such a thing, as far as that can be said."""
        ...

    def takes(self, thing: object) -> bool:
        """Whether :meth:`content` takes such a thing."""
        ...

    def content(self, thing: Any, limits: FileLimits, options: Options = NONE) -> Content:
        """What a caller gave, or an earlier call of this made of it, ready to encode as options want it.

        Raises:
            InputError (also an option that it does not have), LimitExceededError
        """
        ...

    def open(self, source: Path | BinaryIO, limits: FileLimits, options: Options = NONE) -> Content:
        """A file, ready to encode as options want it; `strip` leaves metadata out.

        Raises:
            InputError (also an option that it does not have), LimitExceededError, OSError
        """
        ...

    def facts_of(self, stream: BinaryIO, limits: FileLimits) -> dict[str, Any]:
        """How large what a file holds is, as its `Content.facts` will say or larger, before :meth:`open` takes memory
        for it. The stream can seek, and is left anywhere.

        Raises:
            InputError, LimitExceededError, OSError: it is nothing that can be encoded.
        """
        ...

    def encode(
        self,
        content: Any,
        setting: Setting,
        limits: FileLimits,
        effort: Effort = 1,
        progress: Progress | None = None,
    ) -> bytes:
        """The bytes of an .isth file, of what :meth:`open` or :meth:`content` gave.

        Raises:
            LimitExceededError: metadata or a payload is too large.
            ModelError: the model is of another medium or coder, or its networks do not run.
            SelfCheckError: what was encoded does not decode.
        """
        ...

    def check_model(self, model: Model) -> None:
        """Raise ModelError unless a model is one of a coder of this medium."""
        ...

    def has_tune(self, model: Model) -> bool:
        """Whether the coder of a model of this medium has a second dial, tune."""
        ...

    def parse(self, head: Head, data: bytes, limits: FileLimits) -> Any:
        """An .isth file of this medium, taken apart.

        Raises:
            TruncatedError, CorruptError, TooNewError, LimitExceededError: in the order of docs/format.md.
        """
        ...

    def info(self, parsed: Any) -> Info:
        """What a file that was taken apart says about itself."""
        ...

    def decoder(self, parsed: Any, find_model: FindModel, threads: int | None) -> Decoder:
        """Decodes a file that was taken apart.

        Raises:
            TooNewError: it was written in a way that this version does not know.
            UnknownModelError, ModelError: its model is not there, or not of its coder.
        """
        ...

    def decoder_of_cut(
        self, head: Head, data: bytes, limits: FileLimits, find_model: FindModel, threads: int | None
    ) -> tuple[Decoder, str]:
        """Decodes what there is of a file that may end early; and what is missing, for people, nothing of a whole one.

        Raises:
            InputError: nothing can be shown of a file without its end.
            CorruptError, TooNewError, LimitExceededError, UnknownModelError, ModelError
        """
        ...

    def format_of(self, name: Path) -> str:
        """The format that a file of this name is restored in.

        Raises:
            InputError: none has its suffix.
        """
        ...

    def has_quality(self, format_name: str) -> bool:
        """Whether the loss of what is restored to a format can be chosen, with the option `to_quality`."""
        ...

    def save(
        self, decoder: Any, stream: BinaryIO, format_name: str, options: Options, progress: Progress | None = None
    ) -> Saved:
        """Restore to a file of a format.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the format cannot hold this, or there is no such option.
            OSError: the stream cannot be written.
        """
        ...

    def may_be_source(self, stream: BinaryIO, info: Any, options: Options, limits: FileLimits) -> bool:
        """Whether a file may be what an .isth file was made of with these options, by its size in samples.

        Raises:
            InputError, LimitExceededError, OSError: it is nothing that can be encoded.
        """
        ...

    def may_be_restored(self, stream: BinaryIO, info: Any, options: Options, limits: FileLimits) -> bool:
        """Whether a file is whole, and may be what an .isth file was restored to with these options."""
        ...


def refuse_cut(name: str) -> NoReturn:
    """What `Medium.decoder_of_cut` does where a part of a file shows nothing.

    Args:
        name: of the medium.

    Raises:
        InputError: always.
    """
    raise InputError(f"nothing can be restored of a {name} whose file ends early", hint="Get the whole file.")


def refuse_options(options: Options, known: Collection[str], name: str) -> None:
    """Raise InputError if an option is asked for that a medium does not have.

    Args:
        known: those that it has.
        name: of the medium.
    """
    for option, value in options.items():
        if value not in (None, False) and option not in known:
            raise InputError(f"{option.replace('_', ' ')} is not for a {name}", got=value)
