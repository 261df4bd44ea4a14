"""The weights of the synthesis networks as the arrays of a model file, and back: one layout for both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.image.coders.separable.networks import ACROSS, LARGEST, SQUARE
from isthmus.train.image.modules import Block, Grid, GridBlock, Trunk
from isthmus.train.image.rounding import Activation, unit_of

Arrays = dict[str, npt.NDArray[Any]]


class _Layer(NamedTuple):
    """A layer, and how a model file has it."""

    name: str
    conv: nn.Conv2d
    steps: tuple[Activation, ...] = ()
    """Of what enters and of what leaves."""
    parts: int = 1
    """Outputs, squares of so many positions for each channel, are stored position by position."""
    is_whole: bool = True
    """Whether it has 8 bits."""


def _layers(trunk: Trunk, grid: Grid) -> Iterator[_Layer]:
    yield _Layer("trunk.enter", trunk.enter)
    for index, one in enumerate(cast(list[Block], list(trunk.blocks))):
        yield _Layer(f"trunk.{index}.depthwise", one.depthwise, (one.around, one.near))
        yield _Layer(f"trunk.{index}.expand", one.expand, (one.seen, one.wide))
        yield _Layer(f"trunk.{index}.reduce", one.reduce)
    yield _Layer("trunk.correct", trunk.correct)
    yield _Layer("grid.leave", grid.leave, parts=ACROSS**2)
    yield _Layer("grid.pixels", grid.pixels, is_whole=False)
    for index, finer in enumerate(cast(list[GridBlock], list(grid.blocks))):
        yield _Layer(f"grid.{index}.spatial", finer.spatial, (finer.around, finer.active))
        yield _Layer(f"grid.{index}.mix", finer.mix)
    yield _Layer("grid.last", grid.last, parts=SQUARE**2, is_whole=False)


def synthesis_arrays(trunk: Trunk, grid: Grid) -> Arrays:
    """The arrays of `isthmus.image.coders.separable.networks` from trained weights."""
    out: Arrays = {"trunk.quality": _stored(trunk.quality), "trunk.tuned": _stored(trunk.tuned)}
    out["trunk.steps"] = _stored(torch.exp(trunk.hidden.log_steps))
    for layer in _layers(trunk, grid):
        weight, bias = layer.conv.weight.detach(), cast(Tensor, layer.conv.bias)
        if layer.is_whole:
            unit = unit_of(weight)
            weight = torch.round(weight / unit.reshape(-1, 1, 1, 1)).clamp(-LARGEST, LARGEST)
            out[f"{layer.name}.unit"] = _stored(_by_position(unit, layer.parts))
        matrix = weight.permute(2, 3, 1, 0).flatten(0, 2)
        dtype = np.int8 if layer.is_whole else np.float32
        out[f"{layer.name}.weight"] = _stored(_by_position(matrix, layer.parts), dtype)
        out[f"{layer.name}.bias"] = _stored(_by_position(bias, layer.parts))
        if layer.steps:
            out[f"{layer.name}.steps"] = _stored(torch.exp(torch.stack([one.log_steps for one in layer.steps])))
    return out


@torch.no_grad()
def load_synthesis(trunk: Trunk, grid: Grid, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Sets the weights of networks from the arrays of a model file, up to their rounding.

    Raises:
        KeyError, RuntimeError: the arrays are not those of networks of these shapes.
    """

    def values(name: str) -> Tensor:
        return torch.from_numpy(arrays[name].astype(np.float32))

    trunk.quality.copy_(values("trunk.quality"))
    trunk.tuned.copy_(values("trunk.tuned"))
    trunk.hidden.log_steps.copy_(torch.log(values("trunk.steps")))
    for layer in _layers(trunk, grid):
        weight, bias = layer.conv.weight, cast(Tensor, layer.conv.bias)
        matrix = values(f"{layer.name}.weight")
        if layer.is_whole:
            matrix = matrix * values(f"{layer.name}.unit")
        outputs, inputs, rows, columns = weight.shape
        kernel = _by_channel(matrix, layer.parts).reshape(rows, columns, inputs, outputs)
        weight.copy_(kernel.permute(3, 2, 0, 1))
        bias.copy_(_by_channel(values(f"{layer.name}.bias"), layer.parts))
        for index, one in enumerate(layer.steps):
            one.log_steps.copy_(torch.log(values(f"{layer.name}.steps")[index]))


def _by_position(outputs: Tensor, parts: int) -> Tensor:
    """(..., n * parts) -> (..., parts * n)."""
    return outputs.reshape(*outputs.shape[:-1], -1, parts).transpose(-1, -2).flatten(-2)


def _by_channel(outputs: Tensor, parts: int) -> Tensor:
    """(..., parts * n) -> (..., n * parts)."""
    return outputs.reshape(*outputs.shape[:-1], parts, -1).transpose(-1, -2).flatten(-2)


def _stored(values: Tensor, dtype: type[np.generic] = np.float32) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values.detach().cpu().numpy(), dtype)
