"""Weights that training starts from: a classical transform, a model file, or another run's checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.coding.formats import BYTES
from isthmus.coding.kinds import TUNED
from isthmus.errors import InputError
from isthmus.image.coders.protocol import MEDIUM
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.separable.networks import shape_of
from isthmus.image.grid import BLOCK
from isthmus.model.model import Model
from isthmus.model.registry import model_named
from isthmus.train.config import NetworkConfig, TrainConfig
from isthmus.train.context_arrays import context_state
from isthmus.train.export import STORED
from isthmus.train.image.lapped_transform import eye_log_steps, make_lapped_transform
from isthmus.train.image.modules import Network
from isthmus.train.image.synthesis_arrays import load_synthesis
from isthmus.train.image.windows import Pixels
from isthmus.train.packages import require_packages
from isthmus.train.reshape import reshaped
from isthmus.train.tables import training_costs

CHECKPOINT_ORIGIN = "checkpoint of"
"""How the training record begins to name a checkpoint that a run started from."""
START_PICTURES = 64
"""Crops on which the transform's coefficients are ordered by size."""


def begin_from_nothing(network: Network, pictures: list[Pixels], config: TrainConfig) -> None:
    """Sets a network to the lapped cosine transform for pictures (3, H, W) of at least crop+16 pixels a side."""
    side = config.crop + BLOCK
    chosen = pictures[:: max(1, len(pictures) // START_PICTURES)][:START_PICTURES]
    middles = []
    for picture in chosen:
        top, left = (picture.shape[1] - side) // 2, (picture.shape[2] - side) // 2
        middles.append(picture[:, top : top + side, left : left + side].transpose(1, 2, 0))
    transform = make_lapped_transform(np.stack(middles), config.network.latents)
    network.begin(transform, torch.from_numpy(eye_log_steps(transform.channels)))


def network_config(model: Model) -> NetworkConfig:
    """The shape of a model's networks, from the shapes of its arrays; raises ModelError if it has others."""
    nominal = np.exp(model.arrays["steps.nominal"].astype(np.float64))
    floor, power = model.arrays["gains"].tolist()
    shape = shape_of(model)
    return NetworkConfig(
        latents=model.latents,
        groups=tuple(model.metadata["groups"]),
        points=int(model.metadata["points"]),
        coarsest_step=round(float(nominal[0]), 3),
        finest_step=round(float(nominal[-1]), 3),
        context_width=model.definition.passes[-1].width,
        dc_width=model.definition.passes[0].width,
        trunk_width=shape.width,
        trunk_blocks=shape.blocks,
        corrected=shape.corrected,
        grid_width=shape.grid_width,
        grid_hidden=shape.grid_hidden,
        grid_blocks=shape.grid_blocks,
        gain_floor=floor,
        gain_power=power,
        trellis=model.trellis is not None,
    )


def load_weights(
    origin: str, config: TrainConfig, settings: Mapping[str, str] = MappingProxyType({})
) -> tuple[TrainConfig, dict[str, Tensor], str]:
    """The weights that `--from` names, for a `Network` of the configuration that is returned with them.

    Args:
        origin: an installed model's name, a model file, or a checkpoint (.pt).
        config: of the new run; its network takes the shape of the weights.
        settings: as of `TrainConfig.changed`; those of the network change that shape.

    Returns:
        configuration, state of the network, and the origin for the training record.

    Raises:
        InputError, ModelError, UnknownModelError, MissingExtraError
    """
    path = Path(origin)
    if path.suffix == ".pt":
        saved = load_checkpoint(path)
        shape = TrainConfig.from_dict(saved["config"]).network if "config" in saved else config.network
        require_same_parameters(saved["average"], Network(shape), path)
        state, name = saved["average"], f"{CHECKPOINT_ORIGIN} {saved.get('step', 0)} steps"
    else:
        model = _model_named(origin)
        network = network_of(model)
        shape, state, name = network.config, network.state_dict(), origin_of(model)
    changes = {key: value for key, value in settings.items() if key.startswith("network.")}
    config = replace(config, network=shape).changed(changes)
    return config, state if config.network == shape else reshaped(state, shape, config.network), name


def origin_of(model: Model) -> str:
    """How the training record names a model that a run started from."""
    return f"{model.name} {model.id.hex()}"


def began_from(origin: str, recorded: str) -> bool:
    """Whether a run whose record names `recorded` may have started from what `--from` names."""
    if Path(origin).suffix == ".pt":
        return recorded.startswith(CHECKPOINT_ORIGIN)
    return recorded == origin_of(_model_named(origin))


def _model_named(origin: str) -> Model:
    require_packages()
    return model_named(origin)


def require_same_parameters(state: Mapping[str, Tensor], network: Network, path: Path) -> None:
    """Raises InputError unless a checkpoint's weights are those of a network, by name and shape."""
    own = {key: value.shape for key, value in network.state_dict().items()}
    if {key: value.shape for key, value in state.items()} != own:
        raise InputError(
            f"{path} holds weights of another version of isthmus",
            expected=f"{len(own)} arrays of the names and shapes of this version",
            got=f"{len(state)}",
            hint="Begin from the model file that the run wrote instead: --from MODEL.isthmodel.",
        )


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds; nothing in it is executed.

    Raises:
        InputError: it is no checkpoint.
        OSError: it cannot be read.
    """
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is no checkpoint, or a damaged one", got=type(error).__name__) from error
    if not isinstance(saved, dict) or "average" not in saved:
        raise InputError(f"{path} is no checkpoint", expected="weights under 'average'", got=type(saved).__name__)
    return saved


def network_of(model: Model) -> Network:
    """A network in training form from a model file: the context model out of fixed point, the rest out of its arrays.

    Raises:
        InputError: the networks are not of the kind that this version trains.
        ModelError: the model's arrays are not those of its kind.
    """
    kind = (model.medium, model.coder, model.definition.name, model.definition.form)
    if kind != (MEDIUM, SeparableCoder.id, TUNED, BYTES):
        form = model.definition.form.name
        raise InputError(
            f"model {model.name} cannot be trained further by this version of isthmus",
            expected=f"a picture model of coder {SeparableCoder.id}",
            got=f"medium {model.medium}, coder {model.coder}, {model.definition.name} in {form}",
            hint="Begin from best or fast, or leave --from out to train one from nothing.",
        )
    SeparableCoder().check_model(model)
    arrays = model.arrays
    try:
        network = Network(network_config(model))
        load_synthesis(network.trunk, network.grid, arrays)
        state = network.state_dict()
        context = context_state(model.definition, model.definition.own(arrays))
        found = {**state, **{f"context.{key}": value for key, value in context.items()}}
        found["context.costs"] = training_costs(
            model.tables if model.trellis is None else model.trellis, model.trellis is not None
        )
        for key, name in STORED.items():
            found[key] = torch.from_numpy(arrays[name].copy())
        network.load_state_dict({key: found[key].reshape(state[key].shape) for key in state})
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"model {model.name} cannot be trained further by this version of isthmus", got=error
        ) from error
    return network
