"""Whether the arrays of a model file are those that its metadata announces, with values that can be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.fixed_point import (
    ACTIVATION_BITS,
    ACTIVATION_LIMIT,
    DC_CHANNELS,
    DC_PHASES,
    DC_WINDOW,
    LATENT_LIMIT,
)
from isthmus.errors import ModelError

WIDTH_KEYS = ("context.dc.0.second.bias", "context.ac.1.0.mix.bias")
"""Arrays whose lengths are the widths of the two kinds of context network."""
MAX_LOG_STEP = 20.0
"""Logarithms of steps beyond this are no steps."""


def _shapes(groups: list[int], points: int, dc_width: int, width: int) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    """Dtype and shape of every array of a model; None where any length will do."""
    latents, n = sum(groups), groups[0]
    taps = DC_WINDOW**2
    shapes: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "analysis.onnx": ("uint8", (None,)),
        "synthesis.onnx": ("uint8", (None,)),
        "steps.log": ("float32", (points, latents)),
        "steps.nominal": ("float32", (points,)),
        "parity": ("uint8", (latents, 2)),
        "tables": ("int32", (None,)),
        "compand": ("int32", (LATENT_LIMIT + 1,)),
        "context.dc.near": ("int16", (taps,)),
    }

    def layer(name: str, rows: int, columns: int, bias: bool = True) -> None:
        shapes[f"context.{name}.weight"] = ("int16", (rows, columns))
        if bias:
            # Outputs reach 63, beyond what a weight may be.
            shapes[f"context.{name}.bias"] = ("int32" if name.endswith("last") else "int16", (columns,))

    for phase in range(DC_PHASES):
        name = f"dc.{phase}"
        layer(f"{name}.first", taps * (n + 1), dc_width)
        layer(f"{name}.second", dc_width, dc_width)
        layer(f"{name}.last", dc_width, 2 * n)
        layer(f"{name}.linear", taps * n, n, bias=False)
        shapes[f"context.{name}.quality"] = ("int16", (points, dc_width))
    for group, size in enumerate(groups[1:], 1):
        for phase in range(2):
            name = f"ac.{group}.{phase}"
            layer(f"{name}.known", 2 * sum(groups[:group]), width, bias=False)
            if phase:
                layer(f"{name}.half", 2 * size, width, bias=False)
            shapes[f"context.{name}.project.bias"] = ("int16", (width,))
            layer(f"{name}.spatial", 9 * width, width)
            layer(f"{name}.mix", width, width)
            layer(f"{name}.last", width, 2 * size)
            shapes[f"context.{name}.quality"] = ("int16", (points, width))
    return shapes


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
    widths = [arrays[key].shape[-1] if key in arrays and arrays[key].ndim else 0 for key in WIDTH_KEYS]
    for key, (dtype, shape) in _shapes(groups, points, *widths).items():
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
    if compand[0] != 0 or compand.min() < 0 or compand.max() > ACTIVATION_LIMIT * (1 << ACTIVATION_BITS):
        expected = "0 first, and within an activation's range"
        raise ModelError(f"model file {path}: compand", expected=expected, got=f"{compand[0]}, to {compand.max()}")
    if arrays["context.dc.near"].min() < 0:
        raise ModelError(f"model file {path}: context.dc.near", expected="no negative weight", got="one")
