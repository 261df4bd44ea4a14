"""What the separable coder finds in a model beside the entropy model: its transform, networks and steps."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import BYTES
from isthmus.errors import ModelError
from isthmus.image.coders.masking import DC_CHANNELS
from isthmus.image.coders.separable.gains import LARGEST_FLOOR, LARGEST_POWER
from isthmus.image.coders.separable.networks import check_values, shape_of
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import BLOCK
from isthmus.medium.setting import Setting
from isthmus.model.check import check_spec
from isthmus.model.model import Model

MAX_LOG_STEP = 20.0
"""Logarithms of steps beyond this are no steps."""
Float32 = npt.NDArray[np.float32]


@lru_cache(maxsize=8)
def check_model(model: Model) -> None:
    """Raise ModelError unless a model has the transform, networks and steps of this coder, and nothing unknown."""
    definition, latents = model.definition, model.latents
    known = definition.tuned and definition.form == BYTES
    if not known or len(definition.groups) < 2 or definition.groups[0] != DC_CHANNELS:
        expected = f"a second dial, numbers in {BYTES.name}, and {DC_CHANNELS} DC channels before others"
        got = f"{definition.name} in {definition.form.name}, groups {definition.groups}"
        raise ModelError(f"model {model.name} has another entropy model", expected=expected, got=got)
    check_spec(
        model,
        {
            **shape_of(model).spec(),
            "transform.forward": ("float32", (BLOCK, 2 * BLOCK)),
            "transform.inverse": ("float32", (BLOCK, 2 * BLOCK)),
            "transform.colour": ("float32", (3, 3)),
            "transform.channels": ("uint8", (latents, 3)),
            "transform.signs": ("int8", (latents,)),
            "steps.nominal": ("float32", (definition.points,)),
            "steps.eye": ("float32", (latents,)),
            "gains": ("int32", (2,)),
        },
    )
    check_values(model)
    for key in ("steps.nominal", "steps.eye"):
        _require(model, key, np.abs(model.arrays[key]) < MAX_LOG_STEP, f"within +-{MAX_LOG_STEP}")
    channels = model.arrays["transform.channels"]
    limits = np.array([3, BLOCK, BLOCK])
    _require(model, "transform.channels", channels < limits, f"below {limits.tolist()}")
    _require(model, "transform.channels", len(np.unique(channels, axis=0)) == latents, "each function once")
    _require(model, "transform.signs", np.abs(model.arrays["transform.signs"]) == 1, "1 or -1")
    for key in ("transform.forward", "transform.inverse", "transform.colour"):
        _require(model, key, np.isfinite(model.arrays[key]), "finite numbers")
    floor, power = model.arrays["gains"].tolist()
    fits = 1 <= floor <= LARGEST_FLOOR and 0 <= power <= LARGEST_POWER
    _require(model, "gains", fits, f"a floor from 1 to {LARGEST_FLOOR}, and 0 to {LARGEST_POWER} hundredths")


def _require(model: Model, key: str, holds: npt.ArrayLike, expected: str) -> None:
    if not np.all(holds):
        raise ModelError(f"model {model.name}: {key}", expected=expected, got="others")


@lru_cache(maxsize=8)
def transform_of(model: Model) -> LappedTransform:
    """The exact transform of a model's latents."""
    forward, inverse, colour = (model.arrays[f"transform.{name}"] for name in ("forward", "inverse", "colour"))
    return LappedTransform(forward, inverse, colour, model.arrays["transform.channels"].astype(np.int64))


@lru_cache(maxsize=64)
def steps_of(setting: Setting) -> Float32:
    """(C,) float32: the quantization step of every channel, in grey levels, with the sign of its latents."""
    arrays = setting.model.arrays
    steps = nominal_step_of(setting) * np.exp(np.float32(setting.tune.share) * arrays["steps.eye"])
    return np.asarray(steps * arrays["transform.signs"], np.float32)


@lru_cache(maxsize=64)
def nominal_step_of(setting: Setting) -> Float32:
    """(1,) float32: the step that the quality stands for, in grey levels."""
    return nominal_step(setting.model, setting.quality_weights).reshape(1)


def nominal_step(model: Model, quality: Float32) -> Float32:
    """() float32: the nominal step for weights (points,) of the quality points."""
    return np.asarray(np.exp(quality @ model.arrays["steps.nominal"]), np.float32)


def mirror_signs(model: Model, axis: int) -> Float32:
    """(C,): what the latents of a mirrored picture are multiplied by; axis 0 is turned upside down."""
    odd = model.arrays["transform.channels"][:, 1 + axis] % 2
    return np.where(odd, np.float32(-1), np.float32(1))
