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


def _ffmpeg(
    name: str,
    label: str,
    settings: str,
    codec: str,
    container: str,
    encoder: str,
    qualities: tuple[float, ...],
    dial: Dial,
) -> Rival:
    """A codec of FFmpeg's libraries."""
    encode = partial(libraries.ffmpeg, codec=codec, container=container)
    version = partial(libraries.ffmpeg_version, encoder, label)
    return Rival(name, label, settings, encode, libraries.ffmpeg_decode, version, qualities, dial, _setting)


_OPUS_SETTINGS = "libopus in Ogg, complexity 10, variable rate, 48,000 samples a second"
_AAC_SETTINGS = "FFmpeg's own encoder, AAC-LC in ADTS, constant rate"
_MP3_SETTINGS = "LAME, constant rate, joint stereo"

RIVALS: dict[str, Rival] = {
    rival.name: rival
    for rival in (
        _ffmpeg("opus", "Opus", _OPUS_SETTINGS, "libopus", "ogg", "libopus", _OPUS, Dial(6, 250)),
        _ffmpeg("aac", "AAC", _AAC_SETTINGS, "aac", "adts", "FFmpeg's AAC", _OTHERS, Dial(8, 250)),
        _ffmpeg("mp3", "MP3", _MP3_SETTINGS, "libmp3lame", "mp3", "LAME", _OTHERS, Dial(8, 160)),
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
