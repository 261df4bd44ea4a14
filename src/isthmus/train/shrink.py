"""Writes a tuned model as its difference from the one it was tuned from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.difference import MAX_SYMBOL, Part, pack
from isthmus.errors import InputError
from isthmus.model import FORMAT_DIFFERENCE, Model, save_model
from isthmus.train.export import require_packages

GRAPHS = ("analysis.onnx", "synthesis.onnx")
UNCHANGED = ("parity", "steps.log", "steps.nominal", "compand", "context.dc.near")
"""Arrays that training leaves as they are."""
FINE = 1 / 16
COARSE = (("synthesis.linear", 1 / 4), ("analysis.linear", 1.0), (".spatial.weight", 1.0), (".mix.weight", 1.0),
          (".known.weight", 1.0), (".half.weight", 1.0))  # fmt: skip
"""Steps in standard deviations of what tuning changed in an array, by a part of its name; `FINE` where none is found.

Most of a change is noise that pictures hardly feel, but not of those weights that the synthesis network and the last
layers of the context model consist of (docs/adr/small-tuned-models.md)."""

Change = tuple[str, Part, npt.NDArray[Any], npt.NDArray[Any]]
"""A name, where the weights lie in the base (of no step yet), what they are there, and what tuning made of them."""


def shrink_model(tuned: Model, base: Model, path: Path, coarseness: float = 1.0) -> None:
    """Writes `tuned` as a difference from `base`, which everyone who uses it needs as well.

    What is written is a model of its own, near `tuned` but not the same: its id is another, and its name is the file's.

    Args:
        path: where the `.isthmodel` goes.
        coarseness: a factor of all steps; the larger, the smaller the file and the farther from `tuned`.

    Raises:
        InputError: the two differ in shape, or in arrays that tuning does not change, or not at all.
        MissingExtraError: onnx is not installed.
    """
    require_packages()
    parts, symbols = [], []
    for name, part, before, after in _changes(tuned, base):
        change = after.astype(np.float64) - before.astype(np.float64)
        share = next((share for fragment, share in COARSE if fragment in name), FINE)
        size = max(coarseness * share * float(change.std()), float(np.abs(change).max(initial=0)) / MAX_SYMBOL)
        if size == 0:
            continue
        # Integers move by whole units; float32 is what the reader multiplies.
        exact = float(max(1, int(np.ceil(size)))) if before.dtype.kind == "i" else float(np.float32(size))
        parts.append(Part(part.array, part.dtype, part.offset, part.count, exact))
        symbols.append(np.clip(np.round(change / exact), -MAX_SYMBOL, MAX_SYMBOL).astype(np.int16))
    if not parts:
        raise InputError("nothing to store", expected="a tuned model", got=f"the weights of {base.name} themselves")
    arrays, listed = pack(parts, symbols, tuned.arrays["tables"])
    own = {"name": path.stem, "format": FORMAT_DIFFERENCE, "base": base.id.hex(), "parts": listed}
    save_model(path, arrays, {**tuned.metadata, **own})


def _changes(tuned: Model, base: Model) -> Iterator[Change]:
    if base.arrays.keys() != tuned.arrays.keys():
        raise _mismatch("layers", tuned, base)
    for name, before in base.arrays.items():
        after = tuned.arrays[name]
        if name in GRAPHS:
            yield from _graph_changes(name, tuned, base)
        elif name == "tables":
            continue  # stored whole
        elif before.shape != after.shape or (name in UNCHANGED and not np.array_equal(before, after)):
            raise _mismatch(name, tuned, base)
        elif name not in UNCHANGED:
            yield name, Part(name, before.dtype.name, 0, before.size, 0.0), before.reshape(-1), after.reshape(-1)


def _graph_changes(name: str, tuned: Model, base: Model) -> Iterator[Change]:
    """The graph's weights, found in the bytes of the base's graph; all else in the graph is the base's."""
    from onnx import load_from_string, numpy_helper

    data = base.arrays[name].tobytes()
    others = {tensor.name: tensor for tensor in load_from_string(tuned.arrays[name].tobytes()).graph.initializer}
    cursor = 0
    for tensor in load_from_string(data).graph.initializer:
        before = numpy_helper.to_array(tensor)
        if before.dtype.kind != "f":
            continue
        after = numpy_helper.to_array(others[tensor.name]) if tensor.name in others else before[:0]
        # Initializers are written one after the other, in this order.
        cursor = data.find(tensor.raw_data, cursor) if tensor.raw_data else -1
        if before.shape != after.shape or before.dtype != after.dtype or cursor < 0:
            raise _mismatch(f"{name}, {tensor.name}", tuned, base)
        yield (
            tensor.name,
            Part(name, before.dtype.name, cursor, before.size, 0.0),
            before.reshape(-1),
            after.reshape(-1),
        )
        cursor += len(tensor.raw_data)


def _mismatch(what: str, tuned: Model, base: Model) -> InputError:
    return InputError(
        f"{tuned.name} is no tuned {base.name}",
        expected=f"the {what} of {base.id.hex()}",
        got="another shape or other values",
        hint="Name the model that it was tuned from with --from.",
    )
