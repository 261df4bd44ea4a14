"""What a page shows of a sound: its own samples to hear, and pictures in which a tone is where it belongs."""

import base64
import io

import numpy as np
import soundfile

from isthmus.bench.sound.clip import Clip
from isthmus.bench.sound.shown import HEIGHT, WIDTH, player, spectrogram, waveform
from sounds import chord


def tone(hertz: float, amplitude: float = 0.5, rate: int = 16_000) -> Clip:
    t = np.arange(rate)[:, None] / rate
    return Clip((amplitude * np.sin(2 * np.pi * hertz * t)).astype(np.float32), rate)


def test_a_tone_is_bright_in_its_row_and_dark_elsewhere() -> None:
    shown = spectrogram(tone(2000)).astype(int).sum(2)
    middle = shown[:, WIDTH // 2]
    # A quarter of the way to half the rate: so far from the bottom.
    assert abs(int(middle.argmax()) - 3 * len(middle) // 4) <= 1
    assert np.median(middle) < 30
    assert middle.max() > 500


def test_silence_is_dark_and_a_line() -> None:
    silence = Clip(np.zeros((9000, 2), np.float32), 44_100)
    assert spectrogram(silence).astype(int).sum(2).max() <= 4
    drawn = waveform(silence)
    rows = np.flatnonzero((drawn != drawn[0, 0]).any((1, 2)))
    assert rows.size > 0
    assert abs(rows - (HEIGHT - 1) / 2).max() <= 1


def test_a_waveform_is_as_high_as_the_sound() -> None:
    drawn = waveform(tone(3000, 0.5))
    inked = (drawn != drawn[0, 0]).any(2)
    assert inked.shape == (HEIGHT, WIDTH)
    assert abs(inked.sum(0).mean() / HEIGHT - 0.5) < 0.06


def test_what_is_heard_is_what_was_decoded() -> None:
    original = Clip(chord(5000), 44_100)
    decoded = Clip(np.float32(0.5) * original.samples, 44_100)
    shown = player("a codec", original, decoded)
    assert shown["label"] == "a codec"
    for part, wanted in ((shown, decoded.samples), (shown["difference"], original.samples - decoded.samples)):
        assert part["sound"].startswith("data:audio/flac;base64,")
        heard, rate = soundfile.read(io.BytesIO(base64.b64decode(part["sound"].partition(",")[2])), dtype="float32")
        assert rate == 44_100
        assert np.abs(heard - wanted).max() <= 2**-16 * 1.01
    assert player("the original", original, None)["difference"] is None


def test_what_is_shorter_than_a_column_is_shown_too() -> None:
    for samples in (1, 100):
        clip = Clip(np.full((samples, 1), 0.2, np.float32), 8000)
        assert waveform(clip).shape == (HEIGHT, WIDTH, 3)
        assert spectrogram(clip).shape[1:] == (WIDTH, 3)
