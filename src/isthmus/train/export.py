"""From trained weights to a model file: synthesis networks, fixed-point context networks, integer tables, metadata."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.tables import Tables
from isthmus.image.coders.protocol import MEDIUM
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.model.file import FORMAT, save_model
from isthmus.train.context_arrays import entropy_arrays, entropy_metadata
from isthmus.train.image.modules import Network
from isthmus.train.image.synthesis_arrays import synthesis_arrays
from isthmus.train.packages import require_packages

STORED = {
    "transform.windows": "transform.forward",
    "transform.functions": "transform.inverse",
    "transform.colour": "transform.colour",
    "transform.channels": "transform.channels",
    "signs": "transform.signs",
    "nominal": "steps.nominal",
    "eye": "steps.eye",
}
"""Arrays of a model file that training leaves as they are, by their names in the network's state."""
DTYPES = {"transform.channels": np.uint8, "transform.signs": np.int8}
"""Of those that are not float32."""


def export_model(network: Network, path: Path, name: str, metadata: dict[str, Any], tables: Tables) -> None:
    """Writes a model file from trained weights, deterministically.

    Args:
        network: the network.
        path: where the `.isthmodel` goes.
        name: the model's name, for people.
        metadata: JSON values stored with it: licence, training record.
        tables: the probability tables.

    Raises:
        MissingExtraError: safetensors is not installed.
    """
    require_packages("then go on with --resume")
    network = copy.deepcopy(network).cpu().eval()
    config, state = network.config, network.state_dict()
    stored = {name: state[key].numpy().astype(DTYPES.get(name, np.float32)) for key, name in STORED.items()}
    arrays: dict[str, npt.NDArray[Any]] = {
        **synthesis_arrays(network.trunk, network.grid),
        **stored,
        "gains": np.array([config.gain_floor, config.gain_power], np.int32),
        **entropy_arrays(network.context, tables),
    }
    shape = {"format": FORMAT, "name": name, "medium": MEDIUM, "coder": SeparableCoder.id}
    save_model(path, arrays, {**shape, **entropy_metadata(config.entropy), **metadata})
