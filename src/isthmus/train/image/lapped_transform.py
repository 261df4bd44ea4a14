"""The lapped cosine transform that training starts from, with the colours decorrelated, for the linear layers.

A network that begins as a good transform codec only has to improve on it. The lapped transform is the time-domain
one of Tran, Liang and Tu (IEEE TSP 2003): a filter across every block edge, then a DCT of each block; the filter is
found by maximising the coding gain of a first-order Gauss-Markov source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.image.grid import BLOCK

Array = npt.NDArray[np.float64]

STEP_FREQUENCIES = (0.0, 1.0, 2.5, 5.0, 9.0, 16.0)
"""In half cycles a block; between them steps are interpolated."""
BRIGHT_LOG_STEPS = (-0.5, -0.5, -0.2, 0.1, 0.2, 0.5)
COLOUR_LOG_STEPS = (-0.35, -0.1, 0.1, 0.1, 0.4, 0.4)
EXTRA_LOG_STEP = (0.0, 0.0, -0.25)
"""Found by search on eight training crops (docs/adr/steps-for-the-eye.md)."""


@dataclass(frozen=True)
class LappedTransform:
    """A linear transform of overlapping 32x32 windows, every 16 pixels, and its inverse."""

    analysis: Array
    """(latents, 3, 32, 32): rows of the forward transform."""
    synthesis: Array
    """(latents, 3, 32, 32): basis functions, of unit norm."""
    parity: npt.NDArray[np.int64]
    """(latents, 2): 1 where a basis function is odd vertically, horizontally."""
    variance: Array
    """(latents,): mean square of each coefficient on the pictures given."""
    log_steps: Array
    """(latents,): logarithm of each coefficient's quantization step, less that of the nominal step."""


def dct_matrix(size: int) -> Tensor:
    """(size, size) orthonormal DCT-II, a basis function a row."""
    n = torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(math.pi * (n[None] + 0.5) * n[:, None] / size) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix


def _prefilter(core: Tensor) -> Tensor:
    half = core.shape[0]
    eye = torch.eye(half, dtype=torch.float64)
    flip = torch.flip(eye, [0])
    butterfly = torch.cat([torch.cat([eye, flip], 1), torch.cat([flip, -eye], 1)], 0)
    diagonal: Tensor = torch.block_diag(eye, core)  # type: ignore[no-untyped-call]
    product: Tensor = butterfly @ diagonal @ butterfly / 2
    return product


def _windows(core: Tensor) -> tuple[Tensor, Tensor]:
    """Analysis (16, 32) and synthesis (16, 32) of one dimension for the core of the prefilter."""
    half = BLOCK // 2
    before = _prefilter(core)
    after = torch.linalg.inv(before)
    dct = dct_matrix(BLOCK)
    forward = torch.zeros(BLOCK, 2 * BLOCK, dtype=torch.float64)
    inverse = torch.zeros(2 * BLOCK, BLOCK, dtype=torch.float64)
    forward[:half, :BLOCK], forward[half:, BLOCK:] = before[half:], before[:half]
    inverse[:BLOCK, :half], inverse[BLOCK:, half:] = after[:, half:], after[:, :half]
    return dct @ forward, (inverse @ dct.T).T


def coding_gain_db(analysis: Tensor, synthesis: Tensor, correlation: float) -> Tensor:
    """Coding gain in dB of a biorthogonal transform, both (16, 32), on a first-order Gauss-Markov source."""
    n = torch.arange(2 * BLOCK, dtype=torch.float64)
    covariance = correlation ** (n[:, None] - n[None]).abs()
    variance = ((analysis @ covariance) * analysis).sum(1)
    return -10 * torch.log10(variance * (synthesis**2).sum(1)).mean()


@cache
def lapped_windows(correlations: tuple[float, ...] = (0.95, 0.9)) -> tuple[Array, Array]:
    """Analysis and synthesis (16, 32) of one dimension; synthesis rows have unit norm."""
    core = torch.eye(BLOCK // 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([core], max_iter=2500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        windows = _windows(core)
        value = -torch.stack([coding_gain_db(*windows, c) for c in correlations]).mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    analysis, synthesis = _windows(core.detach())
    norm = (synthesis**2).sum(1, keepdim=True).sqrt()
    return (analysis * norm).numpy(), (synthesis / norm).numpy()


def colour_transform(pictures: npt.NDArray[np.uint8]) -> Array:
    """(3, 3) orthonormal rows that decorrelate the horizontal differences of pictures (N, H, W, 3)."""
    difference = np.diff(pictures.astype(np.float64), axis=2).reshape(-1, 3)
    _, vectors = np.linalg.eigh(difference.T @ difference)
    rows = vectors.T[::-1].copy()
    return np.asarray(rows * np.where(rows.sum(1, keepdims=True) < 0, -1.0, 1.0))


def relative_log_steps(colours: npt.NDArray[np.int64], u: Array, v: Array) -> Array:
    """Logarithms of quantization steps for coefficients of a colour (0 brightness, 1 and 2) and frequencies u, v in
    half cycles a block, less that of the nominal step.

    Equal steps are best for squared error. The eye, and the metrics that follow it, see errors of low frequencies
    first.
    """
    radius = np.log1p(np.hypot(u, v))
    knots = np.log1p(STEP_FREQUENCIES)
    bright, coloured = (np.interp(radius, knots, steps) for steps in (BRIGHT_LOG_STEPS, COLOUR_LOG_STEPS))
    return np.asarray(np.where(colours == 0, bright, coloured) + np.array(EXTRA_LOG_STEP)[colours])


def make_lapped_transform(pictures: npt.NDArray[np.uint8], latents: int) -> LappedTransform:
    """The transform for pictures (N, H, W, 3) uint8, keeping the `latents` coefficients of largest variance."""
    forward, inverse = lapped_windows()
    colours = colour_transform(pictures)
    window = 2 * BLOCK
    height = (pictures.shape[1] - BLOCK) // BLOCK * BLOCK
    width = (pictures.shape[2] - BLOCK) // BLOCK * BLOCK
    variance = np.zeros((3, BLOCK, BLOCK))
    for picture in pictures:
        planes = (picture.astype(np.float64) - 128) @ colours.T
        view = np.lib.stride_tricks.sliding_window_view(planes, (window, window), axis=(0, 1))
        blocks = view[:height:BLOCK, :width:BLOCK]
        coefficients = np.einsum("hwcij,ui,vj->hwcuv", blocks, forward, forward, optimize=True)
        variance += (coefficients**2).mean((0, 1))
    mean_square = (variance / len(pictures)).reshape(-1)
    dc = [colour * BLOCK * BLOCK for colour in range(3)]
    order = dc + [i for i in np.argsort(-mean_square, kind="stable").tolist() if i not in dc]
    chosen = np.array(order[:latents])
    c, u, v = chosen // BLOCK**2, chosen // BLOCK % BLOCK, chosen % BLOCK
    return LappedTransform(
        analysis=np.einsum("nc,ni,nj->ncij", colours[c], forward[u], forward[v]),
        synthesis=np.einsum("nc,ni,nj->ncij", colours[c], inverse[u], inverse[v]),
        parity=np.stack([u % 2, v % 2], 1),
        variance=mean_square[chosen],
        log_steps=relative_log_steps(c, u.astype(np.float64), v.astype(np.float64)),
    )
