"""The networks: an exact lapped transform, the first generation's context model in 8 bits, a small synthesis."""

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
from isthmus.coding.formats import BYTES, SCALES, SLOPE
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.model.registry import model_named
from isthmus.train import context as parts
from isthmus.train.context import ContextModel, Observe, PassNetwork, highpass
from isthmus.train.image.masking import visibility
from isthmus.train.initial import network_of
from isthmus.train.quantization import compand


@dataclass(frozen=True)
class Config:
    """What is trained, and how."""

    start: str = "best"
    """The model of the first generation that the context model and the steps come from."""
    trunk: int = 192
    """Channels at 1/16."""
    blocks: int = 3
    """Residual blocks at 1/16."""
    grid: int = 24
    """Channels on the 1/4 grid."""
    layers: int = 4
    """3x3 convolutions on that grid."""
    crop: int = 256
    batch: int = 4
    rate: float = 1e-3
    context_rate: float = 0.2
    """Of the context model, relative to `rate`."""
    distortion: float = 7.5
    """Bits that a squared error of one nominal step is worth."""
    masked: float = 28.0
    """The same for the encoder's choice under tune 1, in steps of the channel's own, where nothing hides the error."""


PRESETS = {"best": Config(), "fast": Config(start="fast", trunk=96, blocks=2, grid=16, layers=2)}


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
        x = net._activation(F.leaky_relu(net._through(self.one.enter, features) + bias, SLOPE))
        for index, block in enumerate(self.one.blocks):
            x = net._activation(x + net._activation(F.leaky_relu(net._through(block.name, x), SLOPE)))
            if index == self.one.spread and pick is not None:
                x = pick(x)
        out = net._through("last", x).float()
        return out[:, : self.one.channels], out[:, self.one.channels :].clamp(0, SCALES - 1)


class Context(ContextModel):
    """A context model that weighs errors channel by channel, with tuned passes."""

    def tune(self) -> None:
        """Gives every pass its second set of biases."""
        for key, net in self.passes.items():
            self.passes[key] = Tuned(net)

    def network(self, one: Pass) -> nn.Module:
        """The network of a pass."""
        return self.passes[one.name.replace(".", "_")]

    def code(
        self, y: Tensor, weights: Tensor, importance: Tensor, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with an importance (B, C, H, W) of each channel."""
        known: list[Tensor] = []
        all_decoded, all_bits = [], []
        form = self.definition.form
        for _, passes in groupby(self.definition.passes, key=lambda one: one.group):
            group = list(passes)
            part = y[:, group[0].slice]
            coding = parts._Coding(weights, self.costs, importance[:, group[0].slice], observe)
            decoded, bits = self._group(group, part, known, coding)
            around = group[0].neighbours
            known += parts._features(highpass(decoded, around.highpass) if around else decoded, form)
            all_decoded.append(decoded)
            all_bits.append(bits)
        return torch.cat(all_decoded, 1), torch.cat(all_bits, 1)


class Block(nn.Module):
    """Depthwise 5x5, then two layers over the channels; residual."""

    def __init__(self, width: int):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.expand, self.reduce = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(2 * width, width, 1)
        nn.init.zeros_(self.depthwise.weight)
        self.reduce.weight.data *= 0.3

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.depthwise(x)
        out: Tensor = x + self.reduce(F.relu(self.expand(x)))
        return out


class Synthesis(nn.Module):
    """Corrects the coefficients at 1/16, transforms back, and corrects the planes on a 1/4 grid."""

    def __init__(self, config: Config, transform: LappedTransform, points: int):
        super().__init__()
        width, grid = config.trunk, config.grid
        self.enter = nn.Conv2d(len(transform.channels), width, 1)
        self.quality = nn.Parameter(torch.zeros(2, points, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(config.blocks)))
        self.leave = nn.Conv2d(width, 768, 1)
        self.features = nn.Conv2d(width, 16 * grid, 1)
        self.patch = nn.Conv2d(3, grid, 4, 4)
        self.patch.weight.data -= self.patch.weight.data.mean((2, 3), keepdim=True)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(grid, grid, 3, padding=1), nn.ReLU(), nn.Conv2d(grid, grid, 3, padding=1))
            for _ in range(config.layers // 2)
        )
        self.out = nn.ConvTranspose2d(grid, 3, 4, 4)
        for layer in (self.leave, self.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
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
        t = coefficients.reshape(b, 16, 3, 16, h, w).permute(0, 2, 4, 5, 1, 3) @ self.inverse
        t = t[:, :, :, :-1, :, 16:] + t[:, :, :, 1:, :, :16]
        t = t.transpose(-1, -2) @ self.inverse
        t = t[:, :, :-1, :, :, 16:] + t[:, :, 1:, :, :, :16]
        planes = t.permute(0, 1, 2, 5, 3, 4).reshape(b, 3, 16 * (h - 1), 16 * (w - 1))
        return torch.einsum("dc,bchw->bdhw", self.colour, planes)

    def forward(self, y: Tensor, steps: Tensor, nominal: Tensor, weights: Tensor) -> Tensor:
        """y (B, C, h, w) in steps -> RGB (B, 3, 16(h-1), 16(w-1)) around 0."""
        quality, tune = weights[:, :-1], weights[:, -1:]
        scale = nominal[:, None, None, None]
        features = torch.cat([compand(highpass(y[:, :3], (3, 3))), compand(y[:, 3:])], 1)
        bias = (quality @ self.quality[0] + tune * (quality @ self.quality[1]))[:, :, None, None]
        x = self.blocks(F.relu(self.enter(features) + bias))
        coefficients = (scale * self.leave(x)).index_add(1, self.place, y * steps[:, :, None, None])
        planes = self.planes(coefficients)
        grid = F.pixel_shuffle(self.features(x), 4)[:, :, 2:-2, 2:-2] + self.patch(planes / scale)
        for layer in self.layers:
            grid = grid + layer(grid)
        out: Tensor = planes + scale * self.out(grid)
        return out


class Network(nn.Module):
    """Everything that is trained together; the transform is not."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        model = model_named(config.start)
        old = network_of(model)
        self.transform, sign, norm = transform_of(model)
        self.context = Context(replace(old.config.entropy, form=BYTES))
        self.context.load_state_dict(old.context.state_dict())
        self.context.tune()
        self.points = old.config.points
        self.synthesis = Synthesis(config, self.transform, self.points)
        self.nominal: Tensor
        self.register_buffer("nominal", old.nominal.clone())
        # The learned analysis made some coefficients smaller: the step takes that over, so latents stay what they were.
        relative = (old.log_steps - old.nominal[:, None])[0] - torch.from_numpy(np.log(norm)).float()
        self.rel: Tensor
        self.register_buffer("rel", relative)
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
        decoded, bits = self.context.code(y, weights, self.importance(y, steps, nominal, tune), observe)
        return self.synthesis(decoded, steps, nominal, weights), bits, nominal
