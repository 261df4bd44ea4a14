"""The networks of a picture's codec in differentiable form: steps, entropy model, trunk, exact transform and grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.coding.formats import BYTES, SLOPE
from isthmus.image.coders.masking import DC_CHANNELS, striking
from isthmus.image.coders.separable.networks import ACROSS, COLOURS, NEAR, SQUARE
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import BLOCK
from isthmus.train.config import NetworkConfig
from isthmus.train.context import ContextModel, Gains, Observe, companded, highpass
from isthmus.train.image.gains import gain_octaves, thresholds_of
from isthmus.train.image.masking import importance
from isthmus.train.image.rounding import POSITIVE, Activation, rounded

MOST_OCTAVES = BYTES.feature_limit / (1 << BYTES.feature_bits)
"""Of a gain, as the network at 1/16 sees it."""
FIRST_STEP, FIRST_LEVELS = 1 / 16, 2.0
"""Steps of activations that training from nothing starts from: at 1/16, and on the grid in grey levels."""


class Dials(NamedTuple):
    """What a quality and a tune stand for."""

    weights: Tensor
    """(B, points + 1): how much each quality point counts; tune last."""
    nominal: Tensor
    """(B,): the step that the quality stands for, in grey levels."""
    steps: Tensor
    """(B, C): the step of each channel, with the sign of its latents."""

    @property
    def quality(self) -> Tensor:
        """(B, points)."""
        return self.weights[:, :-1]

    @property
    def tune(self) -> Tensor:
        """(B,) in 0..1."""
        return self.weights[:, -1]


class Block(nn.Module):
    """Residual block at 1/16: depthwise 3x3, then a two-layer feed-forward over the channels."""

    def __init__(self, width: int, first: Tensor):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.reduce = nn.Conv2d(2 * width, width, 1)
        self.around, self.near = Activation(first), Activation(first)
        self.seen, self.wide = Activation(first), Activation(first, POSITIVE)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        """(B, width, H, W), and weights (B, points) of the quality points -> alike."""
        around = rounded(self.depthwise, self.around(x, quality), self.around.step(quality))
        x = x + self.near(around, quality)
        wide = self.wide(rounded(self.expand, self.seen(x, quality), self.seen.step(quality)), quality)
        return x + rounded(self.reduce, wide)


class Trunk(nn.Module):
    """The synthesis network at 1/16: corrects coefficients, and says what the one on the finer grid goes on with."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        width, first = config.trunk_width, torch.full((config.points,), math.log(FIRST_STEP))
        # One feature more: the gain.
        self.enter = nn.Conv2d(config.latents + 1, width, 1)
        self.quality = nn.Parameter(torch.zeros(config.points, width))
        self.tuned = nn.Parameter(torch.zeros(config.points, width))
        self.blocks = nn.ModuleList(Block(width, first) for _ in range(config.trunk_blocks))
        self.hidden = Activation(first)
        self.correct = nn.Conv2d(width, config.corrected, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.get_parameter("bias"))

    def forward(self, latents: Tensor, octaves: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, h, w) as coded, in steps, gains (B, 1, h, w) in octaves, weights (B, points + 1), tune last
        -> corrections of the first coefficients (B, corrected, h, w) in nominal steps, and hidden (B, width, h, w)."""
        plain = torch.cat([highpass(latents[:, :DC_CHANNELS], NEAR), latents[:, DC_CHANNELS:]], 1)
        features = torch.cat([companded(plain, BYTES), octaves.clamp_max(MOST_OCTAVES)], 1)
        features = features.contiguous(memory_format=torch.channels_last)
        quality, tune = weights[:, :-1], weights[:, -1:]
        bias = (quality @ self.quality + tune * (quality @ self.tuned))[:, :, None, None]
        x = F.leaky_relu(rounded(self.enter, features) + bias, SLOPE)
        for block in self.blocks:
            x = block(x, quality)
        hidden: Tensor = self.hidden(x, quality)
        return rounded(self.correct, hidden), hidden


class GridBlock(nn.Module):
    """Residual block on the 1/4 grid: a 3x3 convolution, rectified, and a layer over its channels."""

    def __init__(self, width: int, hidden: int, first: Tensor):
        super().__init__()
        self.spatial = nn.Conv2d(width, hidden, 3, padding=1)
        self.mix = nn.Conv2d(hidden, width, 1)
        self.around, self.active = Activation(first), Activation(first, POSITIVE)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        """(B, width, H, W), and weights (B, points) of the quality points -> alike."""
        seen = rounded(self.spatial, self.around(x, quality), self.around.step(quality))
        return x + rounded(self.mix, self.active(seen, quality))


class Grid(nn.Module):
    """The synthesis network on a 1/4 grid: corrects the planes that the inverse transform gives."""

    def __init__(self, config: NetworkConfig, nominal: Tensor):
        super().__init__()
        grid = config.grid_width
        self.leave = nn.Conv2d(config.trunk_width, grid * ACROSS**2, 1)
        self.pixels = nn.Conv2d(COLOURS, grid, SQUARE, SQUARE)
        # In nominal steps pictures are the larger, the finer those are.
        first = math.log(FIRST_LEVELS) - nominal
        blocks = (GridBlock(grid, config.grid_hidden, first) for _ in range(config.grid_blocks))
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Conv2d(grid, COLOURS * SQUARE**2, 1)
        # Detail, not brightness.
        self.pixels.weight.data -= self.pixels.weight.data.mean((2, 3), keepdim=True)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.get_parameter("bias"))

    def forward(self, hidden: Tensor, planes: Tensor, dials: Dials) -> Tensor:
        """Hidden (B, width, h, w), planes (B, 3, 16(h-1), 16(w-1)) around 0 -> RGB as planes."""
        scale, quality = dials.nominal[:, None, None, None], dials.quality
        edge = ACROSS // 2
        x = F.pixel_shuffle(rounded(self.leave, hidden), ACROSS)[:, :, edge:-edge, edge:-edge]
        x = x.contiguous(memory_format=torch.channels_last) + self.pixels(planes / scale)
        for block in self.blocks:
            x = block(x, quality)
        return planes + scale * F.pixel_shuffle(self.last(x).float(), SQUARE)


class Transform(nn.Module):
    """The inverse of the exact transform. Nothing in it is trained."""

    def __init__(self, latents: int):
        super().__init__()
        self.windows: Tensor
        self.register_buffer("windows", torch.zeros(BLOCK, 2 * BLOCK))
        self.functions: Tensor
        self.register_buffer("functions", torch.zeros(BLOCK, 2 * BLOCK))
        self.colour: Tensor
        self.register_buffer("colour", torch.eye(COLOURS))
        self.channels: Tensor
        self.register_buffer("channels", torch.zeros(latents, 3, dtype=torch.long))

    def load(self, exact: LappedTransform) -> None:
        """Becomes that one."""
        stored = (self.windows, self.functions, self.colour, self.channels)
        given = (exact.forward, exact.inverse, exact.colour, exact.channels)
        for buffer, values in zip(stored, given, strict=True):
            buffer.copy_(torch.from_numpy(values))

    def exact(self) -> LappedTransform:
        """As the codec has it, for the way from pixels to coefficients."""
        stored = (self.windows, self.functions, self.colour, self.channels)
        return LappedTransform(*(np.array(buffer.cpu().numpy()) for buffer in stored))

    def forward(self, coefficients: Tensor) -> Tensor:
        """Coefficients (B, C, h, w) in grey levels -> RGB (B, 3, 16(h-1), 16(w-1)) around 0."""
        b, _, h, w = coefficients.shape
        colour, vertical, horizontal = self.channels.T
        place = (vertical * COLOURS + colour) * BLOCK + horizontal
        with torch.autocast(coefficients.device.type, enabled=False):
            full = coefficients.new_zeros(b, COLOURS * BLOCK**2, h, w).index_copy(1, place, coefficients)
            x = full.reshape(b, BLOCK, COLOURS, BLOCK, h, w).permute(0, 2, 4, 5, 1, 3) @ self.functions
            x = x[:, :, :, :-1, :, BLOCK:] + x[:, :, :, 1:, :, :BLOCK]
            x = x.transpose(-1, -2) @ self.functions
            x = x[:, :, :-1, :, :, BLOCK:] + x[:, :, 1:, :, :, :BLOCK]
            planes = x.permute(0, 1, 2, 5, 3, 4).reshape(b, COLOURS, BLOCK * (h - 1), BLOCK * (w - 1))
            # No check of what is invertible: that would wait for the device in every step.
            return torch.einsum("dc,bchw->bdhw", torch.linalg.inv_ex(self.colour).inverse, planes)


class Network(nn.Module):
    """Everything that is trained together, and the transform, which is not."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.transform = Transform(config.latents)
        self.trunk = Trunk(config)
        nominal = torch.linspace(math.log(config.coarsest_step), math.log(config.finest_step), config.points)
        self.grid = Grid(config, nominal)
        self.context = ContextModel(config.entropy, config.trellis)
        self.nominal: Tensor
        self.register_buffer("nominal", nominal)
        # Set by `begin` and never trained: steps trained through the rounding shrink without end.
        self.eye: Tensor
        self.register_buffer("eye", torch.zeros(config.latents))
        self.signs: Tensor
        self.register_buffer("signs", torch.ones(config.latents))
        self.striking: Tensor
        self.register_buffer("striking", torch.ones(config.latents), persistent=False)
        self.thresholds: Tensor
        self.register_buffer("thresholds", thresholds_of(config.gain_floor), persistent=False)

    def begin(self, transform: LappedTransform, eye_log_steps: Tensor) -> None:
        """Sets the transform, and the logarithms (C,) of the steps under tune eye, less that of the nominal one."""
        self.transform.load(transform)
        self.eye.copy_(eye_log_steps)
        self._follow_transform()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As of every module; what hangs on the transform follows it."""
        found = super().load_state_dict(state_dict, strict, assign)
        self._follow_transform()
        return found

    def _follow_transform(self) -> None:
        """Sets what hangs on the transform's channels alone and is kept in no checkpoint."""
        channels = self.transform.channels.cpu().numpy()
        self.striking.copy_(torch.from_numpy(striking(channels)))

    def quality_weights(self, quality: Tensor) -> Tensor:
        """quality (B,) in 0..1 -> (B, points) weights of the two nearest points, as of `Quality.weights`."""
        position = quality * (self.config.points - 1)
        index = torch.arange(self.config.points, device=quality.device)
        return (1 - (position[:, None] - index[None]).abs()).clamp_min(0)

    def at(self, quality: Tensor, tune: Tensor) -> Dials:
        """What qualities and tunes, both (B,) in 0..1, stand for."""
        weights = self.quality_weights(quality)
        # In bfloat16 a step would be wrong by up to 2 %.
        with torch.autocast(quality.device.type, enabled=False):
            nominal = torch.exp(weights @ self.nominal)
        steps = nominal[:, None] * torch.exp(tune[:, None] * self.eye) * self.signs
        return Dials(torch.cat([weights, tune[:, None]], 1), nominal, steps)

    def quantized(self, y: Tensor, dials: Dials, observe: Observe | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (B, C, h, w) in steps -> latents as they are decoded, before any gain, and bits, both alike, and the
        gains (B, 1, h, w) in octaves.

        Args:
            observe: as of `ContextModel`.
        """
        config = self.config
        source = slice(config.groups[0], config.first_gained)

        def octaves_of(texture: Tensor) -> Tensor:
            return gain_octaves(texture, dials.tune, self.thresholds, config.gain_floor, config.gain_power)

        gains = Gains(source, config.first_gained, lambda texture: torch.exp2(octaves_of(texture)))
        worth = importance(y, dials.steps, dials.nominal, dials.tune, self.striking)
        decoded, bits = self.context(y.float(), dials.weights, worth, observe, gains)
        if config.first_gained == config.latents:
            return decoded, bits, torch.zeros_like(decoded[:, :1])
        return decoded, bits, octaves_of(decoded[:, source])

    def synthesise(self, latents: Tensor, octaves: Tensor, dials: Dials) -> Tensor:
        """Latents (B, C, h, w) as coded, in steps, and gains (B, 1, h, w) in octaves
        -> RGB (B, 3, 16(h-1), 16(w-1)) around 0, the part whose windows are all there."""
        config = self.config
        corrections, hidden = self.trunk(latents, octaves, dials.weights)
        coefficients = latents * dials.steps[:, :, None, None]
        corrected = coefficients[:, : config.corrected] + dials.nominal[:, None, None, None] * corrections.float()
        coefficients = torch.cat([corrected, coefficients[:, config.corrected :]], 1)
        plain, gained = coefficients[:, : config.first_gained], coefficients[:, config.first_gained :]
        planes = self.transform(torch.cat([plain, gained * torch.exp2(octaves)], 1))
        out: Tensor = self.grid(hidden, planes, dials)
        return out

    def forward(self, coefficients: Tensor, quality: Tensor, tune: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coefficients (B, C, h, w) in grey levels, qualities and tunes (B,) in 0..1 -> RGB (B, 3, 16(h-1), 16(w-1))
        around 0, bits of each latent (B, C, h, w), and the nominal step (B,)."""
        dials = self.at(quality, tune)
        decoded, bits, octaves = self.quantized(coefficients / dials.steps[:, :, None, None], dials)
        return self.synthesise(decoded, octaves, dials), bits, dials.nominal
