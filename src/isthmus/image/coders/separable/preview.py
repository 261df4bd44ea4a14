"""Pictures at 1/16 of their size from the DC latents alone: no network, and only the first part of every payload."""

from __future__ import annotations

import numpy as np

from isthmus.coding.payload import decode_first_groups
from isthmus.image.coders.protocol import Payloads, UInt8
from isthmus.image.coders.separable.arrays import steps_of, transform_of
from isthmus.image.coders.separable.transform import MIDDLE
from isthmus.image.grid import Grid
from isthmus.medium.setting import Setting


def decode_preview(setting: Setting, payloads: Payloads, grid: Grid) -> UInt8:
    """The whole picture, (ceil(height / 16), ceil(width / 16), 3) uint8: the weighted mean of each block's window.

    Args:
        setting: model, quality and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.

    Raises:
        CorruptError: a payload is damaged.
    """
    out = np.empty((grid.latent_height, grid.latent_width, 3), np.uint8)
    transform, entropy = transform_of(setting.model), setting.model.entropy
    count = setting.model.definition.groups[0]
    # What plain planes have in their DC coefficients, along both axes.
    plain = float(transform.forward[0].sum()) ** 2
    colours = np.linalg.inv(transform.colour.astype(np.float64))[:, transform.channels[:count, 0]].T / plain
    to_rgb = steps_of(setting)[:count, None] * colours
    dials = setting.quality.hundredths, 1, setting.tune.hundredths
    for index in range(grid.count):
        box = grid.latent_box(index)
        rgb = decode_first_groups(entropy, payloads(index), box.height, box.width, *dials) @ to_rgb + MIDDLE
        out[box.slices] = np.clip(np.rint(rgb), 0, 255)
    return out
