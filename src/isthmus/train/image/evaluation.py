"""Evaluation: whole pictures through the networks in training form, as the codec would code them; no bytes result."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from isthmus.coding.definition import Definition
from isthmus.image.coders.separable.synthesis import EDGE
from isthmus.image.grid import BLOCK, MARGIN, is_reversed, mirrored
from isthmus.likeness import psnr_of_mse
from isthmus.model.engine import limit_threads
from isthmus.train.context import Observe
from isthmus.train.curve import Point
from isthmus.train.image.modules import Dials, Network
from isthmus.train.image.windows import Pixels
from isthmus.tune import NAMES, WHOLE


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


def _with_edge(planes: Tensor, odd: Tensor) -> Tensor:
    """(B, C, h, w) continued by one position on all sides as those of the mirrored picture.

    Args:
        odd: (C, 2): 1 where a channel's function is odd vertically, horizontally: then its mirror image is negated.
    """
    for axis in (2, 3):
        size = planes.shape[axis]
        outside = torch.from_numpy(is_reversed(np.arange(-EDGE, size + EDGE), size)).to(planes.device)
        index = torch.from_numpy(mirrored(np.arange(-EDGE, size + EDGE), size)).to(planes.device)
        shape = [1, 1, 1, 1]
        shape[axis] = len(outside)
        sign = 1 - 2 * odd[:, axis - 2].float()[None, :, None, None] * outside.float().reshape(shape)
        planes = planes.index_select(axis, index) * sign
    return planes


@torch.no_grad()
def code(
    network: Network, pixels: Tensor, quality: float, tune: float, observe: Observe | None = None
) -> tuple[Tensor, Tensor]:
    """pixels (B, 3, 32m, 32n) uint8 at a quality and a tune in 0..1 -> reconstructions, alike, and bits
    (B, C, 2m, 2n)."""
    device = network.nominal.device
    quality_of, tune_of = (torch.full((len(pixels),), dial, device=device) for dial in (quality, tune))
    dials = network.at(quality_of, tune_of)
    sides = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    shown = np.pad(pixels.cpu().numpy().transpose(0, 2, 3, 1), sides, mode="symmetric")
    transform = network.transform.exact()
    with limit_threads(1):
        coefficients = np.stack([transform.analyse(picture) for picture in shown]).transpose(0, 3, 1, 2)
    y = torch.from_numpy(coefficients.copy()).to(device) / dials.steps[:, :, None, None]
    decoded, bits, octaves = network.quantized(y, dials, observe)
    return reconstructed(network, decoded, octaves, dials), bits


@torch.no_grad()
def reconstructed(network: Network, latents: Tensor, octaves: Tensor, dials: Dials) -> Tensor:
    """Pixels (B, 3, 16h, 16w) uint8 of whole pictures, from all their latents (B, C, h, w) as coded, in steps, and
    their gains (B, 1, h, w) in octaves."""
    odd = network.transform.channels[:, 1:] % 2
    around = _with_edge(latents, odd), _with_edge(octaves, torch.zeros_like(odd[:1]))
    output = network.synthesise(*around, dials)[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]
    return torch.floor((output + 128.5).clamp(0, 255)).to(torch.uint8)


def capped_psnr_db(a: Tensor, b: Tensor) -> float:
    """PSNR of two uint8 pictures; 99 dB where they are equal."""
    mse = float(((a.float() - b.float()) ** 2).mean())
    return psnr_of_mse(mse) if mse else 99.0


def measure(
    network: Network, pictures: Iterable[Pixels], qualities: Iterable[int], dtype: torch.dtype
) -> list[list[Point]]:
    """Estimated bits per pixel and PSNR at both ends of tune and qualities in 0..100: for each a point for each
    picture (3, H, W)."""
    device = network.nominal.device
    prepared = [prepare(picture, network.context.definition).to(device) for picture in pictures]
    measured = []
    for (tune, hundredths), quality in product(NAMES.items(), qualities):
        points = []
        for pixels in prepared:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                output, bits = code(network, pixels, quality / 100, hundredths / WHOLE)
            bpp = float(bits.sum()) / (pixels.shape[2] * pixels.shape[3])
            points.append(Point(quality, bpp, capped_psnr_db(output, pixels), tune))
        measured.append(points)
    return measured
