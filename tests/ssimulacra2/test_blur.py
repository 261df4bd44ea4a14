"""The blur by matrix products is SciPy's Gaussian filter with zeros outside."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from isthmus.ssimulacra2.blur import RADIUS, SIGMA, blur


@pytest.mark.parametrize("shape", [(64, 64), (8, 9), (65, 127), (200, 131), (1, 300)])
def test_it_is_scipys_filter(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(7).random(shape, np.float32)
    expected = plane.astype(np.float64)
    for axis in (0, 1):
        expected = gaussian_filter1d(expected, SIGMA, axis=axis, radius=RADIUS, mode="constant")
    found = blur(plane)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=5e-7)
