"""The networks: an exact lapped transform, the first generation's context model in 8 bits, gains that follow decoded
texture, and the first generation's synthesis, narrowed, behind the exact inverse transform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transform_of import transform_of

from isthmus.coding.definition import Pass
from isthmus.coding.formats import BYTES, MEAN_STEPS, SCALES, SLOPE
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import BLOCK
from isthmus.model.registry import model_named
from isthmus.train import context as parts
from isthmus.train.context import ContextModel, Observe, PassNetwork, highpass
from isthmus.train.image.masking import visibility
from isthmus.train.image.modules import Block
from isthmus.train.initial import network_of
from isthmus.train.quantization import compand

GRID = 4
FLOOR = 2800
"""Squared sixteenths of a step, summed over group 1, that count as no texture."""
POWER = 13
"""Hundredths: the gain is the texture's amplitude to twice this."""
LEVEL = 0.25
"""How much smaller all steps are under tune 1, as a logarithm: gains make most of them larger."""
SHARPER = 0.18
"""How much smaller steps of the lowest luma frequencies are under tune 1."""


@dataclass(frozen=True)
class Config:
    """What is trained, and how."""

    start: str = "best"
    """The model of the first generation whose networks and steps training begins from."""
    grid: int = 32
    """Channels on the 1/4 grid."""
    hidden: int = 48
    """Channels that each 3x3 convolution there makes of them."""
    corrected: int = 384
    """Coefficients that the network at 1/16 corrects, from the first."""
    crop: int = 256
    batch: int = 8
    rate: float = 1e-3
    context_rate: float = 0.5
    """Of the context model, relative to `rate`."""
    distortion: float = 7.5
    """Bits that a squared error of one nominal step is worth."""
    masked: float = 28.0
    """The same for the encoder's choice under tune 1, in steps of the channel's own, where nothing hides the error."""


PRESETS = {"best": Config(), "fast": Config(start="fast", grid=24, hidden=24, corrected=64)}


class Tuned(nn.Module):
    """The network of a pass with a second set of biases, which tune turns on."""

    def __init__(self, net: PassNetwork):
        super().__init__()
        self.net, self.one = net, net.one
        self.tuned = nn.Parameter(torch.zeros_like(net.quality))

    @property
    def linear(self) -> nn.Module:
        return self.net.linear

    def forward(
        self, features: Tensor, weights: Tensor, pick: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `PassNetwork`; the last of the weights is tune."""
        net, quality, tune = self.net, weights[:, :-1], weights[:, -1:]
        bias = (quality @ net.quality + tune * (quality @ self.tuned))[:, :, None, None]
        features = features.contiguous(memory_format=torch.channels_last)
        x = net._activation(F.leaky_relu(net._through(self.one.enter, features) + bias, SLOPE))
        for index, block in enumerate(self.one.blocks):
            x = net._activation(x + net._activation(F.leaky_relu(net._through(block.name, x), SLOPE)))
            if index == self.one.spread and pick is not None:
                x = pick(x)
        out = net._through("last", x).float()
        return out[:, : self.one.channels], out[:, self.one.channels :].clamp(0, SCALES - 1)


def thresholds() -> Tensor:
    """(n,) int64: sums of squares from which on a texture is 1, 2, ... eighths of an octave above `FLOOR`."""
    found, eighth = [], 1
    while not found or found[-1] < 1 << 40:
        target = FLOOR**8 << eighth
        low = int(FLOOR * 2.0 ** (eighth / 8)) - 2
        while low**8 < target:
            low += 1
        found.append(low)
        eighth += 1
    return torch.tensor(found)


THRESHOLDS = thresholds()


@torch.no_grad()
def gain_steps(first: Tensor, tune: Tensor) -> Tensor:
    """(B, 1, h, w): the gain of each position in quarters of an octave, from decoded latents (B, n, h, w) of group 1 in
    steps and tune (B,) in 0..1; whole numbers throughout."""
    sixteenths = torch.round(first * MEAN_STEPS).clamp(-(1 << 15), 1 << 15).long()
    octaves = torch.bucketize(FLOOR + (sixteenths**2).sum(1, keepdim=True), THRESHOLDS, right=True)
    around = F.avg_pool2d(F.pad(octaves.double(), (1, 1, 1, 1), mode="replicate"), 3, 1, divisor_override=1)
    hundredths = torch.round(100 * tune).double()[:, None, None, None]
    return torch.floor((POWER * hundredths * around + 90000) / 180000).float()


class Context(ContextModel):
    """A context model with tuned passes, gains, and a weight of errors channel by channel."""

    def tune(self) -> None:
        """Gives every pass its second set of biases."""
        for key, net in self.passes.items():
            self.passes[key] = Tuned(net)

    def network(self, one: Pass) -> nn.Module:
        """The network of a pass."""
        return self.passes[one.name.replace(".", "_")]

    def code(
        self, y: Tensor, weights: Tensor, importance: Tensor, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `forward`, with an importance (B, C, H, W) of each channel; and the gains (B, 1, H, W)."""
        known: list[Tensor] = []
        all_decoded, all_bits = [], []
        form = self.definition.form
        gain = torch.ones_like(y[:, :1])
        for index, passes in groupby(self.definition.passes, key=lambda one: one.group):
            group = list(passes)
            part, weight = y[:, group[0].slice], importance[:, group[0].slice]
            if index >= 2:
                part = part / gain
                weight = weight * gain
            coding = parts._Coding(weights, self.costs, weight, observe)
            decoded, bits = self._group(group, part, known, coding)
            around = group[0].neighbours
            known += parts._features(highpass(decoded, around.highpass) if around else decoded, form)
            all_decoded.append(decoded)
            all_bits.append(bits)
            if index == 1:
                gain = torch.exp2(gain_steps(decoded, weights[:, -1]) / 4)
        return torch.cat(all_decoded, 1), torch.cat(all_bits, 1), gain


class Synthesis(nn.Module):
    """Corrects the coefficients at 1/16, transforms back, and corrects the planes on a 1/4 grid."""

    def __init__(self, config: Config, transform: LappedTransform, points: int, width: int, blocks: int, layers: int):
        super().__init__()
        grid = config.grid
        self.config = config
        # One feature more, the gain.
        self.enter = nn.Conv2d(len(transform.channels) + 1, width, 1)
        self.quality = nn.Parameter(torch.zeros(2, points, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.correct = nn.Conv2d(width, config.corrected, 1)
        self.leave = nn.Conv2d(width, grid * (BLOCK // GRID) ** 2, 1)
        self.pixels = nn.Conv2d(3 * GRID**2, grid, 1)
        self.spatial = nn.ModuleList(nn.Conv2d(grid, config.hidden, 3, padding=1) for _ in range(layers))
        self.mix = nn.ModuleList(nn.Conv2d(config.hidden, grid, 1) for _ in range(layers))
        self.last = nn.Conv2d(grid, 3 * GRID**2, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)
        colour, vertical, horizontal = transform.channels.T
        self.place: Tensor
        self.register_buffer("place", torch.from_numpy(vertical * 48 + colour * 16 + horizontal).long())
        self.inverse: Tensor
        self.register_buffer("inverse", torch.from_numpy(transform.inverse))
        self.colour: Tensor
        self.register_buffer("colour", torch.linalg.inv(torch.from_numpy(transform.colour)))

    def planes(self, coefficients: Tensor) -> Tensor:
        """(B, 768, h, w), ordered (vertical, colour, horizontal) -> RGB (B, 3, 16(h-1), 16(w-1)) around 0."""
        b, _, h, w = coefficients.shape
        with torch.autocast("cpu", enabled=False):
            t = coefficients.reshape(b, 16, 3, 16, h, w).permute(0, 2, 4, 5, 1, 3) @ self.inverse
            t = t[:, :, :, :-1, :, 16:] + t[:, :, :, 1:, :, :16]
            t = t.transpose(-1, -2) @ self.inverse
            t = t[:, :, :-1, :, :, 16:] + t[:, :, 1:, :, :, :16]
            planes = t.permute(0, 1, 2, 5, 3, 4).reshape(b, 3, 16 * (h - 1), 16 * (w - 1))
            return torch.einsum("dc,bchw->bdhw", self.colour, planes)

    def forward(self, y: Tensor, gain: Tensor, steps: Tensor, nominal: Tensor, weights: Tensor) -> Tensor:
        """y (B, C, h, w) in steps, gain (B, 1, h, w) -> RGB (B, 3, 16(h-1), 16(w-1)) around 0."""
        quality, tune = weights[:, :-1], weights[:, -1:]
        scale = nominal[:, None, None, None]
        features = torch.cat([compand(highpass(y[:, :3], (3, 3))), compand(y[:, 3:]), torch.log2(gain)], 1)
        features = features.contiguous(memory_format=torch.channels_last)
        bias = (quality @ self.quality[0] + tune * (quality @ self.quality[1]))[:, :, None, None]
        x = self.blocks(F.leaky_relu(self.enter(features) + bias, SLOPE))
        first = 16
        parts_ = [y[:, :first], y[:, first:] * gain]
        coefficients = torch.cat(parts_, 1) * steps[:, :, None, None]
        added = self.correct(x).float() * scale
        added = torch.cat([added[:, :first], added[:, first:] * gain], 1)
        coefficients = torch.cat(
            [coefficients[:, : self.config.corrected] + added, coefficients[:, self.config.corrected :]], 1
        )
        full = coefficients.new_zeros(len(y), 768, *y.shape[2:]).index_copy(1, self.place, coefficients)
        planes = self.planes(full)
        grid = F.pixel_shuffle(self.leave(x), BLOCK // GRID)[:, :, 2:-2, 2:-2]
        grid = grid.contiguous(memory_format=torch.channels_last)
        grid = grid + self.pixels(F.pixel_unshuffle(planes / scale, GRID))
        for spatial, mix in zip(self.spatial, self.mix, strict=True):
            grid = grid + mix(F.leaky_relu(spatial(grid), SLOPE))
        return planes + scale * F.pixel_shuffle(self.last(grid).float(), GRID)


class Network(nn.Module):
    """Everything that is trained together; the transform is not."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        model = model_named(config.start)
        old = network_of(model)
        self.old = (old,)
        self.transform, sign, norm = transform_of(model)
        self.context = Context(replace(old.config.entropy, form=BYTES))
        self.context.load_state_dict(old.context.state_dict())
        self.context.tune()
        self.points = old.config.points
        shape = (old.config.trunk_width, old.config.trunk_blocks, old.config.grid_blocks)
        self.synthesis = Synthesis(config, self.transform, self.points, *shape)
        self.nominal: Tensor
        self.register_buffer("nominal", old.nominal.clone())
        # The learned analysis made some coefficients smaller: the step takes that over, so latents stay what they were.
        relative = (old.log_steps - old.nominal[:, None])[0] - torch.from_numpy(np.log(norm)).float()
        colour, *frequency = self.transform.channels.T
        low = np.clip(1 - np.hypot(*frequency) / 8, 0, 1) * (colour == 0)
        low[:3] = 0
        self.rel: Tensor
        self.register_buffer("rel", relative + torch.from_numpy(np.log(1 - SHARPER * low)).float() - LEVEL)
        self.sign: Tensor
        self.register_buffer("sign", torch.from_numpy(sign).float())

    def dial(self, quality: Tensor, tune: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights of the quality points and tune (B, points + 1), nominal steps (B,), steps (B, C) with their signs."""
        position = quality * (self.points - 1)
        weights = (1 - (position[:, None] - torch.arange(self.points)[None]).abs()).clamp_min(0)
        nominal = torch.exp(weights @ self.nominal)
        steps = nominal[:, None] * torch.exp(tune[:, None] * self.rel[None]) * self.sign
        return torch.cat([weights, tune[:, None]], 1), nominal, steps

    def importance(self, y: Tensor, steps: Tensor, nominal: Tensor, tune: Tensor) -> Tensor:
        """(B, C, h, w): bits that a squared error of one step is worth; squared error alone counts under tune 0."""
        share = tune[:, None, None, None]
        plain = self.config.distortion * (steps / nominal[:, None])[:, :, None, None] ** 2
        return (1 - share) * plain + share * self.config.masked * visibility(y, steps.abs(), nominal)

    def forward(
        self, coefficients: Tensor, quality: Tensor, tune: Tensor, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Coefficients (B, C, h, w) -> RGB (B, 3, 16(h-1), 16(w-1)) around 0, bits (B, C, h, w), nominal steps (B,)."""
        weights, nominal, steps = self.dial(quality, tune)
        y = coefficients / steps[:, :, None, None]
        decoded, bits, gain = self.context.code(y, weights, self.importance(y, steps, nominal, tune), observe)
        return self.synthesis(decoded, gain, steps, nominal, weights), bits, nominal
