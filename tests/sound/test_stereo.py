"""Pairs of channels: angles that follow a panned source, stay where it stays, and are exactly undone."""

import numpy as np
import pytest

from isthmus.sound.layout import BAND, Layout
from isthmus.sound.stereo import ANGLES, STRAIGHT, choose_angles, turn

LAYOUT = Layout(1, 44_100, 2)
COUNT = LAYOUT.bands * BAND


def noise(frames: int, level: float = 1000.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, COUNT)) * level


def test_turning_back() -> None:
    angles = np.random.default_rng(1).integers(0, ANGLES, (6, len(LAYOUT.angle_bands()))).astype(np.uint8)
    first, second = noise(6), noise(6, seed=2)
    there = turn(first, second, angles, LAYOUT)
    assert sum((one**2).sum() for one in there) == pytest.approx((first**2).sum() + (second**2).sum())
    back = turn(*there, angles, LAYOUT, back=True)
    np.testing.assert_allclose(back, (first, second), atol=1e-9)


@pytest.mark.parametrize(
    ("left", "right", "angle"), [(1.0, 1.0, STRAIGHT + 4), (1.0, 0.0, STRAIGHT), (0.0, 1.0, STRAIGHT + 8)]
)
def test_a_source_between_the_speakers_is_one_channel(left: float, right: float, angle: int) -> None:
    source = noise(20)
    angles = choose_angles(left * source, right * source, LAYOUT)
    first, second = turn(left * source, right * source, angles, LAYOUT)
    assert abs(second).max() < 1e-9 or abs(first).max() < 1e-9
    assert set(angles.ravel().tolist()) <= {angle, (angle + 8) % ANGLES}


def test_angles_stay_where_a_change_hardly_pays() -> None:
    """Independent channels of one level: every angle is as good, and noise decides."""
    angles = choose_angles(noise(40), noise(40, seed=3), LAYOUT)
    assert (np.diff(angles, axis=0) != 0).mean() < 0.05


def test_silence_has_angles_too() -> None:
    silence = np.zeros((3, COUNT))
    assert choose_angles(silence, silence, LAYOUT).shape == (3, len(LAYOUT.angle_bands()))
