"""The pixels that latent positions see: every sample where mirrors put it, small pictures and boxes beyond included."""

import numpy as np
import pytest

from isthmus.image.box import Box
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.windows import pixels_of


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (16, 16), (17, 33), (100, 20), (40, 300)])
@pytest.mark.parametrize("beyond", [0, 1, 3])
def test_windows_are_mirrored_at_the_edges(rng: np.random.Generator, size: tuple[int, int], beyond: int) -> None:
    rgb = rng.integers(0, 256, (*size, 3), np.uint8)
    blocks = [-(-side // 16) for side in size]
    # Filled up to whole blocks by a mirror, then continued by another.
    filled = np.pad(
        rgb, [(0, 16 * count - side) for count, side in zip(blocks, size, strict=True)] + [(0, 0)], "symmetric"
    )
    margin = 8 + 16 * beyond
    expected = np.pad(filled, [(margin, margin), (margin, margin), (0, 0)], "symmetric")
    found = pixels_of(ArraySource(rgb), Box(0, 0, *blocks).grown(beyond))
    np.testing.assert_array_equal(found, expected)


def test_a_window_inside_is_as_it_is(rng: np.random.Generator) -> None:
    rgb = rng.integers(0, 256, (96, 128, 3), np.uint8)
    np.testing.assert_array_equal(pixels_of(ArraySource(rgb), Box(1, 2, 3, 4)), rgb[8:72, 24:104])
