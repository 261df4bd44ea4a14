"""The sharp layer of a picture's file, shown over what networks made of the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image

from isthmus.errors import CorruptError
from isthmus.image.box import Box
from isthmus.image.coders.protocol import UInt8
from isthmus.image.grid import BLOCK, Grid, blocks_of
from isthmus.image.mask import Mask
from isthmus.image.sharp import SharpTile, decode_sharp, sharp_mask


class SharpLayer:
    """The layer of one file; tiles are decoded when something of them shows in what is asked for.

    Args:
        payloads: of all tiles; of a file that ends early, of the first.
        grid: of the picture.

    Attributes:
        mask: where it shows, by blocks of the picture.

    Raises:
        CorruptError: a payload does not say where it shows.
    """

    def __init__(self, payloads: Sequence[memoryview], grid: Grid):
        self._payloads, self._grid = payloads, grid
        self.mask: Mask = np.zeros((grid.latent_height, grid.latent_width), bool)
        for index, payload in enumerate(payloads):
            tile = grid.tile_box(index)
            with _in_tile(index):
                self.mask[grid.latent_box(index).slices], _ = sharp_mask(payload, tile.height, tile.width)

    @property
    def is_everywhere(self) -> bool:
        """Whether nothing else shows."""
        return bool(self.mask.all())

    @property
    def share(self) -> float:
        """Of the blocks of the picture, how many show it: 0 to 1."""
        return float(self.mask.mean())

    def covers(self, box: Box) -> bool:
        """Whether nothing else shows in a box in pixels."""
        return bool(self.mask[blocks_of(box).slices].all())

    def show(self, pixels: UInt8, place: Box) -> None:
        """Put what shows over the pixels (h, w, 3) uint8 of a box.

        Raises:
            CorruptError: a payload is damaged.
        """
        for box, tile in self._tiles(place):
            shared = box.shared(place)
            tile.shown_over(pixels[shared.within(place).slices], shared.within(box).slices)

    def show_reduced(self, pixels: UInt8, scale: int) -> None:
        """Put what shows over the pixels (h, w, 3) uint8 of the whole picture at 1/scale.

        Raises:
            CorruptError: a payload is damaged.
        """
        for box, tile in self._tiles(self._grid.box):
            if tile.pixels is not None:
                reduced = np.asarray(Image.fromarray(tile.pixels).reduce(scale))
                height, width = reduced.shape[:2]
                shown = tile.mask.repeat(BLOCK // scale, 0).repeat(BLOCK // scale, 1)[:height, :width]
                top, left = box.top // scale, box.left // scale
                np.copyto(pixels[top : top + height, left : left + width], reduced, where=shown[..., None])

    def check(self) -> None:
        """Raise CorruptError if a payload is damaged, taking no memory for the picture."""
        for _ in self._tiles(self._grid.box):
            pass

    def _tiles(self, place: Box) -> Iterator[tuple[Box, SharpTile]]:
        """(place in the picture, tile) of every tile of which something shows in a box."""
        for index, payload in enumerate(self._payloads):
            tile = self._grid.tile_box(index)
            shared = tile.shared(place)
            if min(shared[2:]) > 0 and self.mask[blocks_of(shared).slices].any():
                with _in_tile(index):
                    decoded = decode_sharp(payload, tile.height, tile.width)
                yield tile, decoded


@contextmanager
def _in_tile(index: int) -> Iterator[None]:
    """Errors say in which tile they are."""
    try:
        yield
    except CorruptError as error:
        error.add_note(f"in sharp tile {index}")
        raise
