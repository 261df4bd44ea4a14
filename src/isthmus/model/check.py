"""Whether the arrays of a model file are those that its metadata announces, with values that can be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import DC_CHANNELS, Definition
from isthmus.coding.formats import FORMATS, LATENT_LIMIT
from isthmus.coding.weights import check_exact
from isthmus.errors import ModelError
from isthmus.model.model import CONTEXT, form_of, stored_definition

MAX_LOG_STEP = 20.0
"""Logarithms of steps beyond this are no steps."""


def _shapes(definition: Definition) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    """Dtype and shape of every array of a model; None where any length will do."""
    points, latents = definition.points, definition.latents
    return {
        "analysis.onnx": ("uint8", (None,)),
        "synthesis.onnx": ("uint8", (None,)),
        "steps.log": ("float32", (points, latents)),
        "steps.nominal": ("float32", (points,)),
        "parity": ("uint8", (latents, 2)),
        "tables": ("int32", (None,)),
        "compand": ("int32", (LATENT_LIMIT + 1,)),
        **{CONTEXT + array.name: (array.dtype, array.shape) for array in definition.arrays()},
    }


def check_arrays(arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any], path: str) -> None:
    """Raises ModelError unless the arrays are those that the metadata announces, with values that can be used."""
    groups, points = metadata.get("groups"), metadata.get("points")
    if (
        not isinstance(groups, list)
        or len(groups) < 2
        or not all(type(n) is int and 0 < n < 4096 for n in groups)
        or groups[0] != DC_CHANNELS
        or type(points) is not int
        or not 2 <= points <= 256
    ):
        raise ModelError(f"model file {path} lacks its shape", expected="groups and points", got=f"{groups}, {points}")
    if metadata.get("numbers", "words") not in FORMATS:
        found = metadata["numbers"]
        raise ModelError(f"model file {path} has another number format", expected=" or ".join(FORMATS), got=found)
    form = form_of(metadata)
    definition = stored_definition(arrays, tuple(groups), points, form)
    for key, (dtype, shape) in _shapes(definition).items():
        found = arrays.get(key)
        wanted = f"{key} {dtype} {shape}"
        if found is None:
            raise ModelError(f"model file {path} is incomplete", expected=wanted, got="nothing")
        fits = found.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if found.dtype != np.dtype(dtype) or not fits:
            raise ModelError(f"model file {path} is inconsistent", expected=wanted, got=f"{found.dtype} {found.shape}")
    for key in ("steps.log", "steps.nominal"):
        if not (np.abs(arrays[key]) < MAX_LOG_STEP).all():
            raise ModelError(f"model file {path}: {key}", expected=f"within +-{MAX_LOG_STEP}", got="larger or NaN")
    compand = arrays["compand"]
    if compand[0] != 0 or compand.min() < 0 or compand.max() > form.feature_limit:
        expected = "0 first, and within an activation's range"
        raise ModelError(f"model file {path}: compand", expected=expected, got=f"{compand[0]}, to {compand.max()}")
    if arrays["context.dc.near"].min() < 0:
        raise ModelError(f"model file {path}: context.dc.near", expected="no negative weight", got="one")
    try:
        stored = {key.removeprefix(CONTEXT): value for key, value in arrays.items() if key.startswith(CONTEXT)}
        check_exact(definition, stored)
    except ValueError as error:
        raise ModelError(f"model file {path} cannot be computed exactly", got=str(error)) from error
