"""Probability tables of integers: what the coder knows of a symbol is the index of its table.

A table covers the symbols -m..m and an escape, as counts that sum to 2**16. The counts are computed once, when a model
is exported, and travel with it: nothing here evaluates a density.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

TOTAL = 1 << 16
"""Sum of the counts of one table."""
MAX_RADIUS = 4096
"""Largest m of a table; a model file that asks for more is refused before anything is allocated."""


class Tables:
    """Tables of integer counts; table k covers the symbols -radius[k]..radius[k], and last the escape.

    Args:
        counts: one `(2 * m + 2,)` integer array a table, every count at least 1, summing to `TOTAL`.

    Raises:
        ValueError: a table has another length or sum, or a count below 1.
    """

    def __init__(self, counts: Sequence[npt.NDArray[np.int64]]):
        for index, count in enumerate(counts):
            width = len(count)
            if count.ndim != 1 or width < 2 or width % 2 or width > 2 * MAX_RADIUS + 2:
                raise ValueError(
                    f"table {index}: expected 2m+2 counts with m <= {MAX_RADIUS}, found shape {count.shape}"
                )
            if count.min() < 1 or int(count.sum()) != TOTAL:
                raise ValueError(
                    f"table {index}: expected counts of at least 1 that sum to {TOTAL}, "
                    f"found minimum {count.min()} and sum {count.sum()}"
                )
        self.counts = [np.asarray(count, np.int64) for count in counts]
        self.radius = np.array([(len(count) - 2) // 2 for count in counts], np.int32)
        self._models: list[Any] = [None] * len(counts)

    def __getstate__(self) -> dict[str, Any]:
        # What the coder makes of the counts cannot be pickled, and is soon made again.
        return {"counts": self.counts, "radius": self.radius}

    def __len__(self) -> int:
        return len(self.counts)

    def model(self, index: int) -> Any:
        """A table as the range coder's categorical model; made when it is first needed."""
        if self._models[index] is None:
            # Imported on first use: `isthmus info` needs no coder.
            import constriction

            # Dyadic probabilities are exact floats, so every machine builds the same model from them.
            probabilities = self.counts[index] / float(TOTAL)
            self._models[index] = constriction.stream.model.Categorical(probabilities, perfect=False)
        return self._models[index]

    @cached_property
    def bits(self) -> npt.NDArray[np.float32]:
        """(tables, 2 * M + 1) float32: cost in bits of the symbols -M..M, M the largest radius.

        For the encoder's decisions only. A symbol outside its table costs the escape and the 24 bits that follow it."""
        most = int(self.radius.max())
        bits = np.empty((len(self), 2 * most + 1), np.float32)
        for index, count in enumerate(self.counts):
            cost = np.log2(TOTAL / count.astype(np.float64))
            m = int(self.radius[index])
            bits[index] = cost[-1] + 24
            bits[index, most - m : most + m + 1] = cost[:-1]
        return bits

    @cached_property
    def savings(self) -> npt.NDArray[np.float32]:
        """(tables, 2 * M + 3) float32: bits saved by the next symbol towards zero, for the symbols -M-1..M+1.

        Beyond M one costs as much as the next: nothing is saved. Nor is there anything to save at zero.
        """
        most = self.bits.shape[1] // 2
        symbols = np.arange(-most - 1, most + 2)
        now, then = (np.clip(s, -most, most) + most for s in (symbols, symbols - np.sign(symbols)))
        return np.asarray(self.bits[:, now] - self.bits[:, then])

    def pack(self) -> npt.NDArray[np.int64]:
        """All tables in one array: each one's length, then its counts."""
        packed: npt.NDArray[np.int64] = np.concatenate([np.append(len(c), c) for c in self.counts])
        return packed

    @staticmethod
    def unpack(packed: npt.NDArray[np.int64]) -> Tables:
        """Tables from what `pack` returned; raises ValueError if the lengths do not fit."""
        counts, at = [], 0
        while at < len(packed):
            length = int(packed[at])
            if length < 2 or at + 1 + length > len(packed):
                raise ValueError(f"packed tables: a table of {length} counts at {at} of {len(packed)} values")
            counts.append(packed[at + 1 : at + 1 + length])
            at += 1 + length
        return Tables(counts)


def counts_from_frequencies(frequencies: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Integer counts of at least 1, summing to `TOTAL`, in proportion to non-negative frequencies `(n,)`."""
    share = np.asarray(frequencies, np.float64)
    share = share / share.sum() * (TOTAL - len(share))
    counts = np.floor(share).astype(np.int64)
    left = TOTAL - len(share) - int(counts.sum())
    counts[np.argsort(-(share - counts), kind="stable")[:left]] += 1
    return np.asarray(counts + 1)
