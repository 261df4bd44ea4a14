"""What a quantizer of codes is measured by: steps from the decoder's sensitivity, tables from the symbols' counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.autoencoder.estimator import Autoencoder
from isthmus.coding.tables import Tables, counts_from_frequencies

PROBE_ROWS = 256  # pictures that the decoder's sensitivity is measured on
MSE_SHARE = 0.05  # of the model's own error that quantizing may add, where no step is given
EXACT = 1e-6  # of the data's scale: a step for models that make no error
PRIOR_COUNTS = 32.0  # pseudo-pictures of a smooth distribution mixed into the counts
MAX_TABLES = 256  # the coder names a table with one byte; longer codes share tables between numbers of like spread


def default_step(model: Autoencoder, X: ArrayLike) -> float:
    """The step at which quantizing adds a twentieth to the model's mean squared error on samples ``(n, ...)``.

    Where there is no error but rounding, a step that is as small in comparison with the data.
    """
    step = float(np.sqrt(12 * MSE_SHARE * -model.score(X) / model.network_.spec.code_size))
    return max(step, EXACT * float(model.scaling_.scale.max()))


def sensitivity(model: Autoencoder, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square change of a decoded sample per unit of each code number ``(code_size,)``: finite differences."""
    probes = codes[:: -(-len(codes) // PROBE_ROWS)]
    plain = model.inverse_transform(probes)
    nudges = np.maximum(0.25 * codes.std(axis=0), 1e-3)
    change = np.empty(len(nudges))
    for index, nudge in enumerate(nudges):
        moved = probes.copy()
        moved[:, index] += nudge
        change[index] = np.sqrt(np.mean((model.inverse_transform(moved) - plain) ** 2, dtype=np.float64)) / nudge
    return change


def share_tables(symbols: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The table of each column of ``symbols (n, code_size)``: its own, or one for several columns of like spread."""
    size = symbols.shape[1]
    if size <= MAX_TABLES:
        return np.arange(size, dtype=np.uint8)
    rank = np.argsort(np.argsort(symbols.std(axis=0), kind="stable"), kind="stable")
    rows: NDArray[np.uint8] = (rank * MAX_TABLES // size).astype(np.uint8)
    return rows


def count_tables(symbols: NDArray[np.int32], rows: NDArray[np.uint8]) -> Tables:
    """Count the symbols of each table, mixed with a normal distribution for what was seldom or never seen."""
    counts = []
    for row in range(int(rows.max()) + 1):
        column = symbols[:, rows == row].reshape(-1)
        radius = 1 + int(np.abs(column).max()) * 5 // 4
        seen = np.bincount(column + radius, minlength=2 * radius + 1).astype(np.float64)
        grid = np.arange(-radius, radius + 1)
        deviation = max(float(column.std()), 0.5)
        smooth = np.exp(-0.5 * ((grid - column.mean()) / deviation) ** 2)
        counts.append(counts_from_frequencies(np.append(seen + PRIOR_COUNTS * smooth / smooth.sum(), 0.0)))
    return Tables(counts)
