"""Noise in place of zeros: of the level that is missing, the same wherever a decoder begins, none before an attack."""

import numpy as np
import pytest

from isthmus.sound import noise
from isthmus.sound.layout import BAND

BANDS = 8


def filled(symbols: np.ndarray, levels: np.ndarray, splits: list[int], first: int = 0, channel: int = 0) -> np.ndarray:
    steps = np.full(levels.shape, 1000.0)
    return noise.fill(symbols, symbols * 1000.0, levels, steps, np.array(splits, np.uint8), first, channel)


def test_it_has_the_level_that_is_missing() -> None:
    symbols, levels = np.zeros((200, BANDS * BAND)), np.full((200, BANDS), 50.0)
    found = np.sqrt((filled(symbols, levels, [0] * 200) ** 2).mean())
    assert found == pytest.approx(noise.SHARE * 50, rel=0.01)


def test_it_is_never_larger_than_what_became_zero() -> None:
    symbols, levels = np.zeros((50, BANDS * BAND)), np.full((50, BANDS), 1e6)
    assert abs(filled(symbols, levels, [0] * 50)).max() <= noise.SHARE * noise.MOST * 1000 * np.sqrt(3)


def test_what_is_coded_stays_and_leaves_less_to_fill() -> None:
    symbols, levels = np.zeros((1, BANDS * BAND)), np.full((1, BANDS), 250.0)
    symbols[0, 3] = 1
    found = filled(symbols, levels, [0])
    assert found[0, 3] == 1000
    # One coefficient of 1000 among 16 is a level of 250: nothing is missing in its band.
    assert abs(np.delete(found[0, :BAND], 3)).max() == 0
    assert abs(found[0, BAND:]).min() > 0


def test_silence_stays_silent() -> None:
    assert not filled(np.zeros((4, BANDS * BAND)), np.zeros((4, BANDS)), [0, 1, 2, 3]).any()


def test_it_is_the_same_wherever_a_decoder_begins() -> None:
    symbols, levels = np.zeros((6, BANDS * BAND)), np.full((6, BANDS), 20.0)
    whole = filled(symbols, levels, [0] * 6, first=300)
    np.testing.assert_array_equal(filled(symbols[:2], levels[:2], [0] * 2, first=304), whole[4:])
    assert (filled(symbols, levels, [0] * 6, first=300, channel=1) != whole).all()


def test_there_is_little_before_an_attack() -> None:
    symbols, levels = np.zeros((1, BANDS * BAND)), np.full((1, BANDS), 100.0)
    blocks = symbols.reshape(-1, 8)
    blocks[::4, 5] = 1
    found = np.where(symbols == 0, filled(symbols, levels, [3]), 0).reshape(-1, 8)
    power = (found**2).mean(0)
    assert power[5] > 10 * power[:5].max()
    # Without a split nothing is known of the time within a frame.
    even = np.where(symbols == 0, filled(symbols, levels, [0]), 0).reshape(-1, 8)
    assert (even[:, :5] ** 2).mean() > 0.5 * (even[:, 6:] ** 2).mean()
