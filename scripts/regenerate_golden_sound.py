"""Write the missing ones of tests/golden/sound_ID.{isth,flac}, one for every model of sounds in the package."""

import io
from pathlib import Path

import numpy as np
import soundfile

import isthmus
from isthmus.model.registry import packaged_model, releases
from isthmus.sound.header import MEDIUM

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
RATE = 44_100


def sound() -> bytes:
    """A FLAC file: a quarter of a second of two tones, noise and a click, with a title."""
    t = np.arange(RATE // 4) / RATE
    samples = 0.2 * np.sin(2 * np.pi * 330 * t)[:, None] * (1, 0.5) + 0.1 * np.sin(2 * np.pi * 880 * t)[:, None]
    samples += 0.01 * np.random.default_rng(0).normal(size=samples.shape)
    samples[7000:7020] += 0.5
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", RATE, 2, "PCM_16", format="FLAC") as file:
        file.title = "golden"
        file.write(samples)
    return stream.getvalue()


if __name__ == "__main__":
    for identity in releases():
        file = GOLDEN / f"sound_{identity}.isth"
        if packaged_model(identity).medium == MEDIUM and not file.exists():
            source = GOLDEN / f"sound_{identity}.flac"
            source.write_bytes(sound())
            isthmus.Codec(model=identity).encode_file(source, file)
            isthmus.decode_file(file, source, force=True)
