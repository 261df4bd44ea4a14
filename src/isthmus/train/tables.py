"""Fits the probability tables to what the encoder chooses: a histogram a scale index, over pictures and both dials.

Training begins with the costs of Laplace distributions. The encoder's rate-distortion decisions and the networks' own
errors bend the true ones; measured tables cost nothing at the decoder, and training on their costs gains as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.coding.fixed_point import Float64
from isthmus.coding.formats import SCALES
from isthmus.coding.tables import TOTAL, Tables, counts_from_frequencies
from isthmus.coding.trellis import FIRST_SCALE, SYMBOL_STEP
from isthmus.train.config import TrainConfig
from isthmus.train.image.evaluation import code, middle, prepare
from isthmus.train.image.modules import Network
from isthmus.train.quantization import COST_COLUMNS, SCALE_MAX, SCALE_MIN, laplace_costs

MIN_RADIUS, MAX_RADIUS = 12, 1500
"""Bounds on the symbols of a table; real distributions have longer tails than the Laplace one."""
FLAT_BITS = 0.3
"""In tables flatter than this between 0 and 1, training keeps the Laplace costs, which have a slope everywhere."""
PRIOR = 2000.0
"""Symbols that the Laplace table counts for in every table."""
QUALITIES = 15
"""The pictures are coded at this many qualities in turn, an odd number, and at either end of tune."""


def laplace_tables(trellis: bool = False) -> Tables:
    """One table a scale index: the Laplace distribution that the index stands for before anything is measured; with a
    trellis that of its symbols, where it has some."""
    counts = []
    for index in range(SCALES):
        scale = SCALE_MIN * math.exp(math.log(SCALE_MAX / SCALE_MIN) * index / (SCALES - 1))
        if trellis and index >= FIRST_SCALE:
            scale /= SYMBOL_STEP
        radius = max(MIN_RADIUS, min(MAX_RADIUS, math.ceil(scale * 9)))
        x = np.arange(radius + 1)
        tail = 0.5 * np.exp(-(x + 0.5) / scale)  # P(X > x + 1/2)
        mass = np.empty(radius + 1)
        mass[0] = 1 - 2 * tail[0]
        mass[1:] = tail[:-1] - tail[1:]
        counts.append(counts_from_frequencies(np.concatenate([mass[:0:-1], mass, [2 * tail[-1]]])))
    return Tables(counts)


class SymbolCounts:
    """Counts the symbols that a `ContextModel` chooses, as its `observe`, at each scale index."""

    def __init__(self, device: torch.device | None = None):
        self._width = 2 * MAX_RADIUS + 3
        self._counts = torch.zeros(SCALES * self._width, dtype=torch.int64, device=device)

    def __call__(self, symbols: Tensor, scales: Tensor) -> None:
        beyond = symbols.abs() > MAX_RADIUS
        index = torch.where(beyond, self._width - 1, symbols + MAX_RADIUS) + scales * self._width
        self._counts += torch.bincount(index.reshape(-1).long(), minlength=len(self._counts))

    def histograms(self) -> Float64:
        """(SCALES, 2 MAX_RADIUS + 3): how often each symbol, and last any beyond, was chosen at each scale index."""
        return np.asarray(self._counts.reshape(SCALES, self._width).cpu().numpy(), np.float64)


def collect(
    network: Network, pictures: Sequence[npt.NDArray[np.uint8]], config: TrainConfig, dtype: torch.dtype
) -> Float64:
    """(SCALES, 2 MAX_RADIUS + 3): how often each symbol, and last any beyond, is chosen at each scale index.

    Args:
        pictures: (3, H, W) uint8 arrays; `config.fit_pictures` of them, or again and again, at many qualities.
    """
    device = network.nominal.device
    counts = SymbolCounts(device)
    n, wanted = len(pictures), config.fit_pictures
    for i in range(wanted):
        # Few pictures are coded several times, at other qualities.
        picture = pictures[i * n // wanted if n > wanted else i % n]
        quality, tune = ((i + i // n) % QUALITIES + 0.5) / QUALITIES, float((i + i // n) % 2)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            pixels = prepare(middle(picture, config.fit_side), network.context.definition).to(device)
            code(network, pixels, quality, tune, counts)
    return counts.histograms()


def fitted(tables: Tables, histograms: Float64) -> Tables:
    """Tables that mix each histogram, made symmetric and smooth, with `PRIOR` symbols of the old table.

    Args:
        histograms: (SCALES, 2 MAX_RADIUS + 3), as `collect` returns them.
    """
    counts = []
    for old, full in zip(tables.counts, histograms, strict=True):
        m = (len(old) - 2) // 2
        near_zero = full[MAX_RADIUS - m : MAX_RADIUS + m + 1]
        histogram = np.append(near_zero, full.sum() - near_zero.sum())
        prior = old / TOTAL
        symmetric = histogram.copy()
        symmetric[:-1] = (histogram[:-1] + histogram[-2::-1]) / 2
        # Wide tables are smooth: average over a window that grows with the mean magnitude of the table's symbols.
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
    network: Network,
    pictures: Sequence[npt.NDArray[np.uint8]],
    config: TrainConfig,
    dtype: torch.dtype = torch.float32,
    rounds: int = 1,
) -> Tables:
    """Tables for a network from the symbols that it chooses on pictures (3, H, W), and their costs put into it.

    A second round follows the choices that the first one's costs changed.
    """
    trellis = network.config.trellis
    start = laplace_tables(trellis)
    tables = start
    for _ in range(rounds):
        tables = fitted(start, collect(network, pictures, config, dtype))
        network.context.costs.copy_(training_costs(tables, trellis))
    return tables


def training_costs(tables: Tables, trellis: bool = False) -> Tensor:
    """(SCALES, COST_COLUMNS) float32: bits of the symbols 0, 1, ... by the tables, as training takes them; with a
    trellis of its symbols, where it has some."""
    costs = np.empty((len(tables), COST_COLUMNS))
    smooth = laplace_costs(trellis).numpy()
    for scale, count in enumerate(tables.counts):
        m = int(tables.radius[scale])
        if smooth[scale, 1] - smooth[scale, 0] < FLAT_BITS:
            costs[scale] = smooth[scale]
            continue
        bits = np.log2(TOTAL / count[m : 2 * m + 1].astype(np.float64))[:COST_COLUMNS]
        rest = np.arange(1, COST_COLUMNS - len(bits) + 1)
        costs[scale] = np.concatenate([bits, bits[-1] + rest * (bits[-1] - bits[-2])])
    # A symbol never costs less than a smaller one: the encoder's greedy choice relies on it.
    return torch.from_numpy(np.maximum.accumulate(costs, 1)).float()
