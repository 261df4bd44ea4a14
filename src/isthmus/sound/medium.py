"""Sounds as a medium: what the facade, folders and the command line ask of any."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from isthmus.bitstream.head import Head
from isthmus.bitstream.limits import FileLimits
from isthmus.effort import Effort
from isthmus.errors import InputError
from isthmus.medium.protocol import NONE, FindModel, Options, Progress, Saved, refuse_cut, refuse_options
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.sound.container import Container, parse_behind
from isthmus.sound.header import MEDIUM
from isthmus.sound.info import SoundInfo, extent, info_of
from isthmus.sound.limits import SoundLimits
from isthmus.sound.names import FORMATS, begins_like_sound, is_installed, why_unread
from isthmus.sound.source import Sound, is_sound_like, sound_of_array

if TYPE_CHECKING:
    from isthmus.sound.decoding import SoundDecoder

# What opens, encodes and decodes is imported where it is needed: `isthmus info` needs none of it.

ENCODING_OPTIONS = ("strip", "rate")
RESTORING_OPTIONS = ("strip", "seconds")


class SoundMedium:
    """Sounds; see `isthmus.medium.protocol.Medium`.

    Options of encoding: `strip`, to leave tags out, and `rate`, of samples in an array. Of restoring: `strip`, and
    `seconds` (from, to), the only part that is wanted.
    """

    id = MEDIUM
    name = "sound"
    default_model = "sound"
    default_suffix = ".wav"

    def suffixes(self) -> Collection[str]:
        return FORMATS

    def is_source(self, suffix: str) -> bool:
        return suffix in FORMATS and is_installed()

    def why_unread(self, suffix: str) -> str:
        return why_unread(suffix)

    def recognises(self, front: bytes) -> bool:
        return begins_like_sound(front)

    def takes(self, thing: object) -> bool:
        return is_sound_like(thing)

    def content(self, thing: Any, limits: FileLimits, options: Options = NONE) -> Sound:
        refuse_options(options, ENCODING_OPTIONS, self.name)
        if not isinstance(thing, Sound):
            return sound_of_array(thing, options.get("rate"), SoundLimits.of(limits))
        if options.get("rate") is not None:
            raise InputError("the rate", expected="none beside a sound that has one", got=options["rate"])
        return thing.stripped() if options.get("strip") else thing

    def open(self, source: Path | BinaryIO, limits: FileLimits, options: Options = NONE) -> Sound:
        from isthmus.sound.files import open_sound

        return self.content(open_sound(source, SoundLimits.of(limits)), limits, options)

    def facts_of(self, stream: BinaryIO, limits: FileLimits) -> dict[str, Any]:
        from isthmus.sound.files import sound_layout

        layout, _ = sound_layout(stream, SoundLimits.of(limits))
        return {"samples": layout.samples, "rate": layout.rate, "channels": layout.channels}

    def encode(
        self,
        content: Sound,
        setting: Setting,
        limits: FileLimits,
        effort: Effort = 1,
        progress: Progress | None = None,
    ) -> bytes:
        from isthmus.sound.encoding import encode_sound

        return encode_sound(content, setting, SoundLimits.of(limits), progress)

    def check_model(self, model: Model) -> None:
        from isthmus.sound.model import check_model

        check_model(model)

    def has_tune(self, model: Model) -> bool:
        return False

    def parse(self, head: Head, data: bytes, limits: FileLimits) -> Container:
        return parse_behind(head, data, SoundLimits.of(limits))

    def info(self, parsed: Container) -> SoundInfo:
        return info_of(parsed)

    def decoder(self, parsed: Container, find_model: FindModel, threads: int | None) -> SoundDecoder:
        from isthmus.sound.decoding import SoundDecoder

        return SoundDecoder(parsed, find_model(parsed.header.model_id), threads)

    def decoder_of_cut(
        self, head: Head, data: bytes, limits: FileLimits, find_model: FindModel, threads: int | None
    ) -> NoReturn:
        refuse_cut(self.name)

    def format_of(self, name: Path) -> str:
        from isthmus.sound.files import format_of

        return format_of(name)

    def has_quality(self, format_name: str) -> bool:
        return False

    def save(
        self,
        decoder: SoundDecoder,
        stream: BinaryIO,
        format_name: str,
        options: Options,
        progress: Progress | None = None,
    ) -> Saved:
        from isthmus.sound.files import write_sound

        refuse_options(options, RESTORING_OPTIONS, self.name)
        header, layout = decoder.parsed.header, decoder.layout
        start, stop = _samples_of(options.get("seconds"), layout.samples, layout.rate)
        tags = {} if options.get("strip") else decoder.parsed.tags
        parts = decoder.parts(start, stop, progress)
        notes = write_sound(parts, layout, header.depth, tags, stream, format_name)
        facts = {"samples": stop - start, "rate": layout.rate, "channels": layout.channels}
        return Saved(extent((stop - start) / layout.rate, layout.channels, layout.rate), facts, notes)

    def may_be_source(self, stream: BinaryIO, info: SoundInfo, options: Options, limits: FileLimits) -> bool:
        from isthmus.sound.files import sound_layout

        found, _ = sound_layout(stream, SoundLimits.of(limits))
        return (found.samples, found.rate, found.channels) == (info.samples, info.rate, info.channels)

    def may_be_restored(self, stream: BinaryIO, info: SoundInfo, options: Options, limits: FileLimits) -> bool:
        from isthmus.sound.files import is_about, sound_layout
        from isthmus.sound.layout import Layout

        try:
            found, exact = sound_layout(stream, SoundLimits.of(limits))
        except InputError:
            return False
        return is_about(found, Layout(info.samples, info.rate, info.channels), exact)


def _samples_of(seconds: tuple[float, float] | None, samples: int, rate: int) -> tuple[int, int]:
    """The samples of a range in seconds, whose end may lie beyond that of the sound.

    Raises:
        InputError: it begins beyond the end, or is empty.
    """
    if seconds is None:
        return 0, samples
    start, stop = (round(second * rate) for second in seconds)
    if not 0 <= start < min(stop, samples):
        expected = f"within {samples / rate:.2f} s, and not empty"
        raise InputError("the range", expected=expected, got=f"{seconds[0]:g} to {seconds[1]:g} s")
    return start, min(stop, samples)
