"""Levels and steps: silence stays silence, steps follow what is loud and near, and the dial."""

import numpy as np
import pytest

from isthmus.quality import Quality
from isthmus.sound.envelope import (
    LEVEL_FLOOR,
    MASKING,
    latents_of_power,
    levels_of_latents,
    spread,
    steps,
)

FRAME, RATE, BANDS = 1024, 44_100, 59


def test_levels_come_back_within_half_a_step() -> None:
    power = np.array([[0.0, 1e-12, 0.25, 100.0, 1e9]])
    latents = latents_of_power(power)
    assert latents[0, :2].tolist() == [LEVEL_FLOOR, LEVEL_FLOOR]
    levels = levels_of_latents(np.round(latents))
    assert levels[0, :2].tolist() == [0, 0]
    np.testing.assert_allclose(np.log2(levels[0, 2:]), np.log2(power[0, 2:]) / 2, atol=0.25)


def test_a_damaged_level_is_no_number_too_large() -> None:
    assert np.isfinite(levels_of_latents(np.array([1e9, -1e9]))).all()


def test_what_the_ear_hears_at_once_is_wider_further_up() -> None:
    power = np.eye(BANDS)
    reach = (spread(power, FRAME, RATE) > 0).sum(1)
    assert reach[[2, 15, 30, 45]].tolist() == [1, 3, 5, 6]
    # A mean: what is level stays so.
    np.testing.assert_allclose(spread(np.ones((1, BANDS)), FRAME, RATE), 1)


def test_steps_follow_masking() -> None:
    quiet, loud = np.full((1, BANDS, 2), 100.0), np.full((1, BANDS, 2), 800.0)
    ratio = steps(loud, FRAME, RATE, Quality.of(50)) / steps(quiet, FRAME, RATE, Quality.of(50))
    np.testing.assert_allclose(ratio, 8**MASKING)
    alone = quiet.copy()
    alone[0, 50] = 800
    beside = steps(alone, FRAME, RATE, Quality.of(50))[0] / steps(quiet, FRAME, RATE, Quality.of(50))[0]
    assert beside[51] > 1.5
    assert beside[20] == 1


@pytest.mark.parametrize("percent", [0, 25, 50, 75])
def test_steps_follow_the_dial(percent: float) -> None:
    levels = np.full((1, BANDS, 2), 100.0)
    coarse, fine = (steps(levels, FRAME, RATE, Quality.of(q)) for q in (percent, percent + 25))
    assert (coarse > 2 * fine).all()
