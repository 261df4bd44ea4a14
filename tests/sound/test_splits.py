"""The choice of splits: tones are one block, attacks are several, and a frame's neighbours alone matter."""

import numpy as np

from isthmus.sound.splits import choose_splits

FRAME, RATE = 1024, 44_100


def test_tones_are_not_split() -> None:
    tone = 3000 * np.sin(0.2 * np.arange(10 * FRAME))[:, None]
    # At its two ends a tone begins and ends at once.
    assert choose_splits(tone, FRAME, RATE)[1:-1].tolist() == [0] * 8


def test_attacks_are() -> None:
    sound = np.zeros((10 * FRAME, 2))
    attack = 5 * FRAME + 700
    sound[attack : attack + 200] = 4000 * np.random.default_rng(0).normal(size=(200, 2))
    splits = choose_splits(sound, FRAME, RATE)
    assert splits[5] == 3
    assert splits[[0, 1, 2, 8, 9]].tolist() == [0] * 5


def test_a_frame_is_judged_by_itself_and_its_neighbours() -> None:
    """So a sound can be looked at piece by piece."""
    sound = (
        np.random.default_rng(1).normal(size=(40 * FRAME, 1)) * np.repeat(10.0 ** (np.arange(40) % 4), FRAME)[:, None]
    )
    whole = choose_splits(sound, FRAME, RATE)
    part = choose_splits(sound[9 * FRAME : 31 * FRAME], FRAME, RATE)
    np.testing.assert_array_equal(part[1:-1], whole[10:30])
