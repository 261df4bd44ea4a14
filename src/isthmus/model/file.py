"""The model file (`.isthmodel`): a model's arrays and metadata in the safetensors format, with a checksum; no pickle.

The id of a model is the first eight bytes of the SHA-256 of its file. It stands in every stream the model wrote, so
a model file never changes once released. `docs/format.md` lists the arrays. Which models are installed is the business
of `isthmus.model.registry`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import SCALES
from isthmus.coding.trellis import TRELLIS_TABLES
from isthmus.errors import ModelError, UnknownModelError
from isthmus.files import write_atomic
from isthmus.model.check import check_arrays
from isthmus.model.delta import restore
from isthmus.model.model import Model
from isthmus.plain import json_text

FORMAT = 1
"""Version of the model file's own format."""
FORMAT_DELTA = 2
"""Of a file that holds a delta: what differs from another model."""
ID_BYTES = 8
MAX_MODEL_BYTES = 256 << 20
"""Larger files are refused unread: release models are a few MB."""
SUFFIX = ".isthmodel"

FindModel = Callable[[bytes], Model]
"""find(id of 8 bytes) -> the installed model of that id; raises UnknownModelError if there is none."""


def none_installed(identity: bytes) -> Model:
    """A `FindModel` for those who read and write whole models only.

    Raises:
        UnknownModelError: always.
    """
    raise UnknownModelError("no installed models were given", expected=f"model {identity.hex()}")


def parse_model(
    data: bytes, path: str = "(bytes)", find_model: FindModel = none_installed, trusted: bool = False
) -> Model:
    """A model from the bytes of its file.

    Args:
        path: where they come from, for messages.
        find_model: finds the model that a delta is relative to.
        trusted: somebody else checks that the bytes are those that were written; the checksum is not looked at.

    Raises:
        ModelError: the bytes are no model file, a damaged one, or one of another format.
        UnknownModelError: they hold a delta from a model that is not installed.
    """
    import safetensors
    from safetensors.numpy import load

    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["isthmus"])
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not a model file, or is cut off",
            expected="an .isthmodel that `isthmus train` or `isthmus models shrink` wrote",
            got=str(error),
        ) from error
    if not isinstance(metadata, dict) or metadata.get("format") not in (FORMAT, FORMAT_DELTA):
        found = metadata.get("format") if isinstance(metadata, dict) else metadata
        raise ModelError(
            f"{path} has another model format",
            expected=f"{FORMAT} or {FORMAT_DELTA}",
            got=found,
            hint="Update isthmus to read it.",
        )
    if not trusted and metadata.get("sha256") != _digest(arrays, metadata):
        raise ModelError(f"model file {path} is damaged", hint="Copy it again from where it came from.")
    if metadata["format"] == FORMAT_DELTA:
        arrays = _restored(arrays, metadata, path, find_model)
    check_arrays(arrays, metadata, path)
    identity = hashlib.sha256(data).digest()[:ID_BYTES]
    try:
        model = Model(identity, str(metadata.get("name", "")), metadata, arrays)
        if model.table_count not in (SCALES, SCALES + TRELLIS_TABLES):
            expected = f"{SCALES}, or {SCALES + TRELLIS_TABLES} with those of a trellis"
            raise ValueError(f"{model.table_count} probability tables, expected {expected}")
    except ValueError as error:
        raise ModelError(f"model file {path} is inconsistent", got=str(error)) from error
    return model


def _digest(arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any]) -> str:
    """The SHA-256, in hex, of all that a model file says, but for itself."""
    words = {key: value for key, value in metadata.items() if key != "sha256"}
    hasher = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        hasher.update(f"{name} {array.dtype} {array.shape}".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


def _restored(
    arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any], path: str, find_model: FindModel
) -> dict[str, npt.NDArray[Any]]:
    """All arrays of a model of which the file holds a delta."""
    identity = metadata.get("base")
    try:
        base = find_model(bytes.fromhex(str(identity)))
        if base.id.hex() != identity or base.metadata["format"] != FORMAT:
            raise ModelError(f"{identity} is no id of a whole model")
    except (UnknownModelError, ModelError, ValueError) as error:
        raise UnknownModelError(
            f"{path} is a delta from a model that is not installed",
            expected="a whole model, of the package or added",
            got=str(identity),
            hint="`isthmus models add` installs it; the version of isthmus that wrote the delta brings it.",
        ) from error
    try:
        return restore(base.arrays, arrays, metadata.get("parts"))
    except ValueError as error:
        raise ModelError(f"model file {path} does not fit {base.name} {identity}", got=str(error)) from error


def model_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a model file.

    Raises:
        ModelError: it is too large to be one.
        OSError: it cannot be read.
    """
    size = os.path.getsize(path)
    if size > MAX_MODEL_BYTES:
        raise ModelError(f"{path} is too large for a model", expected=f"at most {MAX_MODEL_BYTES} bytes", got=size)
    return Path(path).read_bytes()


def save_model(
    path: Path,
    arrays: dict[str, npt.NDArray[Any]],
    metadata: dict[str, Any],
    find_model: FindModel = none_installed,
) -> Model:
    """Writes a model file atomically, with its checksum; the same arrays and metadata give the same bytes.

    Args:
        find_model: finds the model that a delta is relative to.

    Returns:
        The model as a reader will find it.

    Raises:
        ModelError, UnknownModelError: no reader could use it; nothing is written.
    """
    from safetensors.numpy import save

    # What is hashed is what a reader will find: keys are text and tuples lists.
    words = json.loads(json_text(metadata))
    words["sha256"] = _digest(arrays, words)
    data = save(arrays, {"isthmus": json_text(words, sort_keys=True)})
    model = parse_model(data, str(path), find_model, trusted=True)
    write_atomic(path, data, force=True)
    return model
