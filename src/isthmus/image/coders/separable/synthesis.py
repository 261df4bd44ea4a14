"""Latents to pixels: corrected by a network at 1/16, transformed back, corrected once more on a 1/4 grid.

Beyond the picture's edges there is one more latent position on each side, a mirror image, which the transform needs;
the networks see zeros beyond it, as they did in training.
"""

from __future__ import annotations

import numpy as np

from isthmus.coding.fixed_point import ZERO, highpass
from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.payload import decode_sixteenths
from isthmus.coding.range_coder import Int32
from isthmus.image.box import Box
from isthmus.image.coders.masking import DC_CHANNELS
from isthmus.image.coders.protocol import Payloads, UInt8
from isthmus.image.coders.separable.arrays import Float32, mirror_signs, nominal_step_of, steps_of, transform_of
from isthmus.image.coders.separable.gains import STEPS, as_factors, gain_exponents, gains_of
from isthmus.image.coders.separable.graphs import grid_graph, trunk_graph
from isthmus.image.coders.separable.networks import NEAR, SQUARE, shape_of
from isthmus.image.coders.tiles import Whole, Window, dtype_for
from isthmus.image.grid import BLOCK, MARGIN, Grid, blocks_of
from isthmus.medium.setting import Setting
from isthmus.model.model import Model

EDGE = 1
"""Latent positions beyond the picture's edges."""


def halo_of(model: Model) -> int:
    """Latent positions around a window within which what lies there has a say in its pixels."""
    return shape_of(model).halo


class SeparableSynthesis:
    """How the separable coder makes pixels; see `isthmus.image.coders.tiles.Synthesis`.

    Args:
        setting: model, quality, tune and threads.
        payloads: payloads(index) gives the payload of a tile.
        grid: where the tiles lie.
    """

    def __init__(self, setting: Setting, payloads: Payloads, grid: Grid):
        self._setting, self._payloads, self._grid = setting, payloads, grid

    def tile(self, index: int) -> Whole:
        """Latents as they were coded, in sixteenths, and last the exponents of their gains: (h, w, C + 1)."""
        return with_gains(self._setting, decode_tile(self._setting, self._payloads(index), self._grid, index))

    def around(self, part: Box) -> Box:
        grid = self._grid
        everything = Box(0, 0, grid.latent_height, grid.latent_width).grown(EDGE)
        return blocks_of(part).grown(halo_of(self._setting.model)).shared(everything)

    def pixels(self, window: Window, around: Box, part: Box) -> UInt8:
        whole = window.latents
        for axis, turned in ((0, window.turned_rows), (1, window.turned_columns)):
            if len(turned):
                index = turned if axis == 0 else (slice(None), turned)
                whole[index] *= turned_signs(self._setting.model, axis)
        pixels = synthesise(self._setting, whole)
        covered = Box(around.top * BLOCK + MARGIN, around.left * BLOCK + MARGIN, *pixels.shape[:2])
        return pixels[part.within(covered).slices]


def decode_tile(setting: Setting, payload: bytes, grid: Grid, index: int) -> Int32:
    """Latents (h, w, C) int32 of one tile, as they were coded, in sixteenths of a step.

    Raises:
        CorruptError: the payload is damaged.
    """
    _, _, height, width = grid.latent_box(index)
    dials = setting.quality.hundredths, setting.tune.hundredths
    with setting.one_thread():
        return decode_sixteenths(setting.model.entropy, payload, height, width, *dials)


def turned_signs(model: Model, axis: int) -> Float32:
    """(C + 1,): what latents, and last the exponents of their gains, are multiplied by in a mirror."""
    return np.append(mirror_signs(model, axis), np.float32(1))


def with_gains(setting: Setting, sixteenths: Int32) -> Whole:
    """Latents (h, w, C) of a tile, as they were coded -> (h, w, C + 1): last the exponents of their gains."""
    height, width, channels = sixteenths.shape
    out = np.zeros((height, width, channels + 1), dtype_for(sixteenths))
    out[:, :, :channels] = sixteenths
    gains = gains_of(setting, height, width)
    if gains:
        out[:, :, channels] = gain_exponents(setting, sixteenths[:, :, gains.source])
    return out


def synthesise(setting: Setting, whole: Float32) -> UInt8:
    """Pixels (16(h-1), 16(w-1), 3) uint8: of all windows that are there, right or not.

    Args:
        whole: (h, w, C + 1) as `with_gains` returns them.
    """
    model = setting.model
    trunk = setting.network(trunk_graph)
    corrections, hidden = trunk.all(features=_features(model, whole)[None], bias=_trunk_bias(setting))
    coefficients = whole[:, :, :-1] * (steps_of(setting) / np.float32(MEAN_STEPS))
    coefficients[:, :, : corrections.shape[-1]] += nominal_step_of(setting) * corrections[0]
    gains = gains_of(setting, *whole.shape[:2])
    if gains:
        coefficients[:, :, gains.first :] *= as_factors(whole[:, :, -1:])
    with setting.one_thread():
        squares = transform_of(model).synthesise(coefficients, SQUARE)
    return side_by_side(setting.network(grid_graph)(hidden=hidden, squares=squares))


def side_by_side(squares: UInt8) -> UInt8:
    """Samples (h, w, 48) of squares of 4x4 pixels, row by row, as pixels (4h, 4w, 3)."""
    height, width, samples = squares.shape
    # Rows of a square as one item each: NumPy copies whole items several times as fast as their bytes.
    row = np.dtype((np.void, samples // SQUARE))
    rows = squares.view(row).reshape(height, width, SQUARE).transpose(0, 2, 1)
    return np.ascontiguousarray(rows).view(np.uint8).reshape(SQUARE * height, SQUARE * width, -1)


def _features(model: Model, whole: Float32) -> UInt8:
    """What the network at 1/16 sees of latents (h, w, C + 1), in sixteenths about `ZERO`: their companded magnitudes
    with their signs, of the DC coefficients what differs from their mean around; and the octaves of their gains."""
    height, width, channels = whole.shape
    flat = whole.reshape(height * width, channels)
    features = model.context.as_bytes(flat)
    around = highpass(flat[:, :DC_CHANNELS].astype(np.float64), height, width, NEAR)
    features[:, :DC_CHANNELS] = model.context.as_bytes(around)
    features[:, -1] = np.clip(flat[:, -1] * (MEAN_STEPS // STEPS), -ZERO, ZERO - 1) + ZERO
    return features.reshape(whole.shape)


def _trunk_bias(setting: Setting) -> Float32:
    """(W,) float32: the bias of the network's first layer where the dials stand."""
    arrays, quality = setting.model.arrays, setting.quality_weights
    tuned = setting.tune.share * (quality @ arrays["trunk.tuned"])
    return np.asarray(arrays["trunk.enter.bias"] + quality @ arrays["trunk.quality"] + tuned, np.float32)
