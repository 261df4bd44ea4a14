"""The integers of a model file as the numbers that the fixed-point runner computes with, and the proof of exactness.

Format "words": weights and biases count 2**-12; the second half of every `last.bias`, that of the scale indices, is
stored less 32. Format "bytes": a weight counts 2**e, e the exponent of its output, and biases of a layer count 2**e
times the unit of what enters the layer. In both, weights of kind "linear" count 2**-12, and those of kind "fixed" 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import Definition, Pass
from isthmus.coding.formats import EXACT_SUM, SCALES, WORDS, Format

Arrays = Mapping[str, npt.NDArray[Any]]
LARGEST_MEAN = 1 << 22
"""Steps: five passes of a group, each a mean from the one before, and symbols have room in 32 bits of sixteenths."""
EXPONENTS = (-12, 8)
"""Exponents lie within this: below, a bias would not fit beside weights that are hardly there."""


def input_bits(one: Pass, layer: str, form: Format) -> int:
    """Fraction bits of what enters a layer: companded latents, or activations."""
    return form.feature_bits if layer == one.enter else form.activation_bits


def numbers(definition: Definition, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """What `ContextModel` takes, by the names of the arrays; tables of quality stay integers in format "bytes".

    Args:
        arrays: of the model file, by their names without the prefix.
    """
    form = definition.form
    out: dict[str, npt.NDArray[Any]] = {}
    for array in definition.arrays():
        stored = arrays[array.name]
        if array.kind == "fixed":
            out[array.name] = stored.astype(np.float64)
        elif array.kind == "linear" or form.weight_bits is not None:
            out[array.name] = stored / float(1 << (form.weight_bits or WORDS.weight_bits or 0))
        elif array.kind == "quality":
            out[array.name] = stored.astype(np.int64)
    for one in definition.passes:
        for layer, _, parts, _ in one.matrices():
            if form.weight_bits is not None:
                continue
            exponent = arrays[f"{one.name}.{layer}.exponent"].astype(np.int32)
            unit = exponent - input_bits(one, layer, form)
            for part, _ in parts:
                name = f"{one.name}.{part}.weight"
                out[name] = np.ldexp(arrays[name].astype(form.dtype), exponent)
            out[f"{one.name}.{layer}.bias"] = np.ldexp(arrays[f"{one.name}.{layer}.bias"].astype(form.dtype), unit)
            out[f"{one.name}.{layer}.unit"] = np.ldexp(np.ones(len(unit), form.dtype), unit)
        if form.weight_bits is not None:
            out[f"{one.name}.last.bias"][one.channels :] += SCALES / 2
    return out


def largest_sums(one: Pass, layer: str, form: Format, arrays: Arrays) -> npt.NDArray[np.int64]:
    """(outputs,): the largest magnitude that a sum of a layer can reach, on the way too, in units of its smallest
    summands.

    Only for format "bytes": words are proved by their limits alone.
    """
    parts = next(parts for name, _, parts, _ in one.matrices() if name == layer)
    top = max(-form.activation_low, form.activation_high)
    if layer == one.enter:
        top = form.feature_limit
    total = sum(np.abs(arrays[f"{one.name}.{part}.weight"].astype(np.int64)).sum(0) for part, _ in parts) * top
    total = total + np.abs(arrays[f"{one.name}.{layer}.bias"].astype(np.int64))
    if layer == one.enter:
        for name in (f"{one.name}.quality", f"{one.name}.tuned"):
            if name in arrays:
                total = total + np.abs(arrays[name].astype(np.int64)).max(0)
    return np.asarray(total, np.int64)


def check_exact(definition: Definition, arrays: Arrays) -> None:
    """Raise ValueError unless every sum is exact in the format's arithmetic, in any order, and no mean is too large.

    Args:
        arrays: of the model file, by their names without the prefix, of the shapes that the definition says.
    """
    form = definition.form
    if form.weight_bits is not None:
        return
    for one in definition.passes:
        for layer, _, parts, _ in one.matrices():
            exponent = arrays[f"{one.name}.{layer}.exponent"]
            if exponent.min() < EXPONENTS[0] or exponent.max() > EXPONENTS[1]:
                raise ValueError(f"{one.name}.{layer}.exponent: expected within {EXPONENTS}, found {exponent.min()}")
            for part, _ in parts:
                most = int(np.abs(arrays[f"{one.name}.{part}.weight"].astype(np.int32)).max(initial=0))
                if most > form.weight_limit:
                    raise ValueError(f"{one.name}.{part}.weight: expected within +-{form.weight_limit}, found {most}")
            totals = largest_sums(one, layer, form, arrays)
            if totals.max() >= EXACT_SUM[form.dtype]:
                raise ValueError(
                    f"{one.name}.{layer}: expected sums below {EXACT_SUM[form.dtype]}, found {totals.max()}"
                )
            if layer == "last":
                units = exponent[: one.channels].astype(np.int32) - input_bits(one, layer, form)
                mean = float(np.ldexp(totals[: one.channels].astype(np.float64), units).max())
                if mean > LARGEST_MEAN:
                    raise ValueError(f"{one.name}.{layer}: expected means within +-{LARGEST_MEAN} steps, found {mean}")
