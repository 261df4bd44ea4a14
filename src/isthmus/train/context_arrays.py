"""The weights of the entropy model as the arrays of a model file, and back: one layout for both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.coding.definition import Definition, Pass
from isthmus.coding.formats import BYTES, LATENT_LIMIT, LINEAR_BITS, LINEAR_LIMIT, MEAN_STEPS, Format
from isthmus.coding.tables import Tables
from isthmus.coding.weights import input_bits, numbers
from isthmus.train.context import ContextModel, PassNetwork, weight_exponents

Arrays = dict[str, npt.NDArray[Any]]
LARGEST_BIAS = 1 << 22
"""In units of its output: a quarter of what an exact sum may be."""


def compand_table(form: Format = BYTES) -> npt.NDArray[np.int32]:
    """(LATENT_LIMIT + 1,): log2(1 + x) of 0, 1/16, 2/16, ..., in the units of companded latents."""
    x = np.arange(LATENT_LIMIT + 1) / MEAN_STEPS
    scaled = np.round(np.log2(1 + x) * (1 << form.feature_bits))
    return np.asarray(np.minimum(scaled, form.feature_limit), np.int32)


def entropy_arrays(context: ContextModel, tables: Tables) -> Arrays:
    """All arrays that every model file has, by their names there: those of an entropy model."""
    return {
        "tables": tables.pack().astype(np.int32),
        "compand": compand_table(context.definition.form),
        **context.definition.stored(context_arrays(context)),
    }


def entropy_metadata(definition: Definition) -> dict[str, Any]:
    """What the metadata of a model file says of its entropy model."""
    return {
        "groups": list(definition.groups),
        "points": definition.points,
        "definition": definition.name,
        "numbers": definition.form.name,
    }


def context_arrays(context: ContextModel) -> Arrays:
    """All arrays of the definition from the trained weights."""
    form = context.definition.form
    out: Arrays = {}
    if around := context.definition.neighbours:
        out[around.near] = np.round(context.near.cpu().numpy()).astype(np.int16)
    for one in context.definition.passes:
        network = context.network(one)
        for name in _layers(one):
            if name == "linear":
                out[f"{one.name}.linear.weight"] = _linear(network.layer(name))
            else:
                out |= _scaled(one, name, network.layer(name), input_bits(one, name, form))
        unit = out[f"{one.name}.{one.enter}.exponent"].astype(np.int32) - form.feature_bits
        out |= {f"{one.name}.{name}": _counted(table, unit) for name, table in _tables(network).items()}
    return out


def _linear(layer: nn.Conv2d) -> npt.NDArray[np.int16]:
    scaled = np.round(_as_matrix(layer.weight).detach().double().cpu().numpy() * (1 << LINEAR_BITS))
    # The file format stores memory as it lies; a transposed view would come back scrambled.
    return np.ascontiguousarray(np.clip(scaled, -LINEAR_LIMIT, LINEAR_LIMIT), np.int16)


def _scaled(one: Pass, name: str, layer: nn.Conv2d, bits: int) -> Arrays:
    exponent = weight_exponents(layer.weight)
    matrix = _as_matrix(torch.round(torch.ldexp(layer.weight.detach(), -exponent.reshape(-1, 1, 1, 1))))
    out: Arrays = {
        array: np.ascontiguousarray(matrix[rows].cpu().numpy(), np.int8) for array, rows in _stored(one, name).items()
    }
    assert layer.bias is not None
    stored = exponent.cpu().numpy()
    out[f"{one.name}.{name}.exponent"] = stored.astype(np.int8)
    out[f"{one.name}.{name}.bias"] = _counted(layer.bias, stored - bits)
    return out


def _counted(values: Tensor, unit: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Values (..., outputs) in units of 2**unit, one for each output."""
    scaled = np.round(np.ldexp(values.detach().double().cpu().numpy(), -unit))
    return np.ascontiguousarray(np.clip(scaled, -LARGEST_BIAS, LARGEST_BIAS), np.int32)


def context_state(definition: Definition, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Tensor]:
    """The state of a `ContextModel`, but for its costs, from the arrays of a model file, up to their rounding."""
    context = ContextModel(definition)
    values = {name: torch.from_numpy(array.astype(np.float64)) for name, array in numbers(definition, arrays).items()}
    with torch.no_grad():
        if definition.neighbours:
            context.near.copy_(values[definition.neighbours.near])
        for one in definition.passes:
            network = context.network(one)
            for name in _layers(one):
                layer = network.layer(name)
                matrix = torch.cat([values[array] for array in _stored(one, name)])
                layer.weight.copy_(_as_kernel(matrix, layer.weight))
                if layer.bias is not None:
                    layer.bias.copy_(values[f"{one.name}.{name}.bias"])
            unit = values[f"{one.name}.{one.enter}.unit"]
            for name, table in _tables(network).items():
                table.copy_(values[f"{one.name}.{name}"] * unit)
    return {key: value for key, value in context.state_dict().items() if key != "costs"}


def _tables(network: PassNetwork) -> dict[str, nn.Parameter]:
    """The biases that the dials stand for, by the names of their arrays."""
    return {"quality": network.quality} | ({} if network.tuned is None else {"tuned": network.tuned})


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
