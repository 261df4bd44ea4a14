"""What sounds would cost, in differentiable form: every pass is shown what the decoder has, and no symbol is chosen.

The whole model in the coder's order (`isthmus.train.context`) chooses symbols pass by pass, and each hangs on the ones
before. Here symbols are those of plain rounding with a dead zone, all passes see them at once, and their cost is that
of the Laplace distribution that a scale index first stands for: a step takes a third of the time. Tables are fitted to
the real choices at the end.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from isthmus.coding.boards import phases
from isthmus.coding.definition import Pass
from isthmus.coding.formats import BYTES, MEAN_STEPS, SCALES, SLOPE
from isthmus.sound.analysis import PAIR
from isthmus.sound.envelope import LEVEL_FLOOR
from isthmus.train.context import ContextModel, PassNetwork, companded, features_of, merge_board, split_board
from isthmus.train.quantization import LOG2_E, laplace_bits, laplace_scale

DEAD_ZONE = 0.16
"""How much further than halfway a coefficient is from a symbol that it still becomes: about the encoder's choice."""
LEVEL_ERROR = 0.3
"""Levels that are decoded differ from the true ones by up to so many steps, mostly."""
LOW, HIGH = BYTES.activation_low / (1 << BYTES.activation_bits), BYTES.activation_high / (1 << BYTES.activation_bits)


def interval_bits(distance: Tensor, index: Tensor) -> Tensor:
    """Bits of the interval of one step around a distance from the mean, differentiable in the distance as well."""
    scale, away = laplace_scale(index), distance.abs()
    far = 1 - torch.log2(-torch.expm1(-1 / scale)) + (away - 0.5).clamp_min(0) / scale * LOG2_E
    tails = torch.exp(-(0.5 - away).clamp_min(0) / scale) + torch.exp(-(0.5 + away) / scale)
    return torch.where(away < 0.5, -torch.log2((1 - 0.5 * tails).clamp_min(1e-9)), far)


def coefficient_bits(context: ContextModel, y: Tensor, weights: Tensor) -> Tensor:
    """(B,) bits of the coefficients in latents (B, C, H, W)."""
    coefficients = y[:, PAIR:]
    symbols = torch.sign(coefficients) * torch.floor(coefficients.abs() + 0.5 - DEAD_ZONE)
    known = features_of(torch.round(y[:, :PAIR]), BYTES)
    total = torch.zeros(len(y))
    for one in context.definition.passes:
        if one.neighbours:
            continue
        own = symbols[:, one.first - PAIR : one.first - PAIR + one.channels]
        half = features_of(merge_board([split_board(own, one.board, 0)], one.board), BYTES) if one.phase else []
        network = context.network(one)
        x = _entered(network, one, torch.cat([*known, *half], 1), weights)
        for block in one.blocks:
            x = _activation(x + _activation(F.leaky_relu(network.layer(block.name)(x), SLOPE)))
            if block.taps > 1:
                x = split_board(x, one.board, one.phase)
        index = network.last(x)[:, one.channels :].clamp(0, SCALES - 1)
        total = total + laplace_bits(split_board(own, one.board, one.phase), index).sum((1, 2, 3))
        if one.ends:
            known += features_of(own, BYTES)
    return total


def level_bits(context: ContextModel, y: Tensor, weights: Tensor) -> Tensor:
    """(B,) bits of the levels in latents (B, C, H, W)."""
    levels = y[:, :PAIR]
    decoded = torch.round((levels + (2 * torch.rand_like(levels) - 1) * LEVEL_ERROR) * MEAN_STEPS) / MEAN_STEPS
    decoded = torch.where(levels <= LEVEL_FLOOR + 0.1, LEVEL_FLOOR, decoded)
    count, channels, height, width = levels.shape
    total = torch.zeros(count)
    for one in context.definition.passes:
        around = one.neighbours
        if not around:
            continue
        phase = torch.from_numpy(phases(one.board, height, width))
        at = (phase == one.phase).reshape(-1).nonzero()[:, 0]
        before = (phase < one.phase).float()[None, None].expand(count, 1, height, width)
        padding = (around.window[0] // 2, around.window[1] // 2)
        mask = F.unfold(before, around.window, padding=padding)[:, None, :, at]  # (B, 1, taps, P)
        near = F.unfold(decoded * before, around.window, padding=padding)
        near = near.reshape(count, channels, around.taps, -1)[..., at]
        weight = context.near[:, None]
        base = (near * weight).sum(2) / (mask * weight).sum(2).clamp_min(1)
        base = torch.floor(base * MEAN_STEPS) / MEAN_STEPS
        difference = ((near - base[:, :, None]) * mask).flatten(1, 2)[:, :, None]  # (B, n taps, 1, P)
        network = context.network(one)
        x = _entered(network, one, torch.cat([companded(difference, BYTES), mask[:, 0, :, None]], 1), weights)
        for block in one.blocks:
            x = _activation(x + _activation(F.leaky_relu(network.layer(block.name)(x), SLOPE)))
        out = network.last(x)[:, :, 0]
        mean = base + out[:, :channels] + network.linear(difference)[:, :, 0]
        index = out[:, channels:].clamp(0, SCALES - 1)
        total = total + interval_bits(levels.flatten(2)[..., at] - mean, index).sum((1, 2))
    return total


def _entered(network: PassNetwork, one: Pass, features: Tensor, weights: Tensor) -> Tensor:
    bias = (weights @ network.quality)[:, :, None, None]
    return _activation(F.leaky_relu(network.layer(one.enter)(features) + bias, SLOPE))


def _activation(x: Tensor) -> Tensor:
    return x.clamp(LOW, HIGH)
