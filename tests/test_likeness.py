import math

import numpy as np
import pytest
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio

from isthmus.errors import InputError
from isthmus.likeness import mse, psnr_db


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 50, 3), (700, 9, 3), (33, 5)])
def test_as_scikit_image(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    a, b = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    assert mse(a, b) == mean_squared_error(a, b)
    assert psnr_db(a, b) == pytest.approx(peak_signal_noise_ratio(a, b), abs=1e-12)


def test_known_values() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr_db(black, white) == 0
    assert psnr_db(black, black + np.uint8(1)) == pytest.approx(48.1308, abs=1e-4)
    assert psnr_db(black, black) == math.inf


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((0, 2), np.uint8), np.zeros((0, 2), np.uint8)),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2))),
    ],
)
def test_what_is_not_compared(a: np.ndarray, b: np.ndarray) -> None:
    with pytest.raises(InputError, match="compare"):
        mse(a, b)
