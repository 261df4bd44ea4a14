"""Clips: parts, other rates, identity, and what came back laid on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from isthmus.bench.sound.clip import Clip, laid_on, load_clip
from isthmus.errors import InputError
from sounds import chord

CLIP = Clip(chord(9000), 44_100)


def shifted(clip: Clip, lag: int) -> Clip:
    """The same later by so many samples, or earlier."""
    pad = ((max(lag, 0), 0), (0, 0))
    return replace(clip, samples=np.pad(clip.samples, pad)[max(-lag, 0) :])


@pytest.mark.parametrize("lag", [0, 1, 1105, -700])
def test_what_came_back_lies_on_the_original(lag: int) -> None:
    laid = laid_on(CLIP, shifted(CLIP, lag))
    assert laid.samples.shape == CLIP.samples.shape
    whole = slice(max(-lag, 0), None)
    assert np.array_equal(laid.samples[whole], CLIP.samples[whole])


def test_another_rate_is_brought_back() -> None:
    low = Clip(chord(4000, rate=16_000), 16_000)
    laid = laid_on(low, low.at(48_000))
    assert (laid.rate, laid.samples.shape) == (16_000, low.samples.shape)
    middle = slice(200, -200)
    assert np.abs(laid.samples[middle] - low.samples[middle]).max() < 0.02


def test_silence_and_one_sample_are_laid_too() -> None:
    for clip in (Clip(np.zeros((500, 1), np.float32), 8000), Clip(np.ones((1, 2), np.float32), 8000)):
        assert np.array_equal(laid_on(clip, clip).samples, clip.samples)


def test_parts_are_where_they_should_be() -> None:
    second = Clip(chord(44_100), 44_100)
    assert np.array_equal(second.first(0.25).samples, second.samples[:11_025])
    assert np.array_equal(second.middle(0.5).samples, second.samples[11_025:33_075])
    assert second.first(9).seconds == second.middle(9).seconds == 1


def test_the_digest_is_of_rate_shape_and_samples() -> None:
    others = [replace(CLIP, rate=48_000), CLIP.first(0.1), replace(CLIP, samples=CLIP.samples.reshape(-1, 1))]
    assert len({CLIP.digest, *(one.digest for one in others)}) == 4
    assert CLIP.digest == Clip(CLIP.samples.copy(), 44_100).digest


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(-(2**15), 2**15, (3000, 2), np.int16)
    soundfile.write(tmp_path / "a.flac", levels, 22_050)
    clip = load_clip(tmp_path / "a.flac")
    assert clip.rate == 22_050
    assert np.array_equal(clip.samples * 2**15, levels)
    soundfile.write(tmp_path / "six.wav", np.zeros((100, 6)), 8000)
    with pytest.raises(InputError, match="one or two"):
        load_clip(tmp_path / "six.wav")
