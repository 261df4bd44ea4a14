"""How the positions of a plane are divided among passes, and which positions lie around one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Board = Literal["lattices", "checkerboard"]
"""Ever finer lattices, or two halves."""
_PHASES: dict[Board, int] = {"lattices": 5, "checkerboard": 2}


def board_phases(board: Board) -> range:
    """The numbers of the passes that a board is coded in."""
    return range(_PHASES[board])


def phases(board: Board, height: int, width: int) -> npt.NDArray[np.int64]:
    """(H, W): the pass in which each position is coded."""
    i, j = np.indices((height, width))
    if board == "checkerboard":
        return np.asarray((i + j) % 2)
    phase = np.full((height, width), 4)
    phase[(i % 2 == 1) & (j % 2 == 1)] = 3
    phase[(i % 2 == 0) & (j % 2 == 0)] = 2
    phase[(i % 4 == 2) & (j % 4 == 2)] = 1
    phase[(i % 4 == 0) & (j % 4 == 0)] = 0
    return phase


@lru_cache(maxsize=8)
def count_phases(board: Board, height: int, width: int) -> tuple[int, ...]:
    """Positions that each pass codes."""
    counts = np.bincount(phases(board, height, width).reshape(-1), minlength=_PHASES[board])
    return tuple(counts.tolist())


def window_positions(height: int, width: int, window: tuple[int, int]) -> npt.NDArray[np.intp]:
    """(H*W, rows*columns): flat indices, into a plane padded by half a window, of each position's neighbourhood."""
    rows, columns = window
    padded = width + columns - 1
    i, j = np.indices((height, width))
    di, dj = np.indices((rows, columns))
    base = (i * padded + j).reshape(-1, 1)
    return np.asarray(base + (di * padded + dj).reshape(1, -1), np.intp)


def pad(planes: npt.NDArray[Any], height: int, width: int, window: tuple[int, int]) -> npt.NDArray[Any]:
    """planes (H*W, C) -> zero-padded by half a window, flattened (H'*W', C)."""
    channels = planes.shape[1]
    top, left = window[0] // 2, window[1] // 2
    out = np.zeros((height + 2 * top, width + 2 * left, channels), planes.dtype)
    out[top : top + height, left : left + width] = planes.reshape(height, width, channels)
    return out.reshape(-1, channels)
