"""How the positions of a plane are divided among passes, and which positions lie around one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Board:
    """Which pass codes which position: a pattern that repeats over the plane.

    Attributes:
        pattern: its rows, each position the number of a phase; phases count from 0.
    """

    pattern: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        found = sorted({phase for row in self.pattern for phase in row})
        if len({len(row) for row in self.pattern}) != 1 or found != list(range(len(found))) or not found:
            raise ValueError(f"a board: expected rows of one length with all phases from 0 on, found {self.pattern}")

    @property
    def rows(self) -> int:
        """Of the pattern."""
        return len(self.pattern)

    @property
    def columns(self) -> int:
        """Of the pattern."""
        return len(self.pattern[0])

    @cached_property
    def phases(self) -> range:
        """The numbers of the passes that it is coded in."""
        return range(1 + max(map(max, self.pattern)))


LATTICES = Board(((0, 4, 2, 4), (4, 3, 4, 3), (2, 4, 1, 4), (4, 3, 4, 3)))
"""Ever finer lattices: every pass doubles what is known."""
CHECKERBOARD = Board(((0, 1), (1, 0)))
"""Two halves."""


def phases(board: Board, height: int, width: int) -> npt.NDArray[np.int64]:
    """(H, W): the pass in which each position is coded."""
    pattern = np.array(board.pattern, np.int64)
    return np.tile(pattern, (-(-height // board.rows), -(-width // board.columns)))[:height, :width]


@lru_cache(maxsize=64)
def positions(board: Board, phase: int, height: int, width: int) -> npt.NDArray[np.intp]:
    """(P,), not to be written to: the positions that a pass codes, as flat indices."""
    found = np.flatnonzero(phases(board, height, width).reshape(-1) == phase)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=24)
def known_around(board: Board, phase: int, height: int, width: int, window: tuple[int, int]) -> npt.NDArray[np.float64]:
    """(P, rows*columns) of 0 and 1, not to be written to: which neighbours are known of the positions of a pass."""
    before = (phases(board, height, width).reshape(-1) < phase).astype(np.float64)[:, None]
    windows = window_positions(height, width, window)[positions(board, phase, height, width)]
    known: npt.NDArray[np.float64] = pad(before, height, width, window)[windows, 0]
    known.flags.writeable = False
    return known


@lru_cache(maxsize=8)
def count_phases(board: Board, height: int, width: int) -> tuple[int, ...]:
    """Positions that each pass codes."""
    counts = np.bincount(phases(board, height, width).reshape(-1), minlength=len(board.phases))
    return tuple(counts.tolist())


@lru_cache(maxsize=16)
def window_positions(height: int, width: int, window: tuple[int, int]) -> npt.NDArray[np.intp]:
    """(H*W, rows*columns), not to be written to: the neighbourhood of each position, as flat indices into a plane that
    is padded by half a window."""
    rows, columns = window
    padded = width + columns - 1
    i, j = np.indices((height, width))
    di, dj = np.indices((rows, columns))
    base = (i * padded + j).reshape(-1, 1)
    positions = np.asarray(base + (di * padded + dj).reshape(1, -1), np.intp)
    positions.flags.writeable = False
    return positions


def pad(planes: npt.NDArray[Any], height: int, width: int, window: tuple[int, int]) -> npt.NDArray[Any]:
    """planes (H*W, C) -> zero-padded by half a window, flattened (H'*W', C)."""
    channels = planes.shape[1]
    top, left = window[0] // 2, window[1] // 2
    out = np.zeros((height + 2 * top, width + 2 * left, channels), planes.dtype)
    out[top : top + height, left : left + width] = planes.reshape(height, width, channels)
    return out.reshape(-1, channels)
