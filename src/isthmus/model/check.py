"""Whether the arrays of a model file are those that its metadata announces, with values that can be used.

What every model has is checked when its file is read: the entropy model. The other arrays are its coder's business, who
says by a `Spec` what they are (`check_spec`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import Definition
from isthmus.coding.formats import FORMATS, LATENT_LIMIT
from isthmus.coding.kinds import KINDS
from isthmus.coding.weights import check_exact
from isthmus.errors import ModelError
from isthmus.model.model import Model, form_of, kind_of, stored_definition

Arrays = Mapping[str, npt.NDArray[Any]]
Spec = Mapping[str, tuple[str, tuple[int | None, ...]]]
"""Dtype and shape of arrays by their names; None where any length will do."""


def entropy_spec(definition: Definition) -> Spec:
    """What every model has."""
    return {
        "tables": ("int32", (None,)),
        "compand": ("int32", (LATENT_LIMIT + 1,)),
        **definition.stored({array.name: (array.dtype, array.shape) for array in definition.arrays()}),
    }


def check_arrays(arrays: Arrays, metadata: Mapping[str, Any], path: str) -> None:
    """Raises ModelError unless the arrays of the entropy model are those that the metadata announces."""
    groups: Any = metadata.get("groups")
    points: Any = metadata.get("points")
    if not _is_shape(groups, points):
        raise ModelError(f"model file {path} lacks its shape", expected="groups and points", got=f"{groups}, {points}")
    found = metadata.get("numbers")
    if found not in FORMATS:
        raise ModelError(f"model file {path} has another number format", expected=" or ".join(FORMATS), got=found)
    if kind_of(metadata) not in KINDS:
        expected = f"one of {', '.join(KINDS)}"
        hint = "Update isthmus to read it."
        raise ModelError(
            f"model file {path} has another entropy model", expected=expected, got=kind_of(metadata), hint=hint
        )
    least = KINDS[kind_of(metadata)].least_groups
    if len(groups) < least:
        raise ModelError(f"model file {path} lacks its shape", expected=f"at least {least} groups", got=groups)
    for key in ("medium", "coder"):
        number = metadata.get(key)
        if type(number) is not int or not 1 <= number <= 255:
            raise ModelError(f"model file {path} names no {key}", expected="1 to 255", got=number)
    form = form_of(metadata)
    definition = stored_definition(arrays, metadata, tuple(groups), points)
    spec = entropy_spec(definition)
    _check_each(arrays, spec, f"model file {path}")
    _refuse_unknown([key for key in arrays if key.startswith(definition.prefix)], spec, f"model file {path}")
    compand = arrays["compand"]
    if compand[0] != 0 or compand.min() < 0 or compand.max() > form.feature_limit:
        expected = "0 first, and within an activation's range"
        raise ModelError(f"model file {path}: compand", expected=expected, got=f"{compand[0]}, to {compand.max()}")
    if definition.neighbours:
        near = definition.prefix + definition.neighbours.near
        if arrays[near].min() < 0:
            raise ModelError(f"model file {path}: {near}", expected="no negative weight", got="one")
    try:
        check_exact(definition, definition.own(arrays))
    except ValueError as error:
        raise ModelError(f"model file {path} cannot be computed exactly", got=str(error)) from error


def check_spec(model: Model, spec: Spec) -> None:
    """Raises ModelError unless a model has what its coder wants beside what every model has, and nothing else."""
    what = f"model {model.name}"
    _check_each(model.arrays, spec, what)
    _refuse_unknown(model.arrays, {**entropy_spec(model.definition), **spec}, what)


def _is_shape(groups: Any, points: Any) -> bool:
    if not isinstance(groups, list) or not groups or not all(type(n) is int and 0 < n < 4096 for n in groups):
        return False
    return type(points) is int and 2 <= points <= 256


def _check_each(arrays: Arrays, spec: Spec, what: str) -> None:
    for key, (dtype, shape) in spec.items():
        found = arrays.get(key)
        wanted = f"{key} {dtype} {shape}"
        if found is None:
            raise ModelError(f"{what} is incomplete", expected=wanted, got="nothing")
        fits = found.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if found.dtype != np.dtype(dtype) or not fits:
            raise ModelError(f"{what} is inconsistent", expected=wanted, got=f"{found.dtype} {found.shape}")


def _refuse_unknown(names: Any, spec: Spec, what: str) -> None:
    if unknown := sorted(set(names) - spec.keys()):
        hint = "Update isthmus to read it."
        raise ModelError(f"{what} has arrays that are unknown", expected="none", got=", ".join(unknown[:9]), hint=hint)
