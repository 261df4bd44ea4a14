"""Gains that follow texture, in whole numbers: against the same worked out slowly, without any rounding."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from isthmus.coding.formats import LATENT_LIMIT
from isthmus.image.coders.separable.gains import as_factors, gain_exponents, gains_of, thresholds
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.quality import Quality
from isthmus.tune import EYE, PSNR, Tune
from tiny_separable import GROUPS, tiny_separable_model

FIRST = GROUPS[0] + GROUPS[1]


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_separable_model()


def with_gains(model: Model, floor: int, power: int) -> Model:
    return replace(model, arrays=model.arrays | {"gains": np.array([floor, power], np.int32)})


def at(model: Model, tune: Tune = EYE) -> Setting:
    return Setting(model, Quality(5000), 1, tune)


def eighths(squares: int, floor: int) -> int:
    """How many whole eighths of an octave squares lie above the floor: floor * 2**(k / 8) <= squares."""
    found = 0
    while floor**8 << (found + 1) <= squares**8:
        found += 1
    return found


def slow(sixteenths: np.ndarray, floor: int, power: int, tune: int) -> list[list[int]]:
    """The exponents for latents (h, w, n) in sixteenths, in Python's integers and fractions."""
    height, width, _ = sixteenths.shape
    texture = []
    for row in sixteenths.tolist():
        clipped = [[min(max(x, -LATENT_LIMIT), LATENT_LIMIT) for x in position] for position in row]
        texture.append([eighths(floor + sum(x * x for x in position), floor) for position in clipped])

    def exponent(i: int, j: int) -> int:
        rows = [min(max(i + d, 0), height - 1) for d in (-1, 0, 1)]
        columns = [min(max(j + d, 0), width - 1) for d in (-1, 0, 1)]
        octaves = Fraction(sum(texture[r][c] for r in rows for c in columns), 9 * 8)
        quarters = 4 * octaves * Fraction(power, 100) * Fraction(tune, 100)
        return (quarters + Fraction(1, 2)).__floor__()

    return [[exponent(i, j) for j in range(width)] for i in range(height)]


@pytest.mark.parametrize(("floor", "power"), [(500, 40), (2800, 13), (1, 100), (7, 1), (2**24 - 1, 99)])
@pytest.mark.parametrize("tune", [1, 37, 50, 100])
def test_they_are_those_worked_out_slowly(
    model: Model, rng: np.random.Generator, floor: int, power: int, tune: int
) -> None:
    scale = np.exp(rng.uniform(0, 11, (5, 6, 1)))
    sixteenths = np.rint(rng.laplace(0, scale, (5, 6, GROUPS[1]))).astype(np.int64)
    sixteenths[0, :2] = (LATENT_LIMIT, LATENT_LIMIT + 1, -LATENT_LIMIT, -(10**7), 0), (0,) * GROUPS[1]
    found = gain_exponents(at(with_gains(model, floor, power), Tune(tune)), sixteenths)
    assert found.tolist() == slow(sixteenths, floor, power, tune)


@pytest.mark.parametrize("floor", [1, 2, 500, 2800, 2**24 - 1])
def test_thresholds_are_exact(floor: int) -> None:
    """One below a threshold is an eighth of an octave less; there are enough for the largest latents of any group."""
    found = thresholds(floor)
    for k, threshold in enumerate(found.tolist(), 1):
        assert threshold**8 >= floor**8 << k
        assert (threshold - 1) ** 8 < floor**8 << k
    assert (np.diff(found) >= 0).all()
    assert floor**8 << (len(found) + 1) > (floor + 4095 * LATENT_LIMIT**2) ** 8


def test_texture_turns_them_up(model: Model) -> None:
    plane = np.zeros((5, 7, GROUPS[1]), np.int32)
    plane[:, 4:] = 960
    exponents = gain_exponents(at(model), plane)
    assert (exponents[:, :3] == 0).all()
    assert (np.diff(exponents, axis=1) >= 0).all()
    # 5 * 960**2 is 105 eighths of an octave above 500, of which 40 % count: 21 quarters, and halves are rounded up.
    assert exponents[0, -1] == 21
    assert gain_exponents(at(model, Tune(50)), plane)[0, -1] == 11
    np.testing.assert_array_equal(as_factors(np.array([0, 1, 4, -8, 21])), np.float32([1, 2**0.25, 2, 0.25, 2**5.25]))


def test_what_they_are_read_off_and_what_they_divide(model: Model) -> None:
    gains = gains_of(at(model), 2, 3)
    assert gains is not None
    assert (gains.source, gains.first) == (slice(GROUPS[0], FIRST), FIRST)
    sixteenths = np.arange(0, 300, 10).reshape(6, 5)
    expected = as_factors(gain_exponents(at(model), sixteenths.reshape(2, 3, 5))).reshape(-1)
    assert len(set(expected.tolist())) > 1
    np.testing.assert_array_equal(gains.of(sixteenths / 16), expected)


def test_where_there_are_none(model: Model) -> None:
    assert gains_of(at(model, PSNR), 2, 3) is None
    assert gains_of(at(with_gains(model, 500, 0)), 2, 3) is None
    assert gains_of(at(model, Tune(1)), 2, 3) is not None
