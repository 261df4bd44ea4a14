"""Pictures at 1/16 of their size from the DC latents alone: no synthesis, and only the first part of every payload.

A DC latent is the weighted mean of one colour over a window of 32x32 pixels. What it says in RGB is read off the model:
the analysis of plain pictures gives the DC of four known colours, and the map between them is affine.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import decode_first_groups
from isthmus.image.box import Box
from isthmus.image.coders.lapped.analysis import analyse
from isthmus.image.coders.protocol import ArraySource, Payloads, UInt8
from isthmus.image.grid import BLOCK, Grid
from isthmus.medium.setting import Setting

# Far from black and white: networks may treat the ends of the range on their own terms.
_COLOURS = np.array([[128, 128, 128], [208, 128, 128], [128, 208, 128], [128, 128, 208]], np.uint8)


def decode_preview(setting: Setting, payloads: Payloads, grid: Grid) -> UInt8:
    """The whole picture, (ceil(height / 16), ceil(width / 16), 3) uint8.

    Args:
        setting: model, quality and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.

    Raises:
        CorruptError: a payload is damaged.
    """
    out = np.empty((grid.latent_height, grid.latent_width, 3), np.uint8)
    # One thread is enough for four blocks; and whatever the threads, the colours are the same.
    to_rgb, offset = _colour_map(Setting(setting.model, setting.quality, 1))
    entropy, quality = setting.model.entropy, setting.quality.hundredths
    for index in range(grid.count):
        box = grid.latent_box(index)
        rgb = decode_first_groups(entropy, payloads(index), box.height, box.width, quality, 1) @ to_rgb + offset
        out[box.slices] = np.clip(np.rint(rgb), 0, 255)
    return out


@lru_cache(maxsize=64)
def _colour_map(setting: Setting) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(3, 3) and (3,): rgb = dc @ matrix + offset."""
    plain = (np.broadcast_to(colour, (BLOCK, BLOCK, 3)) for colour in _COLOURS)
    dc = [analyse(setting, ArraySource(picture), Box(0, 0, 1, 1))[0, 0, :3] for picture in plain]
    known = np.concatenate([np.asarray(dc, np.float64), np.ones((len(dc), 1))], 1)
    solved = np.linalg.solve(known, _COLOURS.astype(np.float64))
    return solved[:3], solved[3]
