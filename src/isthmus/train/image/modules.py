"""The networks of a picture's codec in differentiable form: analysis, steps, entropy model and synthesis."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.coding.formats import SLOPE
from isthmus.image.coders.masking import DC_CHANNELS
from isthmus.image.grid import BLOCK
from isthmus.train.config import NetworkConfig
from isthmus.train.context import ContextModel, Observe, highpass
from isthmus.train.image.lapped_transform import LappedTransform
from isthmus.train.image.masking import visibility
from isthmus.train.quantization import compand

GRID = 4


class Block(nn.Module):
    """Residual block at 1/16: depthwise 3x3, then a two-layer feed-forward over the channels."""

    def __init__(self, width: int):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.reduce = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) -> alike."""
        x = x + self.depthwise(x)
        out: Tensor = x + self.reduce(F.leaky_relu(self.expand(x), SLOPE))
        return out


class Analysis(nn.Module):
    """Picture to latents: a linear transform of overlapping windows.

    A network beside it, trained through the rounding, learned to enlarge latents that round to zero anyway and lost
    more than it gained; the encoder's freedom lies in the choice of symbols instead."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.linear = nn.Conv2d(3 * BLOCK**2, config.latents, 2, bias=False)

    def forward(self, pixels: Tensor, steps: Tensor) -> Tensor:
        """pixels (B, 3, 16h+16, 16w+16) around 0, steps (B, C) -> latents in steps (B, C, h, w)."""
        y: Tensor = self.linear(F.pixel_unshuffle(pixels, BLOCK)) / steps[:, :, None, None]
        return y


class Synthesis(nn.Module):
    """Latents to picture: the inverse transform, and a network on a 1/4-resolution grid that corrects it."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        width, grid = config.trunk_width, config.grid_width
        self.linear = nn.Conv2d(config.latents, 3 * BLOCK**2, 2, bias=False)
        self.enter = nn.Conv2d(config.latents, width, 1)
        self.quality = nn.Parameter(torch.zeros(config.points, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(config.trunk_blocks)))
        self.leave = nn.Conv2d(width, grid * (BLOCK // GRID) ** 2, 1)
        self.pixels = nn.Conv2d(3 * GRID**2, grid, 1)
        self.spatial = nn.ModuleList(nn.Conv2d(grid, grid, 3, padding=1) for _ in range(config.grid_blocks))
        self.mix = nn.ModuleList(nn.Conv2d(grid, grid, 1) for _ in range(config.grid_blocks))
        self.last = nn.Conv2d(grid, 3 * GRID**2, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    @property
    def halo(self) -> int:
        """Latent positions around a window within which zero padding can be felt; of an exported network the codec
        finds the same."""
        # The mean that is taken off, every block of the trunk, and the windows on the finer grid.
        return 1 + len(self.blocks) + -(-len(self.spatial) * GRID // BLOCK)

    def forward(self, y: Tensor, steps: Tensor, nominal: Tensor, weights: Tensor) -> Tensor:
        """y (B, C, h, w) in steps, steps (B, C), nominal step (B,), weights (B, points)
        -> pixels (B, 3, 16(h-1), 16(w-1)) around 0, the part whose windows are all there."""
        scale = nominal[:, None, None, None]
        linear = self.linear(y * steps[:, :, None, None])
        linear = F.pixel_shuffle(linear, BLOCK // GRID)
        features = torch.cat([compand(highpass(y[:, :DC_CHANNELS], (3, 3))), compand(y[:, DC_CHANNELS:])], 1)
        bias = (weights @ self.quality)[:, :, None, None]
        hidden = self.blocks(F.leaky_relu(self.enter(features) + bias, SLOPE))
        grid = F.pixel_shuffle(self.leave(hidden), BLOCK // GRID)
        edge = BLOCK // GRID // 2
        grid = grid[:, :, edge:-edge, edge:-edge] + self.pixels(linear / scale)
        for spatial, mix in zip(self.spatial, self.mix, strict=True):
            grid = grid + mix(F.leaky_relu(spatial(grid), SLOPE))
        return F.pixel_shuffle(linear.float() + scale * self.last(grid).float(), GRID)


class Dial(NamedTuple):
    """What a quality stands for."""

    weights: Tensor
    """(B, points): how much each quality point counts."""
    nominal: Tensor
    """(B,): the step that the quality stands for, in grey levels."""
    steps: Tensor
    """(B, C): the step of each channel."""


class Network(nn.Module):
    """Everything that is trained together."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.analysis = Analysis(config)
        self.synthesis = Synthesis(config)
        self.context = ContextModel(config.entropy)
        nominal = torch.linspace(math.log(config.coarsest_step), math.log(config.finest_step), config.points)
        self.nominal: Tensor
        self.register_buffer("nominal", nominal)
        # Set by `load_transform` and never trained: steps trained through the rounding shrink without end.
        self.log_steps: Tensor
        self.register_buffer("log_steps", nominal[:, None].repeat(1, config.latents))
        self.parity: Tensor
        self.register_buffer("parity", torch.zeros(config.latents, 2, dtype=torch.long))

    def load_transform(self, transform: LappedTransform) -> None:
        """Sets the linear layers to a lapped transform; the networks beside them begin at zero."""
        n = self.config.latents
        forward = torch.from_numpy(transform.analysis).float().reshape(n, 3, 2, BLOCK, 2, BLOCK)
        # pixel_unshuffle orders channels (colour, row, column); a 2x2 kernel holds the four blocks of a window.
        self.analysis.linear.weight.data.copy_(forward.permute(0, 1, 3, 5, 2, 4).reshape(n, 3 * BLOCK**2, 2, 2))
        inverse = torch.from_numpy(transform.synthesis).float()
        inverse = inverse.reshape(n, 3, 2, GRID, GRID, 2, GRID, GRID)
        # Two pixel shuffles follow: channels (colour, fine row, fine column, coarse row, coarse column). A block
        # between four latents takes the far quarter of each, hence the flip of the kernel.
        inverse = inverse.permute(1, 4, 7, 3, 6, 0, 2, 5).reshape(3 * BLOCK**2, n, 2, 2)
        self.synthesis.linear.weight.data.copy_(inverse.flip(2, 3))
        self.parity.copy_(torch.from_numpy(transform.parity))
        self.log_steps.copy_(self.nominal[:, None] + torch.from_numpy(transform.log_steps)[None])
        weight = self.synthesis.pixels.weight.data.reshape(-1, 3, GRID**2)
        weight -= weight.mean(2, keepdim=True)

    def quality_weights(self, quality: Tensor) -> Tensor:
        """quality (B,) in 0..1 -> (B, points) weights of the two nearest points, as of `Model.quality_weights`."""
        position = quality * (self.config.points - 1)
        index = torch.arange(self.config.points, device=quality.device)
        return (1 - (position[:, None] - index[None]).abs()).clamp_min(0)

    def at(self, quality: Tensor) -> Dial:
        """What the qualities (B,) in 0..1 stand for."""
        weights = self.quality_weights(quality)
        return Dial(weights, torch.exp(weights @ self.nominal), torch.exp(weights @ self.log_steps))

    def quantized(
        self, y: Tensor, dial: Dial, rdoq_weight: float, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor]:
        """Latents (B, C, h, w) in steps -> decoded latents and bits, both alike.

        Args:
            rdoq_weight: as in `TrainConfig`.
            observe: as of `ContextModel`.
        """
        importance = rdoq_weight * visibility(y, dial.steps, dial.nominal) if rdoq_weight else None
        decoded, bits = self.context(y.float(), dial.weights, importance, observe)
        return decoded, bits

    def forward(self, pixels: Tensor, quality: Tensor, rdoq_weight: float) -> tuple[Tensor, Tensor, Tensor]:
        """pixels (B, 3, 16h+16, 16w+16) around 0 -> reconstruction of all but the outer 16 pixels, bits of each
        latent (B, C, h, w), and the nominal step (B,)."""
        dial = self.at(quality)
        y = self.analysis(pixels, dial.steps)
        decoded, bits = self.quantized(y, dial, rdoq_weight)
        return self.synthesis(decoded, dial.steps, dial.nominal, dial.weights), bits, dial.nominal
