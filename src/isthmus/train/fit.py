"""Fits the probability tables to what the encoder really writes: one histogram a row, over pictures and qualities.

The networks are trained with Laplace distributions. The encoder's rate-distortion decisions and the networks' own
errors bend the true ones; measured tables cost nothing at the decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus import tiles
from isthmus.context import ROWS, Float64, Rows
from isthmus.entropy.tables import TOTAL, Tables, counts_from_frequencies
from isthmus.model import Model
from isthmus.train.context import COST_COLUMNS, laplace_costs

FLAT_BITS = 0.3
"""In rows flatter than this between 0 and 1, training keeps the Laplace costs, which have a slope everywhere."""
PRIOR = 2000.0
"""Symbols that the Laplace table counts for in every row."""


def collect(
    model: Model, pictures: Iterable[npt.NDArray[np.uint8]], qualities: Sequence[int], threads: int | None = None
) -> list[Float64]:
    """How often each symbol -m..m and the escape occurs in each row of the model's tables.

    Args:
        pictures: (H, W, 3) uint8 arrays.
        qualities: 0..10000; picture i is coded at quality i modulo their number.
    """
    radius = model.tables.radius
    histograms = [np.zeros(2 * int(m) + 2) for m in radius]

    def count(symbols: npt.NDArray[np.int64], rows: Rows) -> None:
        for row in np.unique(rows):
            m = int(radius[row])
            found = symbols[rows == row]
            index = np.where(np.abs(found) > m, 2 * m + 1, found + m)
            histograms[row] += np.bincount(index, minlength=2 * m + 2)

    for i, picture in enumerate(pictures):
        quality = qualities[i % len(qualities)]
        source = tiles.ArraySource(picture)
        grid = tiles.Grid(source.width, source.height)
        for index in range(grid.count):
            box = grid.latent_box(index)
            y = tiles.analyse(model, source, box, quality, threads)
            code = _counting(tiles.Quantizer(model, y, quality), count)
            model.context.walk(box[2], box[3], quality, code)
    return histograms


def _counting(
    quantizer: tiles.Quantizer, count: Callable[[npt.NDArray[np.int64], Rows], None]
) -> Callable[[slice, npt.NDArray[np.intp], Float64, Rows], Float64]:
    def code(channels: slice, at: npt.NDArray[np.intp], means: Float64, rows: Rows) -> Float64:
        decoded = quantizer(channels, at, means, rows)
        count(np.rint(decoded - means).astype(np.int64).reshape(-1), rows.reshape(-1))
        return decoded

    return code


def fitted(tables: Tables, histograms: list[Float64]) -> Tables:
    """Tables in which each row mixes its histogram, made symmetric and smooth, with `PRIOR` symbols of the row as it was."""
    counts = []
    for old, histogram in zip(tables.counts, histograms, strict=True):
        m = (len(old) - 2) // 2
        prior = old / TOTAL
        symmetric = histogram.copy()
        symmetric[:-1] = (histogram[:-1] + histogram[-2::-1]) / 2
        # Wide rows are smooth: average over a window that grows with the mean magnitude of the row's symbols.
        spread = float((prior[:-1] * np.abs(np.arange(-m, m + 1))).sum())
        reach = int(spread / 4)
        if reach:
            window = np.ones(2 * reach + 1) / (2 * reach + 1)
            symmetric[:-1] = np.convolve(np.pad(symmetric[:-1], reach, mode="reflect"), window, "valid")
        # Far from zero single symbols are rare; there the old table's shape carries the measured total.
        far = np.ones(len(old), bool)
        near = max(16, int(4 * spread))
        far[max(0, m - near) : m + near + 1] = False
        symmetric[far] = prior[far] * (symmetric[far].sum() / max(prior[far].sum(), 1e-12))
        counts.append(counts_from_frequencies(symmetric + PRIOR * prior))
    return Tables(counts)


def fit_tables(
    model: Model,
    pictures: Sequence[npt.NDArray[np.uint8]],
    qualities: Sequence[int],
    rounds: int = 2,
    threads: int | None = None,
) -> Tables:
    """Tables for a model, from the symbols that its encoder chooses; a second round follows its changed choices."""
    start = model.tables
    for _ in range(rounds):
        histograms = collect(model, pictures, qualities, threads)
        arrays = {**model.arrays, "tables": fitted(start, histograms).pack().astype(np.int32)}
        model = replace(model, arrays=arrays)
    assert len(model.tables) == ROWS
    return model.tables


def training_costs(tables: Tables) -> Tensor:
    """(ROWS, COST_COLUMNS) float32: bits of the symbols 0, 1, ... by the tables, for `isthmus.train.context.quantize`."""
    costs = np.empty((len(tables), COST_COLUMNS))
    smooth = laplace_costs().numpy()
    for row, count in enumerate(tables.counts):
        m = int(tables.radius[row])
        if smooth[row, 1] - smooth[row, 0] < FLAT_BITS:
            costs[row] = smooth[row]
            continue
        bits = np.log2(TOTAL / count[m : 2 * m + 1].astype(np.float64))[:COST_COLUMNS]
        rest = np.arange(1, COST_COLUMNS - len(bits) + 1)
        costs[row] = np.concatenate([bits, bits[-1] + rest * (bits[-1] - bits[-2])])
    # A symbol never costs less than a smaller one: the encoder's greedy choice relies on it.
    return torch.from_numpy(np.maximum.accumulate(costs, 1)).float()
