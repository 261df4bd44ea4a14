"""The lapped transform: orthonormal, exactly undone whatever the splits, compact for tones and sharp for clicks."""

import numpy as np
import pytest

from isthmus.sound.mdct import analyse, dct4, synthesise


@pytest.mark.parametrize("length", [2, 16, 128])
def test_the_dct_is_the_one_of_the_books(length: int) -> None:
    n = np.arange(length) + 0.5
    matrix = np.sqrt(2 / length) * np.cos(np.pi / length * np.outer(n, n))
    x = np.random.default_rng(0).normal(size=(3, length))
    np.testing.assert_allclose(dct4(x), x @ matrix, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_splits_is_undone(seed: int) -> None:
    random = np.random.default_rng(seed)
    splits, x = random.integers(0, 4, 30).astype(np.uint8), random.normal(size=30 * 64)
    coefficients = analyse(x, splits)
    assert coefficients.shape == (30, 64)
    # Orthonormal: as much power on either side.
    assert (coefficients**2).sum() == pytest.approx((x**2).sum())
    np.testing.assert_allclose(synthesise(coefficients, splits), x, atol=1e-12)


def test_its_basis_is_that_of_the_sine_window() -> None:
    """The 256 samples under a frame of 128 of no splits, as in the definition of the MDCT."""
    n, x = 128, np.random.default_rng(1).normal(size=5 * 128)
    t = np.arange(2 * n)
    window = np.sin(np.pi * (t + 0.5) / (2 * n))
    basis = np.sqrt(2 / n) * np.cos(np.pi / n * np.outer(t + 0.5 - n / 2, np.arange(n) + 0.5))
    expected = (x[2 * n - n // 2 : 3 * n + n // 2] * window) @ basis
    np.testing.assert_allclose(analyse(x, np.zeros(5, np.uint8))[2], expected, atol=1e-12)


def test_a_tone_is_a_few_coefficients() -> None:
    tone = np.sin(0.3 * np.arange(9 * 1024))
    power = np.sort(analyse(tone, np.zeros(9, np.uint8))[4] ** 2)[::-1]
    assert power[:4].sum() > 0.98 * power.sum()


def test_a_click_stays_in_its_block() -> None:
    click = np.zeros(3 * 1024)
    click[1024 + 600] = 1
    split = analyse(click, np.array([0, 3, 0], np.uint8))[1].reshape(128, 8)
    power = (split**2).sum(0)
    # In the fifth eighth of the frame, and where that overlaps the one after.
    assert power[[4, 5]].sum() == pytest.approx(1)
    assert power[[0, 1, 2, 3, 6, 7]].max() < 1e-20


def test_neighbours_of_a_run_may_be_unknown() -> None:
    """Frames on either side of a run change half a frame of it, and no more."""
    random = np.random.default_rng(2)
    x, splits = random.normal(size=6 * 64), np.array([0, 1, 0, 2, 0, 3], np.uint8)
    part = synthesise(analyse(x, splits)[1:4], splits[1:4])
    np.testing.assert_allclose(part[32:-32], x[64 + 32 : 4 * 64 - 32], atol=1e-12)
    assert abs(part - x[64 : 4 * 64]).max() > 0.1
