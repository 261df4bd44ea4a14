"""The weights of the entropy model as the arrays of a model file, and back: one layout for both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.coding.definition import Definition, Pass
from isthmus.coding.formats import LATENT_LIMIT, MEAN_STEPS, SCALES, WORDS, Format
from isthmus.coding.kinds import FIRST
from isthmus.coding.tables import TOTAL, Tables
from isthmus.coding.trellis import FIRST_SCALE
from isthmus.coding.weights import input_bits, numbers
from isthmus.train.context import ContextModel, PassNetwork, weight_exponents

Arrays = dict[str, npt.NDArray[Any]]
UNIT = 1 << 12
"""A weight of 1 in format "words"."""
NEVER_TAKEN = np.array([TOTAL - 1, 1])
"""Counts of a table that no symbol is coded with: zero, and all others."""
LARGEST_BIAS = 1 << 22
"""Of format "bytes", in units of its output: a quarter of what an exact sum may be."""


def fixed_point(values: Tensor) -> npt.NDArray[np.int16]:
    """Weights of format "words" as integers, within the limit that keeps the arithmetic exact."""
    scaled = np.round(values.detach().double().cpu().numpy() * UNIT)
    # The file format stores memory as it lies; a transposed view would come back scrambled.
    return np.ascontiguousarray(np.clip(scaled, -WORDS.weight_limit, WORDS.weight_limit), np.int16)


def compand_table(form: Format = WORDS) -> npt.NDArray[np.int32]:
    """(LATENT_LIMIT + 1,): log2(1 + x) of 0, 1/16, 2/16, ..., in the units of companded latents."""
    x = np.arange(LATENT_LIMIT + 1) / MEAN_STEPS
    scaled = np.round(np.log2(1 + x) * (1 << form.feature_bits))
    return np.asarray(np.minimum(scaled, form.feature_limit), np.int32)


def entropy_arrays(context: ContextModel, tables: Tables) -> Arrays:
    """All arrays that every model file has, by their names there: those of an entropy model."""
    if context.trellis:
        # Symbols that are of a trellis have tables of their own; the encoder never takes the others of these indices.
        own = tables.counts[FIRST_SCALE:]
        tables = Tables([*tables.counts[:FIRST_SCALE], *([NEVER_TAKEN] * len(own)), *own])
    return {
        "tables": tables.pack().astype(np.int32),
        "compand": compand_table(context.definition.form),
        **context.definition.stored(context_arrays(context)),
    }


def entropy_metadata(definition: Definition) -> dict[str, Any]:
    """What the metadata of a model file says of its entropy model."""
    shape: dict[str, Any] = {"groups": list(definition.groups), "points": definition.points}
    if definition.name != FIRST:
        shape["definition"] = definition.name
    if definition.form != WORDS:
        shape["numbers"] = definition.form.name
    return shape


def context_arrays(context: ContextModel) -> Arrays:
    """All arrays of the definition from the trained weights."""
    form = context.definition.form
    out: Arrays = {}
    if around := context.definition.neighbours:
        out[around.near] = np.round(context.near.cpu().numpy()).astype(np.int16)
    for one in context.definition.passes:
        network = context.network(one)
        for name in _layers(one):
            layer, bits = network.layer(name), input_bits(one, name, form)
            words = form.weight_bits is not None or name == "linear"
            out |= _words(one, name, layer) if words else _bytes(one, name, layer, bits)
        for name, table in _tables(network).items():
            if form.weight_bits is not None:
                out[f"{one.name}.{name}"] = fixed_point(table)
            else:
                unit = out[f"{one.name}.{one.enter}.exponent"].astype(np.int32) - form.feature_bits
                out[f"{one.name}.{name}"] = _counted(table, unit)
    return out


def _words(one: Pass, name: str, layer: nn.Conv2d) -> Arrays:
    matrix = _as_matrix(layer.weight)
    out: Arrays = {array: fixed_point(matrix[rows]) for array, rows in _stored(one, name).items()}
    if layer.bias is not None:
        bias = _stored_scales(layer.bias, one.channels) if name == "last" else fixed_point(layer.bias)
        out[f"{one.name}.{name}.bias"] = bias
    return out


def _bytes(one: Pass, name: str, layer: nn.Conv2d, bits: int) -> Arrays:
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
    context, form = ContextModel(definition), definition.form
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
            unit = 1.0 if form.weight_bits is not None else values[f"{one.name}.{one.enter}.unit"]
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


def _stored_scales(bias: Tensor, n: int) -> npt.NDArray[np.int32]:
    """Biases of n means and n scale indices, which lie in 0..63, are stored less 32, and do not fit 16 bits even so."""
    scaled = np.round(bias.detach().double().cpu().numpy() * UNIT).astype(np.int32)
    scaled[n:] -= SCALES // 2 * UNIT
    return scaled
