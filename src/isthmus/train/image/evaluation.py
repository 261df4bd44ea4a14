"""Whole pictures through the networks in training form, just as the codec would code them; no bytes are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.train.config import BLOCK, TrainConfig
from isthmus.train.context import Observe
from isthmus.train.image.modules import Network

HALO = 4
"""Latent positions around a picture within which the networks' zero padding can be felt, as when decoding."""
EVEN = 2 * BLOCK
"""The checkerboard in training form wants an even number of blocks a side."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Point:
    """A point of a rate-distortion curve: means over pictures."""

    quality: int
    bpp: float
    psnr_db: float


def middle(pixels: Pixels, side: int) -> Pixels:
    """The middle of a picture (3, H, W), at most `side` pixels each way."""
    top, left = (max(0, size - side) // 2 for size in pixels.shape[1:])
    return pixels[:, top : top + side, left : left + side]


def prepare(pixels: Pixels) -> Tensor:
    """(3, H, W) uint8 -> (1, 3, H', W') uint8: whole pairs of blocks, the rest cut off; at least one pair."""
    h, w = (max(size // EVEN, 1) * EVEN for size in pixels.shape[1:])
    cut = pixels[:, :h, :w]
    margins = [(0, 0), (0, h - cut.shape[1]), (0, w - cut.shape[2])]
    return torch.from_numpy(np.ascontiguousarray(np.pad(cut, margins, mode="symmetric")))[None]


def _mirror(index: Tensor, size: int) -> Tensor:
    period = torch.remainder(index, 2 * size)
    return torch.minimum(period, 2 * size - 1 - period)


def _around(latents: Tensor, parity: Tensor) -> Tensor:
    """Latents (B, C, h, w) continued by `HALO` on all sides as those of the mirrored picture."""
    for axis in (2, 3):
        size = latents.shape[axis]
        index = torch.arange(-HALO, size + HALO, device=latents.device)
        outside = (torch.remainder(index, 2 * size) >= size).float()
        shape = [1, 1, 1, 1]
        shape[axis] = len(index)
        odd = parity[:, axis - 2].float()[None, :, None, None]
        latents = latents.index_select(axis, _mirror(index, size)) * (1 - 2 * odd * outside.reshape(shape))
    return latents


@torch.no_grad()
def code(
    network: Network, pixels: Tensor, quality: float, config: TrainConfig, observe: Observe | None = None
) -> tuple[Tensor, Tensor]:
    """pixels (B, 3, 32m, 32n) uint8 at a quality in 0..1 -> reconstructions, alike, and bits (B, C, 2m, 2n)."""
    dial = network.at(torch.full((len(pixels),), quality, device=pixels.device))
    margin = BLOCK // 2
    x = pixels
    for axis in (2, 3):
        index = torch.arange(-margin, x.shape[axis] + margin, device=x.device)
        x = x.index_select(axis, _mirror(index, x.shape[axis]))
    y = network.analysis(x.float() - 128, dial.steps)
    decoded, bits = network.quantized(y, dial, config.rdoq_weight, observe)
    output = network.synthesis(_around(decoded, network.parity), dial.steps, dial.nominal, dial.weights)
    cut = HALO * BLOCK - margin
    output = torch.floor((output[:, :, cut:-cut, cut:-cut] + 128.5).clamp(0, 255)).to(torch.uint8)
    return output, bits


def psnr_db(a: Tensor, b: Tensor) -> float:
    """Of two uint8 pictures; 99 where they are equal."""
    mse = float(((a.float() - b.float()) ** 2).mean())
    return 10 * math.log10(255**2 / mse) if mse else 99.0


def measure(
    network: Network, pictures: Iterable[Pixels], qualities: Iterable[int], config: TrainConfig, dtype: torch.dtype
) -> list[list[Point]]:
    """Estimated bits per pixel and PSNR at qualities in 0..100: for each a point for each picture (3, H, W)."""
    device = network.nominal.device
    prepared = [prepare(picture).to(device) for picture in pictures]
    measured = []
    for quality in qualities:
        points = []
        for pixels in prepared:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                output, bits = code(network, pixels, quality / 100, config)
            bpp = float(bits.sum()) / (pixels.shape[2] * pixels.shape[3])
            points.append(Point(quality, bpp, psnr_db(output, pixels)))
        measured.append(points)
    return measured


def means(measured: Iterable[Sequence[Point]]) -> list[Point]:
    """The mean point of each quality."""
    return [
        Point(points[0].quality, float(np.mean([p.bpp for p in points])), float(np.mean([p.psnr_db for p in points])))
        for points in measured
    ]


def percent_more(before: Sequence[Point], after: Sequence[Point]) -> float | None:
    """Bytes of `after` at equal PSNR, in percent more than those of `before`; None if they share no PSNR.

    The BD-rate with straight lines between the points of log-rate, as rough as few points and pictures are; that of
    the bench needs SciPy, which training does without.
    """
    if not before or not after:
        return None
    curves = [np.array(sorted((p.psnr_db, math.log(p.bpp)) for p in points)).T for points in (before, after)]
    low, high = max(psnr[0] for psnr, _ in curves), min(psnr[-1] for psnr, _ in curves)
    if high <= low:
        return None
    levels = np.linspace(low, high, 100)
    logs = [np.interp(levels, *curve) for curve in curves]
    return float(100 * math.expm1(np.mean(logs[1] - logs[0])))
