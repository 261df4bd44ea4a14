"""The geometry of a picture: tiles cover it once, mirrors repeat its edges, boxes know their place."""

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.image.box import Box, box_in
from isthmus.image.grid import BLOCK, Grid, blocks_of, is_reversed, mirrored


@pytest.mark.parametrize(("width", "height", "tile"), [(5, 3, 2), (1, 1, 7), (8, 2, 4), (130, 65, 64)])
def test_tiles_cover_the_picture_once(width: int, height: int, tile: int) -> None:
    grid = Grid(width, height, tile)
    covered = np.zeros((height, width), int)
    for index in range(grid.count):
        covered[grid.tile_box(index).slices] += 1
    assert (covered == 1).all()
    assert grid.count == grid.rows * grid.columns


@pytest.mark.parametrize(("width", "height"), [(1, 1), (64, 64), (65, 70), (200, 129)])
def test_tiles_cover_the_latent_positions_once(width: int, height: int) -> None:
    grid = Grid(width, height, 64)
    covered = np.zeros((grid.latent_height, grid.latent_width), int)
    for index in range(grid.count):
        covered[grid.latent_box(index).slices] += 1
    assert (covered == 1).all()
    assert covered.shape == (-(-height // BLOCK), -(-width // BLOCK))


def test_tiles_count_row_by_row() -> None:
    assert Grid(5, 3, 2).tile_box(4) == Box(2, 2, 1, 2)
    assert Grid(5, 3, 2).tile_box(2) == Box(0, 4, 2, 1)


@pytest.mark.parametrize(
    ("box", "blocks"),
    [
        (Box(0, 0, 1, 1), Box(0, 0, 1, 1)),
        (Box(15, 16, 2, 16), Box(0, 1, 2, 1)),
        (Box(17, 31, 16, 2), Box(1, 1, 2, 2)),
    ],
)
def test_blocks_cover_a_box(box: Box, blocks: Box) -> None:
    assert blocks_of(box) == blocks


def test_a_mirror_repeats_the_edge() -> None:
    index = np.arange(-4, 8)
    assert mirrored(index, 3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]
    assert is_reversed(index, 3).tolist() == [False, True, True, True] + [False] * 3 + [True] * 3 + [False] * 2
    assert mirrored(np.arange(-2, 3), 1).tolist() == [0] * 5
    np.testing.assert_array_equal(np.arange(3)[mirrored(np.arange(-3, 6), 3)], np.pad(np.arange(3), 3, "symmetric"))


def test_boxes() -> None:
    box = Box(2, 3, 4, 5)
    assert (box.bottom, box.right) == (6, 8)
    assert box.grown(1) == Box(1, 2, 6, 7)
    assert box.within(Box(1, 1, 9, 9)) == Box(1, 2, 4, 5)
    assert box.shared(Box(0, 6, 3, 9)) == Box(2, 6, 1, 2)
    assert min(box.shared(Box(6, 0, 3, 99))[2:]) <= 0
    assert np.arange(100).reshape(10, 10)[box.slices].shape == (4, 5)


def test_public_boxes_have_another_order() -> None:
    assert box_in((3, 2, 5, 4), 8, 6) == Box(2, 3, 4, 5)
    assert box_in(None, 8, 6) == Box(0, 0, 6, 8)
    for box in ((3, 2, 6, 4), (3, 2, 5, 5), (-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 1), (0, 0, 1, 0)):
        with pytest.raises(InputError, match="within 8x6"):
            box_in(box, 8, 6)
