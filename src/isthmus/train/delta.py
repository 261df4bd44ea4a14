"""Writes a tuned model as its delta from the one it was tuned from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import Definition, Kind
from isthmus.errors import InputError
from isthmus.image.coders.separable.networks import LARGEST
from isthmus.model.delta import MAX_STEP, MAX_SYMBOL, Part, pack
from isthmus.model.file import FORMAT_DELTA, save_model
from isthmus.model.model import Model
from isthmus.model.registry import find_model, release_model, releases
from isthmus.train.packages import require_packages

__all__ = ["can_write_delta", "recorded_origin", "write_delta"]

SYNTHESIS = ("trunk.", "grid.")
"""Begin the names of arrays of the synthesis networks. All others but those of the entropy model are left alone by
training."""
FINE = 1 / 16
COARSE_KINDS: dict[Kind, float] = {"window": 1.0, "pointwise": 1 / 4, "enter": 1 / 4, "exponent": 0.0}
"""Steps in standard deviations of what tuning changed in an array of the entropy model, by its kind; `FINE` for all
others, and for the synthesis networks. Powers of two are kept as they are.

Most of a change is noise that pictures hardly feel, but not of those weights that the synthesis network and the last
layers of the context model consist of, and after a long tuning its 1x1 layers (docs/adr/small-tuned-models.md)."""
MAX_COARSENESS = 64.0


class Change(NamedTuple):
    """Weights before and after tuning, (n,) both.

    Attributes:
        size: how coarsely what changed may be rounded, as a step.
        array: which one of the base they are.
        limit: the largest magnitude that they may have.
    """

    size: float
    array: str
    before: npt.NDArray[Any]
    after: npt.NDArray[Any]
    limit: float = np.inf


def write_delta(tuned: Model, base: Model, path: Path, coarseness: float = 1.0) -> Model:
    """Writes `tuned` as a delta from `base`, a model of the package, so that all who need it have it.

    What is written, and returned, is a model of its own, near `tuned` but not the same: its id is another, and its name
    is the file's.

    Args:
        path: where the `.isthmodel` goes.
        coarseness: a factor of all steps; the larger, the smaller the file and the farther from `tuned`.

    Raises:
        InputError: the base is none of the package's, or the two differ in shape, or in arrays that tuning does not
            change, or not at all; or there is no such coarseness.
        MissingExtraError: what model files are written with is not installed.
    """
    require_packages()
    if tuned.metadata["format"] == FORMAT_DELTA:
        raise InputError(f"{tuned.name} is a delta already", expected="a whole model", got="what shrink wrote")
    if base.id.hex() not in releases():
        raise _no_base(f"{base.name} {base.id.hex()} does not travel with the package")
    if not 0 < coarseness <= MAX_COARSENESS:
        raise InputError("the coarseness", expected=f"above 0, at most {MAX_COARSENESS:g}", got=coarseness)
    parts, symbols = [], []
    for change in _changes(tuned, base):
        moved = change.after.astype(np.float64) - change.before.astype(np.float64)
        step = _step(change, moved, coarseness)
        if step:
            dtype = change.before.dtype
            parts.append(Part(change.array, dtype.name, 0, change.before.size, step))
            chosen = np.clip(np.round(moved / step), -MAX_SYMBOL, MAX_SYMBOL)
            # Rounded beyond what a weight may be: one step less is within it.
            chosen -= np.sign(chosen) * (np.abs(change.before + chosen * step) > change.limit)
            symbols.append(chosen.astype(np.int16))
    if not parts:
        raise InputError(
            "there is nothing to shrink",
            expected="a model that training has changed",
            got=f"the weights of {base.name} themselves",
        )
    arrays, listed = pack(parts, symbols, tuned.arrays["tables"])
    own = {"name": path.stem, "format": FORMAT_DELTA, "base": base.id.hex(), "parts": listed}
    if coarseness > 1 and tuned.training:
        # The gain was measured before; coarse steps may turn it into a loss.
        own["training"] = {key: value for key, value in tuned.training.items() if key != "gain"}
    return save_model(path, arrays, {**tuned.metadata, **own}, find_model)


def recorded_origin(tuned: Model) -> str:
    """The id of the model that it was tuned from, as its training recorded it.

    Raises:
        InputError: it was tuned from none of the package's models, as far as is known.
    """
    said = str(tuned.training.get("from", "nothing"))
    found = re.search(r"\b[0-9a-f]{16}$", said)
    if found is None:
        raise InputError(
            f"{tuned.name} does not say which model it was tuned from",
            expected="an id in the record of its training",
            got=said,
            hint="Name that model with --from.",
        )
    if found[0] not in releases():
        raise _no_base(f"{tuned.name} was tuned from {said}, which does not travel with the package")
    return found[0]


def can_write_delta(tuned: Model) -> bool:
    """Whether `write_delta` has something to store, with the base that `recorded_origin` names."""
    try:
        base = release_model(recorded_origin(tuned))
        # All of them, for any may turn out not to fit.
        return any([not np.array_equal(change.before, change.after) for change in _changes(tuned, base)])
    except InputError:
        return False


def _no_base(what: str) -> InputError:
    return InputError(
        what,
        expected=", ".join(f"{identity} ({name})" for identity, name in releases().items()),
        hint="Name one of those with --from: any of the same shape will do, the nearest is the best.",
    )


def _step(change: Change, moved: npt.NDArray[np.float64], coarseness: float) -> float:
    """The step of an array's changes, as the reader multiplies with it; 0 if there is none."""
    size = max(coarseness * change.size, float(np.abs(moved).max(initial=0)) / MAX_SYMBOL)
    if change.before.dtype.kind == "i":
        size = float(np.ceil(size))
    return min(float(np.float32(size)), MAX_STEP)


def _changes(tuned: Model, base: Model) -> Iterator[Change]:
    if base.arrays.keys() != tuned.arrays.keys():
        raise _mismatch(tuned, base, "the same arrays", "others")
    definition = base.definition
    kinds = definition.stored({array.name: array.kind for array in definition.arrays()})
    exponents = _exponents(definition)
    for name, before in base.arrays.items():
        after = tuned.arrays[name]
        if name == "tables":
            continue  # stored whole
        if before.shape != after.shape:
            raise _mismatch(tuned, base, f"{name} {before.shape}", f"{after.shape}")
        elif (kind := kinds.get(name, "fixed")) != "fixed":
            moved = after.astype(np.float64) - before
            if name in exponents:
                # Where an output's exponent changed, its weights moved by more than what tuning did to them.
                moved = moved[..., base.arrays[exponents[name]] == tuned.arrays[exponents[name]]]
            size = COARSE_KINDS.get(kind, FINE) * float(moved.std()) if moved.size else 0.0
            limit = definition.form.weight_limit if before.dtype == np.int8 and kind != "exponent" else np.inf
            yield Change(size, name, before.reshape(-1), after.reshape(-1), limit)
        elif name.startswith(SYNTHESIS):
            moved = after.astype(np.float64) - before
            # Units and steps are few, and one array has large and small ones: next to nothing of them is rounded.
            size = 0.0 if name.endswith((".unit", ".steps")) else FINE * float(moved.std())
            limit = LARGEST if before.dtype == np.int8 else np.inf
            yield Change(size, name, before.reshape(-1), after.reshape(-1), limit)
        elif not np.array_equal(before, after):
            raise _mismatch(tuned, base, f"the same {name}", "other values")


def _exponents(definition: Definition) -> dict[str, str]:
    """By the arrays of an entropy model in bytes, those that hold the exponents of their outputs."""
    form, found = definition.form, dict[str, str]()
    for one in definition.passes:
        arrays = list(one.arrays(definition.points, form, definition.tuned))
        scaled = {array.layer: array.name for array in arrays if array.kind == "exponent"}
        found |= {a.name: scaled[a.layer] for a in arrays if a.layer in scaled and a.kind != "exponent"}
    return definition.stored({name: definition.prefix + exponent for name, exponent in found.items()})


def _mismatch(tuned: Model, base: Model, expected: str, got: str) -> InputError:
    return InputError(
        f"{tuned.name} is no tuned {base.name}",
        expected=expected,
        got=got,
        hint="Name the model that it was tuned from with --from; with another network there is nothing to shrink to.",
    )
