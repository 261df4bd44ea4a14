"""What the lapped coder finds in a model beside the entropy model: its arrays, and the steps at a quality."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from isthmus.errors import ModelError
from isthmus.image.coders.masking import DC_CHANNELS
from isthmus.medium.setting import Setting
from isthmus.model.check import check_spec
from isthmus.model.model import Model

MAX_LOG_STEP = 20.0
"""Logarithms of steps beyond this are no steps."""


def check_model(model: Model) -> None:
    """Raise ModelError unless a model has the networks and steps of this coder, and nothing that is unknown."""
    points, groups, latents = model.definition.points, model.definition.groups, model.latents
    if groups[0] != DC_CHANNELS:
        raise ModelError(f"model {model.name} has another first group", expected=f"{DC_CHANNELS} DC", got=groups[0])
    check_spec(
        model,
        {
            "analysis.onnx": ("uint8", (None,)),
            "synthesis.onnx": ("uint8", (None,)),
            "steps.log": ("float32", (points, latents)),
            "steps.nominal": ("float32", (points,)),
            "parity": ("uint8", (latents, 2)),
        },
    )
    for key in ("steps.log", "steps.nominal"):
        if not (np.abs(model.arrays[key]) < MAX_LOG_STEP).all():
            raise ModelError(f"model {model.name}: {key}", expected=f"within +-{MAX_LOG_STEP}", got="larger or NaN")


@lru_cache(maxsize=64)
def steps_of(setting: Setting) -> npt.NDArray[np.float32]:
    """(C,) float32: the quantization step of every channel, in grey levels."""
    return np.asarray(np.exp(setting.quality_weights @ setting.model.arrays["steps.log"]), np.float32)


@lru_cache(maxsize=64)
def nominal_step_of(setting: Setting) -> npt.NDArray[np.float32]:
    """(1,) float32: the step that the quality stands for, in grey levels."""
    return np.asarray(np.exp(setting.quality_weights @ setting.model.arrays["steps.nominal"]), np.float32).reshape(1)
