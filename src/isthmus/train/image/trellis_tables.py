"""Fits the probability tables of a trellis to what the codec itself writes, for no training step walks one.

The networks are trained with symbols that are chosen one by one, whose errors are as large on the whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isthmus.coding.fixed_point import Float64
from isthmus.coding.formats import MEAN_STEPS, SCALES
from isthmus.coding.symbols import choose
from isthmus.coding.tables import Tables
from isthmus.coding.trellis import FIRST_SCALE, UNIT
from isthmus.image.coders.separable.analysis import importance_of, latents_to_code
from isthmus.image.coders.separable.gains import gains_of, staged
from isthmus.image.coders.windows import map_of
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.quality import Quality
from isthmus.train.config import TrainConfig
from isthmus.train.image.evaluation import middle
from isthmus.train.tables import MAX_RADIUS, fitted, laplace_tables
from isthmus.tune import NAMES, Tune

QUALITIES = 15
"""Pictures are coded at this many qualities in turn, an odd number, and at either end of tune."""


def with_trellis(
    model: Model, pictures: Sequence[npt.NDArray[np.uint8]], config: TrainConfig, rounds: int = 2
) -> Model:
    """A model whose symbols are of a trellis.

    Args:
        model: with or without tables for that.
        pictures: (3, H, W) uint8; `config.fit_pictures` of them, or again and again, are coded in a round.
        rounds: each follows the choices that the tables of the one before made.
    """
    start = Tables(laplace_tables(2 * UNIT / MEAN_STEPS).counts[FIRST_SCALE:])
    tables = start
    for _ in range(rounds):
        model = _joined(model, tables)
        tables = fitted(start, _histograms(model, pictures, config)[FIRST_SCALE:])
    return _joined(model, tables)


def _joined(model: Model, tables: Tables) -> Model:
    """A model with its own tables and those of a trellis."""
    packed = Tables(model.tables.counts + tables.counts).pack().astype(np.int32)
    return dataclasses.replace(model, arrays={**model.arrays, "tables": packed})


def _histograms(model: Model, pictures: Sequence[npt.NDArray[np.uint8]], config: TrainConfig) -> Float64:
    """(SCALES, 2 MAX_RADIUS + 3): how often each symbol, and last any beyond, is chosen at each scale index."""
    width = 2 * MAX_RADIUS + 3
    counts = np.zeros(SCALES * width, np.int64)
    n, wanted = len(pictures), config.fit_pictures
    for i in range(wanted):
        # Few pictures are coded several times, at other qualities.
        picture = pictures[i * n // wanted if n > wanted else i % n]
        quality = Quality(round(1e4 * ((i + i // n) % QUALITIES + 0.5) / QUALITIES))
        tune = Tune(list(NAMES.values())[(i + i // n) % 2])
        setting = Setting(model, quality, 1, tune)

        def count(pixels: npt.NDArray[np.uint8], setting: Setting = setting) -> Float64:
            y = latents_to_code(setting, pixels)
            latents = staged(y, gains_of(setting, *y.shape[:2]))
            importance = importance_of(setting, y)
            dials = setting.quality.hundredths, importance, setting.tune.hundredths
            with setting.one_thread():
                quantizer, _ = choose(setting.model.entropy, latents, *dials)
            for one in quantizer.coded:
                beyond = np.abs(one.symbols) > MAX_RADIUS
                column = np.where(beyond, width - 1, one.symbols + MAX_RADIUS)
                index = column + one.scales.T.reshape(-1).astype(np.intp) * width
                counts[:] += np.bincount(index, minlength=len(counts))
            return np.zeros(y.shape[:2])

        map_of(np.ascontiguousarray(middle(picture, config.fit_side).transpose(1, 2, 0)), count)
    return counts.reshape(SCALES, width).astype(np.float64)
