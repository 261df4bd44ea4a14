"""Weights of one network as the start of a network of another shape or another range of steps.

Where the new network is larger it begins as the same function: what is added feeds nothing old until it is trained.
Where it is smaller, only the layers whose shapes still agree are kept, and the others begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from isthmus.errors import InputError
from isthmus.train.config import NetworkConfig
from isthmus.train.image.modules import Network

LAST_OF_ADDED = ("depthwise.", "reduce.", "mix.")
"""What an added residual block adds to its input passes through these layers."""


def reshaped(state: Mapping[str, Tensor], old: NetworkConfig, new: NetworkConfig) -> dict[str, Tensor]:
    """The state of a network `new` that begins where the `state` of a network `old` ends.

    Raises:
        InputError: the two do not code the same latents.
    """
    if (old.latents, old.groups) != (new.latents, new.groups):
        raise InputError(
            "a model's latents and groups cannot be changed",
            expected=f"{old.latents} in groups {old.groups}",
            got=f"{new.latents} in groups {new.groups}",
        )
    network = Network(new)
    # What hangs on the quality points is moved to the new ones.
    before, after = state["nominal"], network.nominal
    moved = {key: _at_new_points(state[key], before, after) for key in state if key.endswith((".quality", ".tuned"))}
    steps = [key for key in state if key.endswith(".log_steps")]
    moved |= {key: _at_new_points(state[key][:, None], before, after)[:, 0] for key in steps}
    old_state = {**state, **moved, "nominal": after}
    if old.trellis != new.trellis:
        # Its symbols stand for other values.
        del old_state["context.costs"]
    return {key: _fit(key, fresh, old_state.get(key)) for key, fresh in network.state_dict().items()}


def _fit(key: str, fresh: Tensor, value: Tensor | None) -> Tensor:
    if value is None:
        return torch.zeros_like(fresh) if any(part in key for part in LAST_OF_ADDED) else fresh
    if value.shape == fresh.shape:
        return value
    if any(before > after for before, after in zip(value.shape, fresh.shape, strict=True)):
        return fresh
    grown = fresh.clone()
    if grown.ndim > 1:
        # Old outputs take nothing from new inputs.
        grown[: value.shape[0]] = 0
    grown[tuple(slice(size) for size in value.shape)] = value
    return grown


def _at_new_points(biases: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Biases (..., points, width) of quality points, at new points; beyond the ends as at the ends.

    Args:
        old, new: (points,): logarithms of the points' nominal steps.
    """
    # Steps shrink from point to point, and interpolation wants them to grow.
    positions = np.interp(-new.cpu().numpy(), -old.cpu().numpy(), np.arange(len(old)))
    low = np.minimum(np.floor(positions).astype(np.int64), len(old) - 2)
    part = torch.from_numpy(positions - low).to(biases.dtype)[:, None]
    return torch.lerp(biases[..., low, :], biases[..., low + 1, :], part)
