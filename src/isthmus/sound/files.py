"""Sound files of any format that soundfile knows: opened piece by piece, written piece by piece, with their tags."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from isthmus.errors import InputError
from isthmus.extras import require
from isthmus.sound.container import Tags
from isthmus.sound.layout import Layout
from isthmus.sound.limits import SoundLimits
from isthmus.sound.mdct import Float64
from isthmus.sound.names import FORMATS
from isthmus.sound.source import FULL_SCALE, Sound, checked

_FLOATS = ("FLOAT", "DOUBLE")
_DEEP = ("PCM_24", "PCM_32", "ALAC_20", "ALAC_24", "ALAC_32")
_SUBTYPES = {"16-bit": ("PCM_16",), "24-bit": ("PCM_24", "PCM_16"), "float": ("FLOAT", "PCM_24", "PCM_16")}
"""What samples of a depth are written as: the first that the format has, or else what is usual there."""
_MP3_PADDING = 4608
"""Samples that an MP3 may have more than what it was made of."""


def open_sound(source: Path | BinaryIO, limits: SoundLimits) -> Sound:
    """A sound file, whose samples are read when they are asked for.

    Args:
        source: a file, or its bytes, which may be closed afterwards.
        limits: what it may ask for.

    Raises:
        InputError: not a sound, or one that cannot be encoded.
        MissingExtraError: what reads it is not installed.
        LimitExceededError: it is too long.
        OSError: the file cannot be opened.
    """
    reader = _Reader(source)
    layout = reader.layout(limits)
    subtype = reader.file.subtype
    depth = "float" if subtype in _FLOATS else "24-bit" if subtype in _DEEP else "16-bit"
    tags = {key: value for key, value in sorted(reader.file.copy_metadata().items()) if value}
    return Sound(layout, depth, reader.read, tags)


def sound_layout(stream: BinaryIO, limits: SoundLimits) -> tuple[Layout, bool]:
    """Length, rate and channels of a sound file, and whether its format keeps lengths.

    Raises:
        InputError, MissingExtraError, LimitExceededError, OSError
    """
    reader = _Reader(stream)
    return reader.layout(limits), reader.file.format not in ("MP3", "MPEG")


def is_about(found: Layout, wanted: Layout, exact: bool) -> bool:
    """Whether a file may hold a sound of this length, rate and channels."""
    more = found.samples - wanted.samples
    same = (found.rate, found.channels) == (wanted.rate, wanted.channels)
    return same and (more == 0 if exact else 0 <= more <= _MP3_PADDING)


class _Reader:
    """Reads samples of a file in any order, quickly where it is nearly the order that they lie in."""

    def __init__(self, source: Path | BinaryIO):
        require_reader()
        import soundfile

        self._name = str(source) if isinstance(source, Path) else str(getattr(source, "name", "the sound"))
        with _errors_typed(self._name):
            self.file: Any = soundfile.SoundFile(_own(source))
        self._held: tuple[int, Float64] = (0, np.empty((0, self.file.channels)))

    def layout(self, limits: SoundLimits) -> Layout:
        return checked(self.file.frames, self.file.samplerate, self.file.channels, limits)

    def read(self, start: int, stop: int) -> Float64:
        """(stop - start, channels) in 16-bit levels; what was read last is kept, for the next piece overlaps it."""
        begin, held = self._held
        held = held[start - begin :] if begin <= start <= begin + len(held) else held[:0]
        missing = stop - start - len(held)
        if missing > 0:
            with _errors_typed(self._name):
                if self.file.tell() != start + len(held):
                    self.file.seek(start + len(held))
                more = self.file.read(missing, dtype="float64", always_2d=True)
            if len(more) < missing:
                at = start + len(held) + len(more)
                raise InputError(f"{self._name} ends early", expected=f"{self.file.frames} samples", got=at)
            if not np.isfinite(more).all():
                raise InputError(f"{self._name} has samples that are no numbers")
            held = np.concatenate([held, more * FULL_SCALE])
        self._held = start, held
        return held[: stop - start]


def _own(source: Path | BinaryIO) -> Any:
    """What the library reads for as long as it needs to, whatever the caller does with its stream."""
    if isinstance(source, Path):
        # Python's own error where it cannot be opened, and a number that the library closes.
        return os.open(source, os.O_RDONLY)
    try:
        number = os.dup(source.fileno())
    except (OSError, AttributeError):
        source.seek(0)
        return io.BytesIO(source.read())
    os.lseek(number, 0, os.SEEK_SET)
    return number


@contextmanager
def _errors_typed(name: str) -> Iterator[None]:
    """The library's errors are those of the file."""
    import soundfile

    try:
        yield
    except soundfile.LibsndfileError as error:
        raise InputError(f"{name} cannot be read as a sound", got=error.error_string) from error


def require_reader() -> None:
    """Raise MissingExtraError where what reads and writes sounds is not installed."""
    require("sound", ("soundfile",), "sounds need")


def format_of(name: Path) -> str:
    """The format that a file of this name is written in.

    Raises:
        InputError: none has its suffix.
        MissingExtraError: what writes it is not installed.
    """
    suffix = name.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise InputError(f"no format of sounds for {name.name}", expected=known, got=suffix or "no suffix")
    require_reader()
    # The one suffix that says more than its format.
    return "OPUS" if suffix == ".opus" else FORMATS[suffix]


def write_sound(
    parts: Iterable[Float64], layout: Layout, depth: str, tags: Tags, stream: BinaryIO, format_name: str
) -> tuple[str, ...]:
    """Write samples (n, channels), in 16-bit levels, in a format; returns what had to be changed, a clause each.

    Raises:
        InputError: the format cannot hold this sound.
        OSError: the stream cannot be written.
    """
    import soundfile

    container, subtype = ("OGG", "OPUS") if format_name == "OPUS" else (format_name, _subtype(format_name, depth))
    try:
        file = soundfile.SoundFile(stream, "w", layout.rate, layout.channels, subtype, format=container)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise InputError(
            f"{container} cannot hold this sound",
            expected="another format, WAV say",
            got=f"{layout.rate} samples a second, {layout.channels} channels",
        ) from error
    with file:
        for key, value in tags.items():
            setattr(file, key, value)
        for part in parts:
            file.write(_as_stored(part, subtype))
    wanted = _SUBTYPES[depth][0]
    return () if subtype == wanted else (f"the samples became {subtype}, of {wanted}",)


def _subtype(format_name: str, depth: str) -> str:
    import soundfile

    for subtype in _SUBTYPES[depth]:
        if soundfile.check_format(format_name, subtype):
            return subtype
    return str(soundfile.default_subtype(format_name))


def _as_stored(samples: Float64, subtype: str) -> Any:
    """Samples as the library takes them; whole numbers are rounded and clipped here, where it is known how."""
    if subtype == "PCM_16":
        return np.clip(np.rint(samples), -(2**15), 2**15 - 1).astype(np.int16)
    if subtype == "PCM_24":
        return np.clip(np.rint(samples * 256), -(2**23), 2**23 - 1).astype(np.int32) * 256
    scaled = (samples / FULL_SCALE).astype(np.float32)
    return scaled if subtype in _FLOATS else np.clip(scaled, -1, 1)
