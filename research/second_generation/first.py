"""The first generation in training form, read from its model files: where the second one's training began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

from isthmus.coding.definition import Definition
from isthmus.coding.formats import SLOPE
from isthmus.image.coders.masking import DC_CHANNELS
from isthmus.image.grid import BLOCK
from isthmus.model.model import Model
from isthmus.train.context import ContextModel, Observe, highpass
from isthmus.train.context_arrays import context_state
from isthmus.train.image.masking import visibility
from isthmus.train.image.modules import GRID, Block
from isthmus.train.quantization import compand
from isthmus.train.tables import training_costs


@dataclass(frozen=True)
class Shape:
    """Of the networks."""

    entropy: Definition
    points: int
    trunk_width: int
    trunk_blocks: int
    grid_width: int
    grid_blocks: int


class Synthesis(nn.Module):
    """Latents to picture: the inverse transform, and a network on a 1/4-resolution grid that corrects it."""

    def __init__(self, shape: Shape):
        super().__init__()
        width, grid, latents = shape.trunk_width, shape.grid_width, shape.entropy.latents
        self.linear = nn.Conv2d(latents, 3 * BLOCK**2, 2, bias=False)
        self.enter = nn.Conv2d(latents, width, 1)
        self.quality = nn.Parameter(torch.zeros(shape.points, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(shape.trunk_blocks)))
        self.leave = nn.Conv2d(width, grid * (BLOCK // GRID) ** 2, 1)
        self.pixels = nn.Conv2d(3 * GRID**2, grid, 1)
        self.spatial = nn.ModuleList(nn.Conv2d(grid, grid, 3, padding=1) for _ in range(shape.grid_blocks))
        self.mix = nn.ModuleList(nn.Conv2d(grid, grid, 1) for _ in range(shape.grid_blocks))
        self.last = nn.Conv2d(grid, 3 * GRID**2, 1)

    def forward(self, y: Tensor, steps: Tensor, nominal: Tensor, weights: Tensor) -> Tensor:
        """y (B, C, h, w) in steps, steps (B, C), nominal step (B,), weights (B, points)
        -> pixels (B, 3, 16(h-1), 16(w-1)) around 0, the part whose windows are all there."""
        scale = nominal[:, None, None, None]
        linear = F.pixel_shuffle(self.linear(y * steps[:, :, None, None]), BLOCK // GRID)
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
    """What a quality stands for: weights of the points (B, points), the nominal step (B,), the steps (B, C)."""

    weights: Tensor
    nominal: Tensor
    steps: Tensor


class Network(nn.Module):
    """All networks of a model."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.config = shape
        self.analysis = nn.ModuleDict({"linear": nn.Conv2d(3 * BLOCK**2, shape.entropy.latents, 2, bias=False)})
        self.synthesis = Synthesis(shape)
        self.context = ContextModel(shape.entropy)
        self.nominal: Tensor
        self.register_buffer("nominal", torch.zeros(shape.points))
        self.log_steps: Tensor
        self.register_buffer("log_steps", torch.zeros(shape.points, shape.entropy.latents))

    def at(self, quality: Tensor) -> Dial:
        """What the qualities (B,) in 0..1 stand for."""
        position = quality * (self.config.points - 1)
        weights = (1 - (position[:, None] - torch.arange(self.config.points)[None]).abs()).clamp_min(0)
        return Dial(weights, torch.exp(weights @ self.nominal), torch.exp(weights @ self.log_steps))

    def analyse(self, pixels: Tensor, steps: Tensor) -> Tensor:
        """pixels (B, 3, 16h+16, 16w+16) around 0, steps (B, C) -> latents in steps (B, C, h, w)."""
        y: Tensor = self.analysis["linear"](F.pixel_unshuffle(pixels, BLOCK)) / steps[:, :, None, None]
        return y

    def quantized(
        self, y: Tensor, dial: Dial, rdoq_weight: float, observe: Observe | None = None
    ) -> tuple[Tensor, Tensor]:
        """Latents (B, C, h, w) in steps -> decoded latents and bits, both alike."""
        importance = rdoq_weight * visibility(y, dial.steps, dial.nominal)
        decoded, bits = self.context(y.float(), dial.weights, importance, observe)
        return decoded, bits


def network_of(model: Model) -> Network:
    """A network in training form from a model file."""
    found: dict[str, Tensor] = {}
    for name in ("analysis.onnx", "synthesis.onnx"):
        for tensor in onnx.load_from_string(model.arrays[name].tobytes()).graph.initializer:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            found[tensor.name.removesuffix(".half")] = torch.from_numpy(values)
    shape = Shape(
        model.definition,
        model.definition.points,
        trunk_width=len(found["synthesis.enter.bias"]),
        trunk_blocks=sum(key.endswith("depthwise.bias") for key in found),
        grid_width=len(found["synthesis.pixels.bias"]),
        grid_blocks=sum(key.startswith("synthesis.spatial") and key.endswith("bias") for key in found),
    )
    context = context_state(model.definition, model.definition.own(model.arrays))
    found |= {f"context.{key}": value for key, value in context.items()}
    found["log_steps"] = torch.from_numpy(model.arrays["steps.log"].copy())
    found["nominal"] = torch.from_numpy(model.arrays["steps.nominal"].copy())
    found["context.costs"] = training_costs(model.tables)
    network = Network(shape)
    state = network.state_dict()
    network.load_state_dict({key: found[key].reshape(state[key].shape) for key in state})
    return network
