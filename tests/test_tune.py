"""The second dial: names, numbers of every kind, and what is none."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.tune import EYE, PSNR, Tune


@pytest.mark.parametrize(
    ("value", "hundredths"),
    [
        ("psnr", 0),
        ("eye", 100),
        (np.str_("eye"), 100),
        (0, 0),
        (1, 100),
        (0.37, 37),
        (0.004, 0),
        (0.996, 100),
        (np.uint8(1), 100),
        (np.float16(0.5), 50),
        (np.float32(0.29), 29),
        (np.array(0.25), 25),
        (Fraction(1, 3), 33),
        (Decimal("0.45"), 45),
        (Tune(12), 12),
    ],
)
def test_places(value: object, hundredths: int) -> None:
    place = Tune.of(value)
    assert place == Tune(hundredths)
    assert type(place.hundredths) is int
    assert place.share == hundredths / 100
    assert Tune.of(place.share) == Tune.of(place.text if place in (EYE, PSNR) else float(place.text)) == place


def test_names() -> None:
    assert (Tune().text, Tune(0).text, Tune(50).text, Tune(7).text) == ("eye", "psnr", "0.5", "0.07")
    assert Tune() == EYE
    assert PSNR < Tune(50) < EYE


@pytest.mark.parametrize(
    "value", [-0.01, 1.01, 100, math.nan, math.inf, "ssim", "0.5", "EYE", True, None, b"eye", [0.5], np.array([0.5])]
)
def test_what_is_none(value: object) -> None:
    with pytest.raises(InputError, match="the tune: expected psnr or eye, or a number from 0 to 1, got"):
        Tune.of(value)


@pytest.mark.parametrize(("word", "hundredths"), [("psnr", 0), ("eye", 100), ("0", 0), ("1.0", 100), (".25", 25)])
def test_words(word: str, hundredths: int) -> None:
    assert Tune.parse(word) == Tune(hundredths)


@pytest.mark.parametrize("word", ["", "sharp", "2", "-0.1", "nan", "50%"])
def test_words_that_are_none(word: str) -> None:
    with pytest.raises(InputError, match="the tune: expected psnr or eye"):
        Tune.parse(word)
