"""The entropy model in differentiable form, built from its definition: predicts mean and scale index of every latent.

Nothing here looks at a latent that the decoder does not have yet. Every operation has an exact counterpart in
`isthmus.coding.fixed_point`, which runs it in fixed point.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.coding.boards import Board, phases
from isthmus.coding.definition import Definition, Neighbourhood, Pass, Window
from isthmus.coding.formats import BYTES, LATENT_LIMIT, MEAN_STEPS, SCALES, SLOPE, Format
from isthmus.coding.weights import EXPONENTS
from isthmus.train.quantization import compand, laplace_costs, quantize, scale_index, ste
from isthmus.train.trellis import along_trellis

FARTHEST = LATENT_LIMIT / MEAN_STEPS
"""Differences between neighbours, in steps, enter the networks clipped to +-this."""
Observe = Callable[[Tensor, Tensor], None]
"""observe(symbols, scales): is shown every symbol chosen and its scale index, shaped alike."""


class Gains(NamedTuple):
    """Latents that are coded relative to a gain, as `isthmus.image.coders.separable.gains.Gains` are."""

    source: slice
    """The channels that it is read off, which are decoded whole before the first of the others."""
    first: int
    """The first channel that is coded relative to it; all after it are, too."""
    of: Callable[[Tensor], Tensor]
    """Decoded latents (B, n, H, W) of the source, in steps -> gains (B, 1, H, W)."""


def split_board(x: Tensor, board: Board, phase: int) -> Tensor:
    """(B, C, H, W) -> (B, C, K, W / columns): the positions of a phase; H and W are multiples of the board's sides."""
    return torch.cat([x[:, :, i :: board.rows, j :: board.columns] for i, j in _cells(board, phase)], 2)


def merge_board(parts: list[Tensor], board: Board) -> Tensor:
    """The inverse of `split_board` for the first phases; zero at the positions of the others."""
    b, c = parts[0].shape[:2]
    first = parts[0].chunk(len(_cells(board, 0)), 2)[0]
    cells = dict.fromkeys([(i, j) for i in range(board.rows) for j in range(board.columns)], torch.zeros_like(first))
    for phase, part in enumerate(parts):
        places = _cells(board, phase)
        cells.update(zip(places, part.chunk(len(places), 2), strict=True))
    h, w = first.shape[2:]
    stacked = torch.stack(list(cells.values()), 2).reshape(b, c, board.rows, board.columns, h, w)
    return stacked.permute(0, 1, 4, 2, 5, 3).reshape(b, c, h * board.rows, w * board.columns)


def _cells(board: Board, phase: int) -> list[tuple[int, int]]:
    """The positions of a phase in the board's pattern."""
    return [(i, j) for i, row in enumerate(board.pattern) for j, one in enumerate(row) if one == phase]


def weight_exponents(weight: Tensor) -> Tensor:
    """(outputs,) int32: the power of two that a weight of an output counts in format "bytes", for (outputs, ...)."""
    most = weight.detach().flatten(1).abs().amax(1).clamp_min(1e-9)
    return torch.ceil(torch.log2(most / BYTES.weight_limit)).clamp(*EXPONENTS).to(torch.int32)


def _on_grid(x: Tensor, bits: int, low: int, high: int) -> Tensor:
    """Multiples of 2**-bits between two of them; gradients pass as if unrounded, but stop where they are clipped."""
    unit = float(1 << bits)
    clipped = x.clamp(low / unit, high / unit)
    return ste(torch.round(clipped * unit) / unit, clipped)


class PassNetwork(nn.Module):
    """The network of one pass; its layers have the names of the definition."""

    def __init__(self, one: Pass, points: int, form: Format, tuned: bool = False):
        super().__init__()
        self.one, self.form = one, form
        self.add_module(one.enter, nn.Conv2d(one.features, one.width, 1))
        self.quality = nn.Parameter(torch.zeros(points, one.width))
        self.tuned = nn.Parameter(torch.zeros(points, one.width)) if tuned else None
        for block in one.blocks:
            padding = (block.window[0] // 2, block.window[1] // 2)
            self.add_module(block.name, nn.Conv2d(one.width, one.width, block.window, padding=padding))
        self.last = nn.Conv2d(one.width, 2 * one.channels, 1)
        nn.init.normal_(self.last.weight, std=1e-3)
        bias = self.last.get_parameter("bias")
        nn.init.zeros_(bias)
        bias.data[one.channels :] = _first_scale(one)
        if one.neighbours:
            self.linear = nn.Conv2d(one.neighbours.taps * one.channels, one.channels, 1, bias=False)
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
            weights: (B, points) of the quality points; of a tuned network (B, points + 1), tune last, 0 to 1.
            pick: takes the positions that the pass codes out of a plane, as soon as no layer needs the others.
        """
        bias = self._bias(weights)[:, :, None, None]
        # Convolutions of few positions and many channels are quicker so, all that follow included.
        features = features.contiguous(memory_format=torch.channels_last)
        if pick is not None and not self.one.everywhere:
            features = pick(features)
        x = self._activation(F.leaky_relu(self._through(self.one.enter, features) + bias, SLOPE))
        for index, block in enumerate(self.one.blocks):
            x = self._activation(x + self._activation(F.leaky_relu(self._through(block.name, x), SLOPE)))
            if pick is not None and self.one.everywhere and index == self.one.spread:
                x = pick(x)
        out = self._through("last", x).float()
        return out[:, : self.one.channels], out[:, self.one.channels :].clamp(0, SCALES - 1)

    def _bias(self, weights: Tensor) -> Tensor:
        if self.tuned is None:
            return weights @ self.quality
        quality, tune = weights[:, :-1], weights[:, -1:]
        return quality @ self.quality + tune * (quality @ self.tuned)

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


def _nearness(window: Window) -> Tensor:
    """(taps,) how much each neighbour counts in the mean around a position, in whole numbers."""
    offsets = [torch.arange(side) - side // 2 for side in window]
    squared = (offsets[0][:, None] ** 2 + offsets[1][None, :] ** 2).reshape(-1)
    near = torch.round(64.0 / squared.clamp_min(1) ** 2)
    near[len(near) // 2] = 0
    return near


class ContextModel(nn.Module):
    """All passes in turn."""

    def __init__(self, definition: Definition, trellis: bool = False):
        super().__init__()
        self.definition = definition
        self.trellis = trellis
        self.passes = nn.ModuleDict(
            {
                _key(one): PassNetwork(one, definition.points, definition.form, definition.tuned)
                for one in definition.passes
            }
        )
        if definition.neighbours:
            self.near: Tensor
            self.register_buffer("near", _nearness(definition.neighbours.window))
        self.costs: Tensor
        self.register_buffer("costs", laplace_costs(trellis))

    def network(self, one: Pass) -> PassNetwork:
        """The network of a pass."""
        found = self.passes[_key(one)]
        assert isinstance(found, PassNetwork)
        return found

    def forward(
        self,
        y: Tensor,
        weights: Tensor,
        importance: Tensor | None,
        observe: Observe | None = None,
        gains: Gains | None = None,
    ) -> tuple[Tensor, Tensor]:
        """y (B, C, H, W) in steps, weights as of `PassNetwork`, importance (B, 1 or C, H, W) as of
        `quantize` -> latents as they are decoded, before any gain, and bits, both shaped like y. With `observe`
        scale indices are whole, as in the coder."""
        known: list[Tensor] = []
        all_decoded: list[Tensor] = []
        all_bits: list[Tensor] = []
        gain: Tensor | None = None
        for _, passes in groupby(self.definition.passes, key=lambda one: one.group):
            group = list(passes)
            part = y[:, group[0].slice]
            worth = importance
            if worth is not None and worth.shape[1] > 1:
                worth = worth[:, group[0].slice]
            if gains is not None and group[0].first >= gains.first:
                if gain is None:
                    gain = gains.of(torch.cat(all_decoded, 1)[:, gains.source])
                part = part / gain
                # An error there is as many times larger as the gain, and hidden as well.
                worth = None if worth is None else worth * gain
            decoded, bits = self._group(group, part, known, _Coding(weights, self.costs, worth, observe, self.trellis))
            around = group[0].neighbours
            window = around.highpass if around else None
            known += features_of(highpass(decoded, window) if window else decoded, self.definition.form)
            all_decoded.append(decoded)
            all_bits.append(bits)
        return torch.cat(all_decoded, 1), torch.cat(all_bits, 1)

    def _group(self, group: list[Pass], y: Tensor, known: list[Tensor], coding: _Coding) -> tuple[Tensor, Tensor]:
        """A group (B, n, H, W), pass by pass; `known` are features of the groups before."""
        around = group[0].neighbours
        return self._from_neighbours(group, around, y, coding) if around else self._from_groups(group, y, known, coding)

    def _from_neighbours(
        self, group: list[Pass], around: Neighbourhood, y: Tensor, coding: _Coding
    ) -> tuple[Tensor, Tensor]:
        """A group (B, n, H, W) of which each pass sees the known neighbours."""
        b, n, h, w = y.shape
        phase = torch.from_numpy(phases(group[0].board, h, w)).to(y.device)
        decoded = torch.zeros_like(y, dtype=torch.float32)
        bits = torch.zeros_like(decoded)
        window = around.window
        pad = (window[0] // 2, window[1] // 2)
        for one in group:
            before = (phase < one.phase).float()[None, None].expand(b, 1, h, w)
            now = (phase == one.phase)[None, None]
            mask = F.unfold(before, window, padding=pad).reshape(b, 1, -1, h, w)
            near = F.unfold(decoded * before, window, padding=pad).reshape(b, n, -1, h, w)
            count = self.near[:, None, None]
            total = (mask * count).sum(2).clamp_min(1)
            base = (near * count).sum(2) / total  # (B, n, H, W)
            base = torch.floor(base * MEAN_STEPS).detach() / MEAN_STEPS
            difference = ((near - base[:, :, None]).clamp(-FARTHEST, FARTHEST) * mask).flatten(1, 2)
            network = self.network(one)
            mean, scale = network(
                torch.cat([companded(difference, self.definition.form), mask[:, 0]], 1), coding.weights
            )
            mean = base + mean + network.linear(difference).float()
            value, cost, symbol, scale = coding(y, mean, scale, coding.importance)
            if coding.observe is not None:
                here = now.expand_as(symbol)
                coding.observe(symbol[here], scale[here])
            decoded = torch.where(now, value, decoded)
            bits = torch.where(now, cost, bits)
        return decoded, bits

    def _from_groups(self, group: list[Pass], y: Tensor, known: list[Tensor], coding: _Coding) -> tuple[Tensor, Tensor]:
        """A group (B, n, H, W) of which each pass sees all groups before, and what of its own is decoded already."""
        board = group[0].board
        decoded: list[Tensor] = []
        bits: list[Tensor] = []
        for one in group:
            own = features_of(merge_board(decoded, board), self.definition.form) if decoded else []
            pick = partial(split_board, board=board, phase=one.phase)
            mean, scale = self.network(one)(torch.cat([*known, *own], 1), coding.weights, pick)
            importance = None if coding.importance is None else pick(coding.importance)
            value, cost, symbol, scale = coding(pick(y), mean, scale, importance)
            if coding.observe is not None:
                coding.observe(symbol, scale)
            decoded.append(value)
            bits.append(cost)
        return merge_board(decoded, board), merge_board(bits, board)


class _Coding(NamedTuple):
    """What every pass needs to know of how its latents are coded."""

    weights: Tensor
    costs: Tensor
    importance: Tensor | None
    observe: Observe | None
    trellis: bool

    def __call__(
        self, y: Tensor, mean: Tensor, scale: Tensor, importance: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Decoded latents, bits, symbols and the scale indices that were used."""
        scale = scale if self.observe is None else scale_index(scale)
        quantized = quantize(y, mean, scale, self.costs, importance)
        if self.trellis and importance is not None:
            quantized = along_trellis(y, mean, scale, self.costs, importance, quantized)
        return (*quantized, scale)


def _key(one: Pass) -> str:
    return one.name.replace(".", "_")


def companded(x: Tensor, form: Format) -> Tensor:
    """Numbers of steps as they enter the networks, rounded as they will be where 8 bits are all they have."""
    signed = compand(x)
    if form.weight_bits is not None:
        return signed
    return _on_grid(signed, form.feature_bits, -form.feature_limit, form.feature_limit)


def features_of(x: Tensor, form: Format) -> list[Tensor]:
    """What later passes see of decoded latents: companded, and their magnitudes."""
    signed = companded(x, form)
    return [signed, signed.abs()]


def highpass(x: Tensor, window: Window) -> Tensor:
    """(B, n, H, W) less the mean of the windows inside the plane, so that what neighbours share cancels."""
    pad = (window[0] // 2, window[1] // 2)
    total = F.avg_pool2d(x, window, 1, pad, divisor_override=1)
    count = F.avg_pool2d(torch.ones_like(x[:1, :1]), window, 1, pad, divisor_override=1)
    return x - torch.floor(MEAN_STEPS * total.detach() / count) / MEAN_STEPS
