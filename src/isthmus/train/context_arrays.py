"""The weights of the entropy model as the arrays of a model file, and back: one layout for both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.coding.definition import Definition, Pass
from isthmus.coding.formats import ACTIVATION_BITS, LATENT_LIMIT, MEAN_STEPS, SCALES, WEIGHT_BITS, WEIGHT_LIMIT
from isthmus.train.context import ContextModel

Arrays = dict[str, npt.NDArray[Any]]


def fixed_point(values: Tensor) -> npt.NDArray[np.int16]:
    """Weights as integers, in units of 2**-WEIGHT_BITS, within the limit that keeps the arithmetic exact."""
    limit = int(WEIGHT_LIMIT * (1 << WEIGHT_BITS)) - 1
    scaled = np.round(values.detach().double().cpu().numpy() * (1 << WEIGHT_BITS))
    # The file format stores memory as it lies; a transposed view would come back scrambled.
    return np.ascontiguousarray(np.clip(scaled, -limit, limit), np.int16)


def compand_table() -> npt.NDArray[np.int32]:
    """(LATENT_LIMIT + 1,): log2(1 + x) of 0, 1/16, 2/16, ..., in units of 2**-ACTIVATION_BITS."""
    x = np.arange(LATENT_LIMIT + 1) / MEAN_STEPS
    return np.round(np.log2(1 + x) * (1 << ACTIVATION_BITS)).astype(np.int32)


def context_arrays(context: ContextModel) -> Arrays:
    """All arrays of the definition from the trained weights."""
    out: Arrays = {"dc.near": np.round(context.near.cpu().numpy()).astype(np.int16)}
    for one in context.definition.passes:
        network = context.network(one)
        for name in _layers(one):
            layer = network.layer(name)
            for array, rows in _stored(one, name).items():
                out[array] = fixed_point(_as_matrix(layer.weight)[rows])
            if layer.bias is not None:
                bias = _stored_scales(layer.bias, one.channels) if name == "last" else fixed_point(layer.bias)
                out[f"{one.name}.{name}.bias"] = bias
        out[f"{one.name}.quality"] = fixed_point(network.quality)
    return out


def context_state(definition: Definition, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Tensor]:
    """The state of a `ContextModel`, but for its costs, from the arrays of a model file, up to their rounding."""
    context = ContextModel(definition)
    values = {name: torch.from_numpy(array.astype(np.float64) / (1 << WEIGHT_BITS)) for name, array in arrays.items()}
    with torch.no_grad():
        context.near.copy_(torch.from_numpy(arrays["dc.near"].astype(np.float32)))
        for one in definition.passes:
            network = context.network(one)
            for name in _layers(one):
                layer = network.layer(name)
                matrix = torch.cat([values[array] for array in _stored(one, name)])
                layer.weight.copy_(_as_kernel(matrix, layer.weight))
                if layer.bias is not None:
                    layer.bias.copy_(values[f"{one.name}.{name}.bias"])
            network.last.bias[one.channels :] += SCALES / 2  # type: ignore[index]
            network.quality.copy_(values[f"{one.name}.quality"])
    return {key: value for key, value in context.state_dict().items() if key != "costs"}


def _layers(one: Pass) -> list[str]:
    linear = ["linear"] if one.neighbours else []
    return [one.enter, *(block.name for block in one.blocks), "last", *linear]


def _stored(one: Pass, layer: str) -> dict[str, slice]:
    """The arrays that hold a layer's matrix, by the rows that each holds."""
    if layer != one.enter:
        return {f"{one.name}.{layer}.weight": slice(None)}
    out, begin = {}, 0
    for part in one.inputs:
        out[f"{one.name}.{part.name}.weight"] = slice(begin, begin + part.size)
        begin += part.size
    return out


def _as_matrix(kernel: Tensor) -> Tensor:
    """(out, in, h, w) -> (h*w*in, out), for row vectors."""
    return kernel.permute(2, 3, 1, 0).reshape(-1, kernel.shape[0])


def _as_kernel(matrix: Tensor, like: Tensor) -> Tensor:
    """The inverse of `_as_matrix`, for a kernel shaped like another."""
    out, inputs, height, width = like.shape
    return matrix.reshape(height, width, inputs, out).permute(3, 2, 0, 1)


def _stored_scales(bias: Tensor, n: int) -> npt.NDArray[np.int32]:
    """Biases of n means and n scale indices, which lie in 0..63, are stored less 32, and do not fit 16 bits even so."""
    scaled = np.round(bias.detach().double().cpu().numpy() * (1 << WEIGHT_BITS)).astype(np.int32)
    scaled[n:] -= SCALES // 2 << WEIGHT_BITS
    return scaled
