"""The codecs that people use for sounds, each through a library at stated settings: clips to bytes and back.

FFmpeg's own Vorbis encoder is left out: it is far weaker than the one of Xiph, which nothing here carries.
"""

from __future__ import annotations

from functools import partial

from isthmus.bench.rivals import Dial, Rival
from isthmus.bench.sound import libraries


def _setting(quality: float) -> str:
    return f"{quality:g} kbit/s a channel"


_OPUS = (12.0, 20.0, 32.0, 48.0, 80.0)
_OTHERS = (16.0, 32.0, 48.0, 80.0)

RIVALS: dict[str, Rival] = {
    rival.name: rival
    for rival in (
        Rival(
            "opus",
            "Opus",
            "libopus in Ogg, complexity 10, variable rate, 48,000 samples a second",
            partial(libraries.ffmpeg, codec="libopus", container="ogg"),
            libraries.ffmpeg_decode,
            partial(libraries.ffmpeg_version, "libopus", "Opus"),
            _OPUS,
            Dial(6, 250),
            _setting,
        ),
        Rival(
            "aac",
            "AAC",
            "FFmpeg's own encoder, AAC-LC in ADTS, constant rate",
            partial(libraries.ffmpeg, codec="aac", container="adts"),
            libraries.ffmpeg_decode,
            partial(libraries.ffmpeg_version, "FFmpeg's AAC", "AAC"),
            _OTHERS,
            Dial(8, 250),
            _setting,
        ),
        Rival(
            "mp3",
            "MP3",
            "LAME, constant rate, joint stereo",
            partial(libraries.ffmpeg, codec="libmp3lame", container="mp3"),
            libraries.ffmpeg_decode,
            partial(libraries.ffmpeg_version, "LAME", "MP3"),
            _OTHERS,
            Dial(8, 160),
            _setting,
        ),
        Rival(
            "flac",
            "FLAC",
            "lossless, the library's usual level",
            libraries.flac,
            libraries.flac_decode,
            libraries.flac_version,
        ),
    )
}
"""All rivals of sounds by name."""
