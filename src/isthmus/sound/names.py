"""Which files of a folder are sounds, by their names, and what holds a sound by how it begins."""

from __future__ import annotations

from importlib.util import find_spec

FORMATS = {
    ".wav": "WAV",
    ".flac": "FLAC",
    ".aif": "AIFF",
    ".aiff": "AIFF",
    ".aifc": "AIFF",
    ".ogg": "OGG",
    ".oga": "OGG",
    ".opus": "OGG",
    ".mp3": "MP3",
    ".au": "AU",
    ".caf": "CAF",
    ".w64": "W64",
    ".rf64": "RF64",
}
"""Of those that are read and written, the library's names of formats by suffix."""
_OTHERS = {
    ".m4a": "an AAC or ALAC sound",
    ".aac": "an AAC sound",
    ".wma": "a Windows Media sound",
    ".ape": "a Monkey's Audio sound",
    ".wv": "a WavPack sound",
    ".mpc": "a Musepack sound",
    ".dsf": "a DSD sound",
}
"""Sounds that the library has no reader for."""
REMEDY = 'Install what reads it: pip install "isthmus[sound]".'


def is_installed() -> bool:
    """Whether the library that reads and writes sounds is here."""
    return find_spec("soundfile") is not None


def why_unread(suffix: str) -> str:
    """What files with this suffix are, and what to do about them, if they are sounds and not read here."""
    if suffix in FORMATS:
        return "" if is_installed() else f"a sound. {REMEDY}"
    return f"{_OTHERS[suffix]}. Convert it to WAV or FLAC first." if suffix in _OTHERS else ""


def begins_like_sound(front: bytes) -> bool:
    """Whether a file that begins so is one of the formats that are read."""
    if front[:4] in (b"RIFF", b"RF64"):
        return front[8:12] == b"WAVE"
    if front[:4] == b"FORM":
        return front[8:12] in (b"AIFF", b"AIFC")
    # The last are an MP3's tag in front of it, and its frames: eleven bits of ones, then layer 3.
    if front[:4] in (b"fLaC", b"OggS", b".snd", b"caff", b"riff") or front[:3] == b"ID3":
        return True
    return len(front) > 1 and front[0] == 0xFF and front[1] & 0xE6 == 0xE2
