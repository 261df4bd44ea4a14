"""The entropy model in differentiable form, built from its definition: predicts mean and scale index of every latent.

Nothing here looks at a latent that the decoder does not have yet. Every operation has an exact counterpart in
`isthmus.coding.fixed_point`, which runs it in fixed point.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from math import prod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.coding.boards import phases
from isthmus.coding.definition import LATTICE_WINDOW, Definition, Pass
from isthmus.coding.formats import BYTES, MEAN_STEPS, SCALES, SLOPE, Format
from isthmus.train.quantization import compand, laplace_costs, quantize, ste, whole

Observe = Callable[[Tensor, Tensor], None]
"""observe(symbols, scales): is shown every symbol chosen and its scale index, shaped alike."""


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


def weight_exponents(weight: Tensor) -> Tensor:
    """(outputs,) int32: the power of two that a weight of an output counts in format "bytes", for (outputs, ...)."""
    most = weight.detach().flatten(1).abs().amax(1).clamp_min(2.0**-20)
    return torch.ceil(torch.log2(most / BYTES.weight_limit)).to(torch.int32)


def _on_grid(x: Tensor, bits: int, low: int, high: int) -> Tensor:
    """Multiples of 2**-bits between two of them; gradients pass as if unrounded, but stop where they are clipped."""
    unit = float(1 << bits)
    clipped = x.clamp(low / unit, high / unit)
    return ste(torch.round(clipped * unit) / unit, clipped)


class PassNetwork(nn.Module):
    """The network of one pass; its layers have the names of the definition."""

    def __init__(self, one: Pass, points: int, form: Format):
        super().__init__()
        self.one, self.form = one, form
        self.add_module(one.enter, nn.Conv2d(one.features, one.width, 1))
        self.quality = nn.Parameter(torch.zeros(points, one.width))
        for block in one.blocks:
            padding = (block.window[0] // 2, block.window[1] // 2)
            self.add_module(block.name, nn.Conv2d(one.width, one.width, block.window, padding=padding))
        self.last = nn.Conv2d(one.width, 2 * one.channels, 1)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        self.last.bias.data[one.channels :] = _first_scale(one)  # type: ignore[union-attr]
        if one.neighbours:
            self.linear = nn.Conv2d(prod(LATTICE_WINDOW) * one.channels, one.channels, 1, bias=False)
            nn.init.zeros_(self.linear.weight)

    def layer(self, name: str) -> nn.Conv2d:
        """A layer by its name in the definition."""
        found = self.get_submodule(name)
        assert isinstance(found, nn.Conv2d)
        return found

    def forward(
        self, features: Tensor, weights: Tensor, pick: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Means and scale indices, on the continuous scale, from features (B, F, H, W) of the latents known.

        Args:
            weights: (B, points) of the quality points.
            pick: takes the positions that the pass codes out of a plane, as soon as no layer needs the others.
        """
        bias = (weights @ self.quality)[:, :, None, None]
        x = self._activation(F.leaky_relu(self._through(self.one.enter, features) + bias, SLOPE))
        for index, block in enumerate(self.one.blocks):
            x = self._activation(x + self._activation(F.leaky_relu(self._through(block.name, x), SLOPE)))
            if index == self.one.spread and pick is not None:
                x = pick(x)
        out = self._through("last", x).float()
        return out[:, : self.one.channels], out[:, self.one.channels :].clamp(0, SCALES - 1)

    def _through(self, name: str, x: Tensor) -> Tensor:
        """A layer, its weights rounded as they will be stored where 7 bits are all they have."""
        layer = self.layer(name)
        if self.form.weight_bits is not None:
            out: Tensor = layer(x)
            return out
        exponent = weight_exponents(layer.weight).reshape(-1, 1, 1, 1)
        stored = torch.ldexp(torch.round(torch.ldexp(layer.weight, -exponent)), exponent)
        return F.conv2d(x, ste(stored, layer.weight), layer.bias, padding=layer.padding)

    def _activation(self, x: Tensor) -> Tensor:
        """An activation, rounded as it will be where 8 bits are all it has."""
        if self.form.weight_bits is not None:
            return x
        return _on_grid(x, self.form.activation_bits, self.form.activation_low, self.form.activation_high)


def _first_scale(one: Pass) -> float:
    """The scale index that training starts from."""
    if one.neighbours:
        return 40.0 if one.phase == 0 else 30.0
    return 22.0


def _nearness() -> Tensor:
    """(taps,) how much each neighbour counts in the mean around a position, in whole numbers."""
    offsets = [torch.arange(side) - side // 2 for side in LATTICE_WINDOW]
    squared = (offsets[0][:, None] ** 2 + offsets[1][None, :] ** 2).reshape(-1)
    near = torch.round(64.0 / squared.clamp_min(1) ** 2)
    near[len(near) // 2] = 0
    return near


class ContextModel(nn.Module):
    """All passes in turn."""

    def __init__(self, definition: Definition):
        super().__init__()
        self.definition = definition
        self.passes = nn.ModuleDict(
            {_key(one): PassNetwork(one, definition.points, definition.form) for one in definition.passes}
        )
        self.near: Tensor
        self.register_buffer("near", _nearness())
        self.costs: Tensor
        self.register_buffer("costs", laplace_costs())

    def network(self, one: Pass) -> PassNetwork:
        """The network of a pass."""
        found = self.passes[_key(one)]
        assert isinstance(found, PassNetwork)
        return found

    def forward(
        self, y: Tensor, weights: Tensor, importance: Tensor | None, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor]:
        """y (B, C, H, W) in steps, weights (B, points), importance (B, 1, H, W) as of `quantize`
        -> decoded latents and bits, both shaped like y. With `observe` scale indices are whole, as in the coder."""
        coding = _Coding(weights, self.costs, importance, observe)
        known: list[Tensor] = []
        all_decoded, all_bits = [], []
        for _, passes in groupby(self.definition.passes, key=lambda one: one.group):
            group = list(passes)
            part = y[:, group[0].slice]
            if group[0].neighbours:
                decoded, bits = self._lattices(group, part, coding)
                known += _features(highpass(decoded), self.definition.form)
            else:
                decoded, bits = self._halves(group, part, known, coding)
                known += _features(decoded, self.definition.form)
            all_decoded.append(decoded)
            all_bits.append(bits)
        return torch.cat(all_decoded, 1), torch.cat(all_bits, 1)

    def _lattices(self, group: list[Pass], y: Tensor, coding: _Coding) -> tuple[Tensor, Tensor]:
        """A group (B, n, H, W) that is coded on ever finer lattices, each from the known neighbours."""
        b, n, h, w = y.shape
        lattice = torch.from_numpy(phases(group[0].board, h, w)).to(y.device)
        decoded = torch.zeros_like(y, dtype=torch.float32)
        bits = torch.zeros_like(decoded)
        pad = (LATTICE_WINDOW[0] // 2, LATTICE_WINDOW[1] // 2)
        for one in group:
            before = (lattice < one.phase).float()[None, None].expand(b, 1, h, w)
            now = (lattice == one.phase)[None, None]
            mask = F.unfold(before, LATTICE_WINDOW, padding=pad).reshape(b, 1, -1, h, w)
            near = F.unfold(decoded * before, LATTICE_WINDOW, padding=pad).reshape(b, n, -1, h, w)
            count = self.near[:, None, None]
            total = (mask * count).sum(2).clamp_min(1)
            base = (near * count).sum(2) / total  # (B, n, H, W)
            base = torch.floor(base * MEAN_STEPS).detach() / MEAN_STEPS
            difference = ((near - base[:, :, None]) * mask).flatten(1, 2)
            network = self.network(one)
            mean, scale = network(
                torch.cat([_companded(difference, self.definition.form), mask[:, 0]], 1), coding.weights
            )
            mean = base + mean + network.linear(difference).float()
            value, cost, symbol, scale = coding(y, mean, scale, coding.importance)
            if coding.observe is not None:
                here = now.expand_as(symbol)
                coding.observe(symbol[here], scale[here])
            decoded = torch.where(now, value, decoded)
            bits = torch.where(now, cost, bits)
        return decoded, bits

    def _halves(self, group: list[Pass], y: Tensor, known: list[Tensor], coding: _Coding) -> tuple[Tensor, Tensor]:
        """A group (B, n, H, W) that is coded in two halves of a checkerboard, from features of all groups before."""

        def code(one: Pass, features: list[Tensor]) -> tuple[Tensor, Tensor]:
            def pick(plane: Tensor) -> Tensor:
                return split_board(plane, one.phase)

            mean, scale = self.network(one)(torch.cat(features, 1), coding.weights, pick)
            importance = None if coding.importance is None else pick(coding.importance)
            value, bits, symbol, scale = coding(pick(y), mean, scale, importance)
            if coding.observe is not None:
                coding.observe(symbol, scale)
            return value, bits

        first, bits_first = code(group[0], known)
        half = _features(merge_board(first, torch.zeros_like(first)), self.definition.form)
        second, bits_second = code(group[1], [*known, *half])
        return merge_board(first, second), merge_board(bits_first, bits_second)


class _Coding(NamedTuple):
    """What every pass needs to know of how its latents are coded."""

    weights: Tensor
    costs: Tensor
    importance: Tensor | None
    observe: Observe | None

    def __call__(
        self, y: Tensor, mean: Tensor, scale: Tensor, importance: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Decoded latents, bits, symbols and the scale indices that were used."""
        scale = scale if self.observe is None else whole(scale)
        return (*quantize(y, mean, scale, self.costs, importance), scale)


def _key(one: Pass) -> str:
    return one.name.replace(".", "_")


def _companded(x: Tensor, form: Format) -> Tensor:
    signed = compand(x)
    if form.weight_bits is not None:
        return signed
    return _on_grid(signed, form.feature_bits, -form.feature_limit, form.feature_limit)


def _features(x: Tensor, form: Format) -> list[Tensor]:
    signed = _companded(x, form)
    return [signed, signed.abs()]


def highpass(dc: Tensor) -> Tensor:
    """DC (B, n, H, W) less the mean of its 3x3 neighbourhood inside the picture, so that brightness cancels."""
    total = F.avg_pool2d(dc, 3, 1, 1, divisor_override=1)
    count = F.avg_pool2d(torch.ones_like(dc[:1, :1]), 3, 1, 1, divisor_override=1)
    return dc - torch.floor(MEAN_STEPS * total.detach() / count) / MEAN_STEPS
