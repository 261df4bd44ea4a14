"""The lapped cosine transform of a new model, with the colours decorrelated, and its quantization steps for the eye.

It is the time-domain one of Tran, Liang and Tu (IEEE TSP 2003): a filter across every block edge, then a DCT of each
block; the filter is found by maximising the coding gain of a first-order Gauss-Markov source.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.image.coders.masking import striking
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import BLOCK

Array = npt.NDArray[np.float64]

STEP_FREQUENCIES = (0.0, 1.0, 2.5, 5.0, 9.0, 16.0)
"""In half cycles a block; between them steps are interpolated."""
BRIGHT_LOG_STEPS = (-0.5, -0.5, -0.2, 0.1, 0.2, 0.5)
COLOUR_LOG_STEPS = (-0.35, -0.1, 0.1, 0.1, 0.4, 0.4)
EXTRA_LOG_STEP = (0.0, 0.0, -0.25)
"""Found by search on eight training crops (docs/adr/steps-for-the-eye.md)."""
SHARPER, SHARP_BELOW = 0.18, 8
"""How much smaller the step of the lowest brightness frequency is than that; from this frequency on it is not."""
LEVEL = 0.25
"""How much smaller all steps are, as a logarithm: gains make most of them larger."""

STRIKING_STEPS = 0.15
"""How much smaller steps are where errors strike the eye, as a power of how much they do."""


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


def eye_log_steps(channels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """(C,) float32: logarithms of quantization steps under tune eye, less that of the nominal step.

    Equal steps are best for squared error. The eye, and the metrics that follow it, see errors of low frequencies
    first.

    Args:
        channels: (C, 3), of each channel the colour (0 brightness, 1 and 2) and the vertical and the horizontal
            frequency in half cycles a block.
    """
    colours, distance = channels[:, 0], np.hypot(channels[:, 1], channels[:, 2])
    radius, knots = np.log1p(distance), np.log1p(STEP_FREQUENCIES)
    bright, coloured = (np.interp(radius, knots, steps) for steps in (BRIGHT_LOG_STEPS, COLOUR_LOG_STEPS))
    steps = np.where(colours == 0, bright, coloured) + np.array(EXTRA_LOG_STEP)[colours]
    low = np.where((colours == 0) & (distance > 0), np.clip(1 - distance / SHARP_BELOW, 0, 1), 0)
    struck = STRIKING_STEPS * np.log(striking(channels))
    return np.asarray(steps + np.log(1 - SHARPER * low) - LEVEL - struck, np.float32)


def make_lapped_transform(pictures: npt.NDArray[np.uint8], latents: int) -> LappedTransform:
    """The transform for pictures (N, H, W, 3) uint8, H and W multiples of 16, keeping the `latents` coefficients of
    largest variance: the three DC coefficients first, then the others, the largest first."""
    forward, inverse = (windows.astype(np.float32) for windows in lapped_windows())
    colour = colour_transform(pictures).astype(np.float32)
    every = np.stack(np.meshgrid(np.arange(3), np.arange(BLOCK), np.arange(BLOCK), indexing="ij"), -1).reshape(-1, 3)
    whole = LappedTransform(forward, inverse, colour, every)
    mean_square = np.mean([(whole.analyse(picture) ** 2).mean((0, 1), np.float64) for picture in pictures], 0)
    is_dc = (every[:, 1:] == 0).all(1)
    order = np.argsort(np.where(is_dc, -np.inf, -mean_square), kind="stable")
    return LappedTransform(forward, inverse, colour, every[order[:latents]])
