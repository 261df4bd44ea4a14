"""The training record in a model's metadata: nothing in it tells where the pictures lie."""

from __future__ import annotations

from typing import Any

from isthmus.train.config import TrainConfig
from isthmus.train.image.catalogue import Catalogue
from isthmus.train.state import RunState


def training_record(
    state: RunState, config: TrainConfig, catalogue: Catalogue, step: int, device: str
) -> dict[str, Any]:
    """How a model was trained and what it reached, as JSON values; `isthmus models show` prints it.

    Args:
        step: steps that were trained.
        device: what it was trained on, in words.
    """
    gain = {} if state.gain is None else {"gain": state.gain}
    return {
        **gain,
        "config": config.as_dict(),
        "steps": step,
        "minutes": round(state.seconds / 60, 1),
        "device": device,
        "from": state.origin,
        "pictures": len(catalogue.training),
        "held_out": len(catalogue.held_out),
        "held_out_points": state.last,
    }
