"""Evaluation: whole pictures through the networks in training form, as the codec would code them; no bytes result."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from isthmus.coding.definition import Definition
from isthmus.image.grid import BLOCK, is_reversed, mirrored
from isthmus.likeness import psnr_of_mse
from isthmus.train.config import TrainConfig
from isthmus.train.context import Observe
from isthmus.train.curve import Point
from isthmus.train.image.modules import Network
from isthmus.train.image.windows import Pixels


def middle(pixels: Pixels, side: int) -> Pixels:
    """The middle of a picture (3, H, W), at most `side` pixels each way."""
    top, left = (max(0, size - side) // 2 for size in pixels.shape[1:])
    return pixels[:, top : top + side, left : left + side]


def prepare(pixels: Pixels, definition: Definition) -> Tensor:
    """(3, H, W) uint8 -> (1, 3, H', W') uint8: as many blocks as the entropy model can split, the rest cut off; at
    least so many as it needs."""
    units = [blocks * BLOCK for blocks in definition.multiple]
    h, w = (max(size // unit, 1) * unit for size, unit in zip(pixels.shape[1:], units, strict=True))
    cut = pixels[:, :h, :w]
    margins = [(0, 0), (0, h - cut.shape[1]), (0, w - cut.shape[2])]
    return torch.from_numpy(np.ascontiguousarray(np.pad(cut, margins, mode="symmetric")))[None]


def _continued(x: Tensor, axis: int, margin: int) -> Tensor:
    """A tensor continued along an axis by mirroring, `margin` at both ends."""
    size = x.shape[axis]
    index = mirrored(np.arange(-margin, size + margin), size)
    return x.index_select(axis, torch.from_numpy(index).to(x.device))


def _around(latents: Tensor, parity: Tensor, halo: int) -> Tensor:
    """Latents (B, C, h, w) continued by `halo` on all sides as those of the mirrored picture.

    Args:
        parity: (C, 2): 1 where a channel's function is odd vertically, horizontally: then its mirror image is negated.
    """
    for axis in (2, 3):
        size = latents.shape[axis]
        outside = is_reversed(np.arange(-halo, size + halo), size)
        shape = [1, 1, 1, 1]
        shape[axis] = len(outside)
        odd = parity[:, axis - 2].float()[None, :, None, None]
        sign = 1 - 2 * odd * torch.from_numpy(outside).to(latents.device).float().reshape(shape)
        latents = _continued(latents, axis, halo) * sign
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
        x = _continued(x, axis, margin)
    y = network.analysis(x.float() - 128, dial.steps)
    decoded, bits = network.quantized(y, dial, config.rdoq_weight, observe)
    halo = network.synthesis.halo
    output = network.synthesis(_around(decoded, network.parity, halo), dial.steps, dial.nominal, dial.weights)
    cut = halo * BLOCK - margin
    output = torch.floor((output[:, :, cut:-cut, cut:-cut] + 128.5).clamp(0, 255)).to(torch.uint8)
    return output, bits


def capped_psnr_db(a: Tensor, b: Tensor) -> float:
    """PSNR of two uint8 pictures; 99 dB where they are equal."""
    mse = float(((a.float() - b.float()) ** 2).mean())
    return psnr_of_mse(mse) if mse else 99.0


def measure(
    network: Network, pictures: Iterable[Pixels], qualities: Iterable[int], config: TrainConfig, dtype: torch.dtype
) -> list[list[Point]]:
    """Estimated bits per pixel and PSNR at qualities in 0..100: for each a point for each picture (3, H, W)."""
    device = network.nominal.device
    prepared = [prepare(picture, network.context.definition).to(device) for picture in pictures]
    measured = []
    for quality in qualities:
        points = []
        for pixels in prepared:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                output, bits = code(network, pixels, quality / 100, config)
            bpp = float(bits.sum()) / (pixels.shape[2] * pixels.shape[3])
            points.append(Point(quality, bpp, capped_psnr_db(output, pixels)))
        measured.append(points)
    return measured
