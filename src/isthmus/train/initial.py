"""Weights that training starts from: a classical transform, a model file, or another run's checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.coding.fixed_point import DC_PHASES, SCALES, WEIGHT_BITS
from isthmus.errors import InputError
from isthmus.model.model import Model
from isthmus.model.registry import model_named
from isthmus.train.config import BLOCK, NetworkConfig, TrainConfig
from isthmus.train.export import feature_order
from isthmus.train.image.lapped_transform import make_lapped_transform
from isthmus.train.image.modules import Network
from isthmus.train.image.windows import Pixels
from isthmus.train.packages import require_packages
from isthmus.train.reshape import reshaped
from isthmus.train.tables import training_costs

CHECKPOINT_ORIGIN = "checkpoint of"
"""How the training record begins to name a checkpoint that a run started from."""
START_PICTURES = 64
"""Crops on which the transform's coefficients are ordered by size."""


def load_transform(network: Network, pictures: list[Pixels], config: TrainConfig) -> None:
    """Sets a network to the lapped cosine transform for pictures (3, H, W) of at least crop+16 pixels a side."""
    side = config.crop + BLOCK
    chosen = pictures[:: max(1, len(pictures) // START_PICTURES)][:START_PICTURES]
    middles = []
    for picture in chosen:
        top, left = (picture.shape[1] - side) // 2, (picture.shape[2] - side) // 2
        middles.append(picture[:, top : top + side, left : left + side].transpose(1, 2, 0))
    network.load_transform(make_lapped_transform(np.stack(middles), config.network.latents))


def network_config(model: Model, graphs: dict[str, Tensor]) -> NetworkConfig:
    """The shape of a model's networks, from the shapes of their weights."""
    nominal = np.exp(model.arrays["steps.nominal"].astype(np.float64))
    return NetworkConfig(
        latents=model.latents,
        groups=tuple(model.metadata["groups"]),
        points=int(model.metadata["points"]),
        coarsest_step=round(float(nominal[0]), 3),
        finest_step=round(float(nominal[-1]), 3),
        context_width=len(model.arrays["context.ac.1.0.mix.bias"]),
        dc_width=len(model.arrays["context.dc.0.second.bias"]),
        trunk_width=len(graphs["synthesis.enter.bias"]),
        trunk_blocks=sum(key.endswith("depthwise.bias") for key in graphs),
        grid_width=len(graphs["synthesis.pixels.bias"]),
        grid_blocks=sum(key.startswith("synthesis.spatial") and key.endswith("bias") for key in graphs),
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
    """A network in training form from a model file: the context model out of fixed point, the rest out of the graphs.

    Raises:
        InputError: the networks are not of the kind that this version trains.
    """
    graphs = _graph_weights(model)
    config = network_config(model, graphs)
    network = Network(config)
    state = network.state_dict()
    found = {**graphs, **_context_weights(model, config)}
    found["log_steps"] = torch.from_numpy(model.arrays["steps.log"].copy())
    found["nominal"] = torch.from_numpy(model.arrays["steps.nominal"].copy())
    found["parity"] = torch.from_numpy(model.arrays["parity"].astype(np.int64))
    found["context.costs"] = training_costs(model.tables)
    try:
        network.load_state_dict({key: found[key].reshape(state[key].shape) for key in state})
    except (KeyError, RuntimeError) as error:
        raise InputError(f"model {model.name} is not of the kind that this version trains", got=error) from error
    return network


def _graph_weights(model: Model) -> dict[str, Tensor]:
    import onnx
    from onnx import numpy_helper

    out = {}
    for name in ("analysis.onnx", "synthesis.onnx"):
        for tensor in onnx.load_from_string(model.arrays[name].tobytes()).graph.initializer:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            out[tensor.name.removesuffix(".half")] = torch.from_numpy(values)
    return out


def _context_weights(model: Model, config: NetworkConfig) -> dict[str, Tensor]:
    """The inverse of `isthmus.train.export.context_weights`, up to the rounding."""
    arrays = {
        key.removeprefix("context."): value.astype(np.float64) / (1 << WEIGHT_BITS)
        for key, value in model.arrays.items()
        if key.startswith("context.")
    }

    def row_bias(name: str) -> npt.NDArray[np.float64]:
        bias = arrays[name].copy()
        bias[len(bias) // 2 :] += SCALES / 2
        return bias

    out: dict[str, npt.NDArray[np.float64]] = {"dc.near": arrays["dc.near"] * (1 << WEIGHT_BITS)}
    for part in ("first", "second", "last"):
        for phase in range(DC_PHASES):
            name = f"dc.{phase}.{part}"
            out[f"dc.{part}.{phase}.weight"] = arrays[f"{name}.weight"].T
            out[f"dc.{part}.{phase}.bias"] = row_bias(f"{name}.bias") if part == "last" else arrays[f"{name}.bias"]
    for phase in range(DC_PHASES):
        out[f"dc.linear.{phase}.weight"] = arrays[f"dc.{phase}.linear.weight"].T
    out["dc.quality"] = np.stack([arrays[f"dc.{phase}.quality"] for phase in range(DC_PHASES)])
    width = config.context_width
    for group in range(1, len(config.groups)):
        order = feature_order(config.groups[:group]).numpy()
        to = f"ac.{group - 1}"
        out[f"{to}.quality"] = np.stack([arrays[f"ac.{group}.{phase}.quality"] for phase in range(2)])
        for phase in range(2):
            name = f"ac.{group}.{phase}"
            known = np.empty_like(arrays[f"{name}.known.weight"])
            known[order] = arrays[f"{name}.known.weight"]
            columns = np.concatenate([known, arrays[f"{name}.half.weight"]]) if phase else known
            out[f"{to}.project.{phase}.weight"] = columns.T
            out[f"{to}.project.{phase}.bias"] = arrays[f"{name}.project.bias"]
            taps = arrays[f"{name}.spatial.weight"].reshape(3, 3, width, width)
            out[f"{to}.spatial.{phase}.weight"] = taps.transpose(3, 2, 0, 1)
            out[f"{to}.spatial.{phase}.bias"] = arrays[f"{name}.spatial.bias"]
            for part in ("mix", "last"):
                out[f"{to}.{part}.{phase}.weight"] = arrays[f"{name}.{part}.weight"].T
                bias = f"{name}.{part}.bias"
                out[f"{to}.{part}.{phase}.bias"] = row_bias(bias) if part == "last" else arrays[bias]
    return {f"context.{key}": torch.from_numpy(np.ascontiguousarray(value)).float() for key, value in out.items()}
