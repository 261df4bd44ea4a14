"""A trained autoencoder as one safetensors file: weights and arrays as tensors, everything else as JSON. No pickle."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from isthmus.autoencoder.networks import KINDS, Network, NetworkSpec
from isthmus.autoencoder.scaling import Scaling
from isthmus.autoencoder.state import State
from isthmus.autoencoder.training import History
from isthmus.errors import ModelError
from isthmus.files import read_capped, write_atomic
from isthmus.plain import json_text

KEY = "isthmus.autoencoder"
VERSION = 1
MAX_BYTES = 1 << 30  # a gigabyte of weights is far beyond any network of this room
ARRAYS = ("code_mean_", "code_covariance_")
ID_BYTES = 8


def to_bytes(model: State, extra: Mapping[str, np.ndarray[Any, Any]] | None = None) -> bytes:
    """The model's file with ``extra`` tensors beside its own; the same model gives the same bytes."""
    tensors = {f"network.{name}": value.numpy() for name, value in model.network_.state_dict().items()}
    tensors |= {"scaling.offset": model.scaling_.offset, "scaling.scale": model.scaling_.scale}
    tensors |= {name: getattr(model, name) for name in ARRAYS} | dict(extra or {})
    settings = {name: _plain(value) for name, value in model.get_params().items()}
    about = {
        "version": VERSION,
        "settings": settings,
        "spec": asdict(model.network_.spec),
        "history": asdict(model.history_) | {"seconds": []},  # the same training has to give the same bytes
        "trained_on": model.trained_on_,
    }
    # One metadata key only: safetensors keeps several in no fixed order.
    return save_tensors(
        {name: np.ascontiguousarray(value) for name, value in tensors.items()},
        {KEY: json_text(about, sort_keys=True)},
    )


def file_id(data: bytes) -> bytes:
    """The first 8 bytes of the SHA-256 of a model's file."""
    return hashlib.sha256(data).digest()[:ID_BYTES]


def save(model: State, path: Path) -> int:
    """Write the model's file and return its size in bytes."""
    return write_atomic(path, to_bytes(model), force=True)


def load_into(model: State, path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Fill ``model`` from a file and return all its tensors; raises `ModelError` for any other file."""
    with path.open("rb") as stream:
        data = read_capped(stream, MAX_BYTES, str(path))
    try:
        tensors = load_tensors(data)
        about = json.loads(_metadata(data))
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is not a model of `isthmus learn`", got=str(error)) from error
    if about.get("version") != VERSION:
        raise ModelError(
            f"{path} has another version", expected=VERSION, got=about.get("version"), hint="Update isthmus."
        )
    try:
        _fill(model, about, tensors)
    except (KeyError, TypeError, RuntimeError, AttributeError, ValueError) as error:
        raise ModelError(f"{path} is incomplete", got=str(error)) from error
    return tensors


def _fill(model: State, about: dict[str, Any], tensors: dict[str, np.ndarray[Any, Any]]) -> None:
    model.set_params(**about["settings"])
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in about["spec"].items()}
    spec = NetworkSpec(**fields)
    if spec.kind not in KINDS or len(spec.activations) != 2 * len(spec.hidden):
        raise ValueError(f"no network is {spec}")
    with torch.device("meta"):  # takes no memory: a damaged description must not decide how much there is
        network = Network(spec)
    prefix = "network."
    weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, assign=True)
    model.network_ = network.eval()
    model.scaling_ = Scaling(tensors["scaling.offset"], tensors["scaling.scale"])
    if model.scaling_.offset.shape != (spec.features,) or model.scaling_.scale.shape != (spec.features,):
        raise ValueError(f"scaling for {model.scaling_.offset.shape} features, not {spec.features}")
    for name in ARRAYS:
        setattr(model, name, tensors[name])
    model.history_ = History(**{name: _numbers(value) for name, value in about["history"].items()})
    model.shape_ = spec.shape
    model.trained_on_ = about["trained_on"]
    model.n_features_in_ = model.shape_[0]
    model.n_iter_ = len(model.history_.loss)
    model._n_features_out = spec.code_size


def _metadata(data: bytes) -> str:
    # safetensors reads metadata from paths only; the header is a length and JSON, by its specification.
    length = int.from_bytes(data[:8], "little")
    text: str = json.loads(data[8 : 8 + length])["__metadata__"][KEY]
    return text


def _numbers(value: Any) -> Any:
    """A curve as it was: null was not finite."""
    return [math.nan if item is None else item for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, (str, int, float, bool, type(None))) else None
