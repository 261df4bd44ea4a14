"""Make held-out pieces of sound from Debian packages: python scripts/sound_pieces.py PACKAGES FOLDER

PACKAGES is a folder into which they were unpacked, each below its name (apt-get download NAME; dpkg-deb -x FILE
PACKAGES/NAME): freedoom, pingus-data, heroes-sound-tracks, tecnoballz-data, musescore-general-soundfont-lossless, and
asterisk-core-sounds-*: it-wav, ru-wav, fr-wav, es-g722. FOLDER gets music and speech: MIDI and module files are played
by fluidsynth and openmpt123, which must be installed, and of everything ten seconds are kept. Nothing here is trained
on: not these packages, and not the instruments.
"""

import argparse
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

SECONDS = 10
FREEDOOM = ("D_RUNNIN", "D_STALKS", "D_READ_M")
MODULES = (
    "pingus-data/usr/share/games/pingus/data/music/pingus-3.it",
    "pingus-data/usr/share/games/pingus/data/music/gd-cancn.it",
    "heroes-sound-tracks/usr/share/games/heroes/mod/heroes04.xm",
    "heroes-sound-tracks/usr/share/games/heroes/mod/heroes07.xm",
    "tecnoballz-data/usr/share/games/tecnoballz/musics/area2-game.mod",
)
FONT = "musescore-general-soundfont-lossless/usr/share/sounds/sf2/MuseScore_General_Full.sf2"
VOICES = {
    "it-wav": "it_IT_m_Carlo",
    "ru-wav": "ru_RU_f_IvrvoiceRU",
    "fr-wav": "fr_CA_f_June",
    "es-g722": "es_MX_f_Allison",
}
TEXTS = ("demo-congrats", "demo-instruct")


def lumps(wad: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of what a WAD file holds."""
    count, directory = struct.unpack("<ii", wad[4:12])
    for place in range(directory, directory + 16 * count, 16):
        start, size = struct.unpack("<ii", wad[place : place + 8])
        yield wad[place + 8 : place + 16].rstrip(b"\0").decode(), wad[start : start + size]


def keep(source: Path, target: Path, start_seconds: float) -> None:
    """Some seconds of a sound as FLAC."""
    samples, rate = soundfile.read(source, dtype="int16", always_2d=True)
    start = min(round(start_seconds * rate), max(0, len(samples) - SECONDS * rate))
    soundfile.write(target, samples[start : start + SECONDS * rate], rate)


def decoded(source: Path, target: Path) -> None:
    """A G.722 file as WAV."""
    import av

    with av.open(str(source), format="g722") as file:
        parts = [frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]
    soundfile.write(target, np.concatenate(parts).astype(np.int16), 16_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    music, speech = asked.folder / "music", asked.folder / "speech"
    for folder in (music, speech):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        midi, wav = Path(name) / "one.mid", Path(name) / "one.wav"
        wad = (asked.packages / "freedoom/usr/share/games/doom/freedoom2.wad").read_bytes()
        for lump, content in lumps(wad):
            if lump in FREEDOOM:
                midi.write_bytes(content)
                font = str(asked.packages / FONT)
                subprocess.run(
                    ["fluidsynth", "-ni", "-q", "-F", wav, "-r", "44100", "-g", "0.5", font, midi], check=True
                )
                keep(wav, music / f"{lump.lower()}.flac", 30)
        for module in MODULES:
            source = asked.packages / module
            play = ["openmpt123", "--batch", "--quiet", "--samplerate", "44100", "--channels", "2", "--no-float"]
            # Its dither is another one each time, and so would be the piece.
            subprocess.run([*play, "--dither", "0", "--end-time", "60", "--force", "-o", wav, source], check=True)
            keep(wav, music / f"{source.stem}.flac", 30)
        for package, voice in VOICES.items():
            suffix = package.split("-")[1]
            for text in TEXTS:
                source = (
                    asked.packages / f"asterisk-core-sounds-{package}/usr/share/asterisk/sounds/{voice}/{text}.{suffix}"
                )
                if suffix == "g722":
                    decoded(source, wav)
                    source = wav
                keep(source, speech / f"{voice}-{text}.flac", 2)


if __name__ == "__main__":
    main()
