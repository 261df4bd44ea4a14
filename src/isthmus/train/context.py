"""The entropy model: predicts mean and table row of every latent from those decoded before it.

Nothing here looks at a latent that the decoder does not have yet. Every operation has an exact counterpart in
`isthmus.coding.fixed_point`, which runs it in fixed point; this module is the differentiable one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.coding.fixed_point import DC_PHASES, DC_WINDOW, MEAN_STEPS, SCALES, SLOPE, dc_phase
from isthmus.train.config import NetworkConfig

SCALE_MIN, SCALE_MAX = 0.05, 256.0
LOG2_E = math.log2(math.e)
COST_COLUMNS = 16
"""Symbols 0 to 15 have costs of their own in training; beyond, a straight line."""

Observe = Callable[[Tensor, Tensor], None]
"""observe(symbols, rows): is shown every symbol chosen and the number of its table row, shaped alike."""


def laplace_costs() -> Tensor:
    """(SCALES, COST_COLUMNS) bits of the symbols 0, 1, ... under Laplace densities of log-spaced scales."""
    row = torch.arange(SCALES, dtype=torch.float64)
    inverse = torch.exp(row * (-math.log(SCALE_MAX / SCALE_MIN) / (SCALES - 1)))[:, None] / SCALE_MIN
    half = torch.exp(-0.5 * inverse)
    zero = -torch.log2(-torch.expm1(-0.5 * inverse))  # P(0) = 1 - half
    first = zero + 1 + inverse * (0.5 * LOG2_E) - torch.log2(1 + half)  # P(1) = half (1 - half) (1 + half) / 2
    rest = first + inverse * LOG2_E * torch.arange(COST_COLUMNS - 1)
    return torch.cat([zero, rest], 1).float()


def compand(x: Tensor) -> Tensor:
    """Signed logarithm, the form in which decoded latents enter the networks."""
    return torch.sign(x) * torch.log2(1 + x.abs())


def ste(hard: Tensor, soft: Tensor) -> Tensor:
    """`hard` in value, `soft` in gradient."""
    return soft + (hard - soft).detach()


def quantize(
    y: Tensor, mean: Tensor, row: Tensor, costs: Tensor, importance: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Decoded latents, bits and symbols, each shaped like y; gradients pass straight through the rounding.

    Args:
        costs: (SCALES, COST_COLUMNS) bits of the symbols of magnitude 0, 1, ... in each row; interpolated between rows,
            and continued in a straight line beyond the last column.
        importance: bits that a squared error of one is worth, to be broadcast to y. With it a symbol is moved one
            step towards zero where that saves more bits than it costs, as the encoder does; None for plain rounding.
    """
    mean = ste(torch.round(mean * MEAN_STEPS) / MEAN_STEPS, mean)
    x = y - mean
    last = COST_COLUMNS - 1
    flat = costs.reshape(-1)
    with torch.no_grad():
        r = torch.round(x)
        magnitude = r.abs()
        low = row.floor().clamp_max(SCALES - 2)
        part = row - low
        base = (low * COST_COLUMNS).to(torch.int32)

        def cost(m: Tensor) -> tuple[Tensor, Tensor]:
            index = base + m.to(torch.int32)
            return flat[index], flat[index + COST_COLUMNS]

        inside = magnitude.clamp_max(last)
        below = (inside - 1).clamp_min(0)
        here_low, here_high = cost(inside)
        below_low, below_high = cost(below)
        here = torch.lerp(here_low, here_high, part)
        slope = here - torch.lerp(below_low, below_high, part)
        if importance is not None:
            change = importance * (2 * (x - r) * torch.sign(r) + 1)
            smaller = slope > change
            r = torch.where(smaller, r - torch.sign(r), r)
            inside = torch.where(smaller & (magnitude <= last), below, inside)
            here_low = torch.where(smaller, below_low, here_low)
            here_high = torch.where(smaller, below_high, here_high)
        beyond = (r.abs() - inside) * slope
        slope = slope * torch.sign(r)
    bits = here_low + (here_high - here_low) * (row - low) + beyond + slope * (x - x.detach())
    # The gradient of a latent that rounds to zero belongs to its mean: nothing that the encoder does to it, short of
    # another symbol, changes the picture.
    return torch.where(r == 0, mean, ste(r + mean.detach(), y)), bits, r


def whole(row: Tensor) -> Tensor:
    """The table row that the coder takes for a row on the continuous scale."""
    return torch.floor(row + 0.5)


def split_board(x: Tensor, phase: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H, W/2): the positions of one half of the checkerboard; H and W are even."""
    return torch.cat([x[:, :, 0::2, phase::2], x[:, :, 1::2, 1 - phase :: 2]], 2)


def merge_board(first: Tensor, second: Tensor) -> Tensor:
    """The inverse of `split_board` for both halves."""
    b, c, h, w = first.shape
    half = h // 2
    even = torch.stack([first[:, :, :half], second[:, :, :half]], -1).reshape(b, c, half, 2 * w)
    odd = torch.stack([second[:, :, half:], first[:, :, half:]], -1).reshape(b, c, half, 2 * w)
    return torch.stack([even, odd], 3).reshape(b, c, h, 2 * w)


class DCModel(nn.Module):
    """Codes the three DC channels in five passes over ever finer lattices, each from the known neighbours."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        n, width = config.groups[0], config.dc_width
        self.n = n
        taps = DC_WINDOW * DC_WINDOW
        self.first = nn.ModuleList(nn.Linear(taps * (n + 1), width) for _ in range(DC_PHASES))
        self.quality = nn.Parameter(torch.zeros(DC_PHASES, config.points, width))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(DC_PHASES))
        self.last = nn.ModuleList(nn.Linear(width, 2 * n) for _ in range(DC_PHASES))
        self.linear = nn.ModuleList(nn.Linear(taps * n, n, bias=False) for _ in range(DC_PHASES))
        offsets = torch.arange(DC_WINDOW) - DC_WINDOW // 2
        squared = (offsets[:, None] ** 2 + offsets[None, :] ** 2).reshape(-1)
        near = torch.round(64.0 / squared.clamp_min(1) ** 2)
        near[taps // 2] = 0
        self.near: Tensor
        self.register_buffer("near", near)
        for phase in range(DC_PHASES):
            nn.init.zeros_(self.linear[phase].weight)  # type: ignore[arg-type]
            nn.init.normal_(self.last[phase].weight, std=1e-3)  # type: ignore[arg-type]
            nn.init.zeros_(self.last[phase].bias)  # type: ignore[arg-type]
            self.last[phase].bias.data[n:] = 40.0 if phase == 0 else 30.0  # type: ignore[operator]

    def forward(
        self, y: Tensor, weights: Tensor, costs: Tensor, importance: Tensor | None, observe: Observe | None
    ) -> tuple[Tensor, Tensor]:
        """y (B, n, H, W) in steps; weights (B, points) of the quality points -> decoded and bits, alike."""
        b, n, h, w = y.shape
        phases = torch.from_numpy(dc_phase(h, w)).to(y.device)
        decoded = torch.zeros_like(y, dtype=torch.float32)
        bits = torch.zeros_like(decoded)
        pad = DC_WINDOW // 2
        for phase in range(DC_PHASES):
            known = (phases < phase).float()[None, None].expand(b, 1, h, w)
            now = (phases == phase)[None, None]
            mask = F.unfold(known, DC_WINDOW, padding=pad).transpose(1, 2)  # (B, HW, taps)
            near = F.unfold(decoded * known, DC_WINDOW, padding=pad)
            near = near.reshape(b, n, -1, h * w).permute(0, 3, 1, 2)  # (B, HW, n, taps)
            total = (mask * self.near).sum(-1, keepdim=True).clamp_min(1)
            base = (near * self.near).sum(-1) / total  # (B, HW, n)
            base = torch.floor(base * MEAN_STEPS).detach() / MEAN_STEPS
            difference = (near - base[..., None]) * mask[:, :, None, :]
            inputs = torch.cat([compand(difference).flatten(2), mask], -1)
            bias = (weights @ self.quality[phase])[:, None]
            hidden = F.leaky_relu(self.first[phase](inputs) + bias, SLOPE)
            hidden = hidden + F.leaky_relu(self.second[phase](hidden), SLOPE)
            out = self.last[phase](hidden).float()
            mean = base + out[..., :n] + self.linear[phase](difference.flatten(2)).float()
            mean = mean.transpose(1, 2).reshape(b, n, h, w)
            row = out[..., n:].transpose(1, 2).reshape(b, n, h, w).clamp(0, SCALES - 1)
            row = row if observe is None else whole(row)
            value, cost, symbol = quantize(y, mean, row, costs, importance)
            if observe is not None:
                here = now.expand_as(symbol)
                observe(symbol[here], row[here])
            decoded = torch.where(now, value, decoded)
            bits = torch.where(now, cost, bits)
        return decoded, bits


class GroupModel(nn.Module):
    """Codes one group of channels in two passes, from all groups before it and half of itself."""

    def __init__(self, config: NetworkConfig, group: int):
        super().__init__()
        self.before = sum(config.groups[:group])
        self.n = config.groups[group]
        width = config.context_width
        self.project = nn.ModuleList(nn.Conv2d(2 * (self.before + phase * self.n), width, 1) for phase in range(2))
        self.quality = nn.Parameter(torch.zeros(2, config.points, width))
        self.spatial = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.mix = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(2))
        self.last = nn.ModuleList(nn.Conv2d(width, 2 * self.n, 1) for _ in range(2))
        for phase in range(2):
            nn.init.normal_(self.last[phase].weight, std=1e-3)  # type: ignore[arg-type]
            nn.init.zeros_(self.last[phase].bias)  # type: ignore[arg-type]
            self.last[phase].bias.data[self.n :] = 22.0  # type: ignore[operator]

    def predict(self, features: Tensor, weights: Tensor, phase: int) -> tuple[Tensor, Tensor]:
        """Mean and row (B, n, H, W/2) of one half of the board from features (B, C, H, W) of the latents known."""
        bias = (weights @ self.quality[phase])[:, :, None, None]
        state = F.leaky_relu(self.project[phase](features) + bias, SLOPE)
        hidden = split_board(state + F.leaky_relu(self.spatial[phase](state), SLOPE), phase)
        hidden = hidden + F.leaky_relu(self.mix[phase](hidden), SLOPE)
        out = self.last[phase](hidden).float()
        return out[:, : self.n], out[:, self.n :].clamp(0, SCALES - 1)

    def forward(
        self,
        y: Tensor,
        known: Tensor,
        weights: Tensor,
        costs: Tensor,
        importance: Tensor | None,
        observe: Observe | None,
    ) -> tuple[Tensor, Tensor]:
        """y (B, n, H, W) in steps; known (B, before, H, W) the companded groups before -> decoded, bits."""

        def code(features: Tensor, phase: int) -> tuple[Tensor, Tensor]:
            mean, row = self.predict(features, weights, phase)
            row = row if observe is None else whole(row)
            weight = None if importance is None else split_board(importance, phase)
            value, bits, symbol = quantize(split_board(y, phase), mean, row, costs, weight)
            if observe is not None:
                observe(symbol, row)
            return value, bits

        first, bits_first = code(torch.cat([known, known.abs()], 1), 0)
        half = compand(merge_board(first, torch.zeros_like(first)))
        second, bits_second = code(torch.cat([known, known.abs(), half, half.abs()], 1), 1)
        return merge_board(first, second), merge_board(bits_first, bits_second)


class ContextModel(nn.Module):
    """All groups in turn."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.groups = config.groups
        self.dc = DCModel(config)
        self.ac = nn.ModuleList(GroupModel(config, k) for k in range(1, len(config.groups)))
        self.costs: Tensor
        self.register_buffer("costs", laplace_costs())

    def forward(
        self, y: Tensor, weights: Tensor, importance: Tensor | None, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor]:
        """y (B, C, H, W) in steps, weights (B, points), importance (B, 1, H, W) as of `quantize`
        -> decoded latents and bits, both shaped like y. With `observe` rows are whole numbers, as in the coder."""
        parts = torch.split(y, list(self.groups), 1)
        decoded, bits = self.dc(parts[0], weights, self.costs, importance, observe)
        known = compand(highpass(decoded))
        all_decoded, all_bits = [decoded], [bits]
        for model, part in zip(self.ac, parts[1:], strict=True):
            decoded, bits = model(part, known, weights, self.costs, importance, observe)
            all_decoded.append(decoded)
            all_bits.append(bits)
            known = torch.cat([known, compand(decoded)], 1)
        return torch.cat(all_decoded, 1), torch.cat(all_bits, 1)


def highpass(dc: Tensor) -> Tensor:
    """DC (B, n, H, W) less the mean of its 3x3 neighbourhood inside the picture, so that brightness cancels."""
    total = F.avg_pool2d(dc, 3, 1, 1, divisor_override=1)
    count = F.avg_pool2d(torch.ones_like(dc[:1, :1]), 3, 1, 1, divisor_override=1)
    return dc - torch.floor(MEAN_STEPS * total.detach() / count) / MEAN_STEPS
