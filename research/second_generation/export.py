"""From a checkpoint to a model file: python research/second_generation/export.py CHECKPOINT PRESET FILE."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from network import FLOOR, GRID, POWER, PRESETS, Network, Synthesis
from torch import Tensor, nn

from isthmus.coding.formats import SLOPE
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.grid import BLOCK
from isthmus.model.file import FORMAT, save_model
from isthmus.model.registry import model_named
from isthmus.train.context import ContextModel, highpass
from isthmus.train.context_arrays import compand_table, context_arrays
from isthmus.train.export import onnx_graph
from isthmus.train.quantization import compand


class Trunk(nn.Module):
    """Latents (h, w, C) float32 as coded, in steps, gains (h, w, 1) in octaves, weights (points + 1,) -> corrections of
    the first coefficients (h, w, K), in nominal steps, and what the grid goes on with (1, width, h, w)."""

    def __init__(self, synthesis: Synthesis):
        super().__init__()
        self.net = synthesis

    def forward(self, latents: Tensor, octaves: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        net = self.net
        y, gain = latents.permute(2, 0, 1)[None], octaves.permute(2, 0, 1)[None]
        quality, tune = weights[None, :-1], weights[None, -1:]
        features = torch.cat([compand(highpass(y[:, :3], (3, 3))), compand(y[:, 3:]), gain], 1)
        bias = (quality @ net.quality[0] + tune * (quality @ net.quality[1]))[:, :, None, None]
        hidden = net.blocks(F.leaky_relu(net.enter(features) + bias, SLOPE))
        return net.correct(hidden)[0].permute(1, 2, 0), hidden


class Grid(nn.Module):
    """Hidden (1, width, h, w), planes (3, 16(h-1), 16(w-1)) around 0, nominal (1,) -> pixels (H, W, 3) uint8."""

    def __init__(self, synthesis: Synthesis):
        super().__init__()
        self.net = synthesis
        grid = synthesis.pixels.weight.shape[0]
        self.pixels = nn.Conv2d(3, grid, GRID, GRID)
        with torch.no_grad():
            self.pixels.weight.copy_(synthesis.pixels.weight.reshape(grid, 3, GRID, GRID))
            self.pixels.bias.copy_(synthesis.pixels.bias)

    def forward(self, hidden: Tensor, planes: Tensor, nominal: Tensor) -> Tensor:
        net = self.net
        edge = BLOCK // GRID // 2
        grid = F.pixel_shuffle(net.leave(hidden), BLOCK // GRID)[:, :, edge:-edge, edge:-edge]
        grid = grid + self.pixels(planes[None] / nominal)
        for spatial, mix in zip(net.spatial, net.mix, strict=True):
            grid = grid + mix(F.leaky_relu(spatial(grid), SLOPE))
        pixels = planes + nominal * F.pixel_shuffle(net.last(grid), GRID)[0]
        return torch.floor((pixels + 128.5).clamp(0, 255)).to(torch.uint8).permute(1, 2, 0)


def plain_context(network: Network) -> ContextModel:
    """The context model as the package has it, with the weights of the one that was trained."""
    definition = replace(network.context.definition, name="tuned-lattices-and-boards", tuned=True)
    context = ContextModel(definition)
    state = {key.replace(".net.", "."): value for key, value in network.context.state_dict().items()}
    context.load_state_dict(state)
    return context


def export(network: Network, path: Path, name: str) -> None:
    """Writes a model file."""
    start = model_named(network.config.start)
    context, synthesis, transform = plain_context(network), network.synthesis.eval(), network.transform
    h, w, latents = 3, 4, len(transform.channels)
    weights, width = torch.zeros(network.points + 1), len(synthesis.enter.weight)
    size = {0: "h", 1: "w"}
    trunk = onnx_graph(
        Trunk(synthesis),
        (torch.zeros(h, w, latents), torch.zeros(h, w, 1), weights),
        ["latents", "octaves", "weights"],
        {"latents": size, "octaves": size},
        ("corrections", "hidden"),
    )
    grid = onnx_graph(
        Grid(synthesis),
        (
            torch.zeros(1, width, h, w),
            torch.zeros(3, 16 * (h - 1), 16 * (w - 1)),
            torch.ones(1),
        ),
        ["hidden", "planes", "nominal"],
        {"hidden": {2: "h", 3: "w"}, "planes": {1: "rows", 2: "columns"}},
    )
    arrays: dict[str, npt.NDArray[Any]] = {
        "trunk.onnx": np.frombuffer(trunk, np.uint8),
        "grid.onnx": np.frombuffer(grid, np.uint8),
        "transform.forward": transform.forward,
        "transform.inverse": transform.inverse,
        "transform.colour": transform.colour,
        "transform.channels": transform.channels.astype(np.uint8),
        "transform.signs": network.sign.numpy().astype(np.int8),
        "steps.nominal": network.nominal.numpy(),
        "steps.eye": network.rel.numpy(),
        "gains": np.array([FLOOR, POWER], np.int32),
        "tables": start.arrays["tables"],
        "compand": compand_table(context.definition.form),
        **context.definition.stored(context_arrays(context)),
    }
    metadata = {
        "format": FORMAT,
        "name": name,
        "groups": list(context.definition.groups),
        "points": network.points,
        "definition": context.definition.name,
        "numbers": context.definition.form.name,
        "medium": 1,
        "coder": SeparableCoder.id,
    }
    save_model(path, {key: np.ascontiguousarray(value) for key, value in arrays.items()}, metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args()
    network = Network(PRESETS[asked.preset])
    network.load_state_dict(torch.load(asked.checkpoint)["average"])
    with torch.no_grad():
        export(network, asked.target, asked.preset)


if __name__ == "__main__":
    main()
