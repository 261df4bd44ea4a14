"""A model file: every network, table and word about one set of weights, in the safetensors format; no pickle.

The id of a model is the first eight bytes of the SHA-256 of its file. It stands in every stream the model wrote, so
a model file never changes once released. `docs/format.md` lists the arrays.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import DC_CHANNELS, Definition, definition_of
from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import ContextModel
from isthmus.coding.formats import (
    ACTIVATION_BITS,
    ACTIVATION_LIMIT,
    LATENT_LIMIT,
    QUALITY_UNITS,
    SCALES,
    WEIGHT_BITS,
)
from isthmus.coding.tables import Tables
from isthmus.errors import IsthmusError, ModelError, UnknownModelError
from isthmus.files import atomic_output
from isthmus.model.delta import restore
from isthmus.text import counted

FORMAT = 1
"""Version of the model file's own format."""
FORMAT_DIFFERENCE = 2
"""Of a file that holds no more than its difference from another model."""
ID_BYTES = 8
IN_PACKAGE = "in the package"
"""Origin of the models that travel with it."""
MAX_MODEL_BYTES = 256 << 20
"""Larger files are refused unread: release models are a few MB."""
SUFFIX = ".isthmodel"
CONTEXT = "context."
"""Before the names of the entropy model's arrays."""
MAX_LOG_STEP = 20.0
"""Logarithms of steps beyond this are no steps."""
DEFAULT = "best"
"""Name of the model that encodes when none is asked for."""
ANY_RELEASE = "release"
"""Another name for it, for those who do not care which one it is."""

RELEASES: dict[str, str] = {
    "2345d259ddfd8229": "fast",
    "07a73f44c443c114": "best",
}
"""Every model that travels with the package, as `isthmus/models/ID.isthmodel`: id -> name. From version 1.0 on rows are
never removed; of several with one name, the last encodes."""


@dataclass(frozen=True, eq=False)
class Model:
    """The contents of one model file.

    Attributes:
        id: the 8 bytes that name it in a stream.
        name: its name for people.
        metadata: licence, training record and whatever else the trainer stored.
        arrays: everything else, by name.
    """

    id: bytes
    name: str
    metadata: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]

    @property
    def latents(self) -> int:
        """Latent channels per position."""
        return int(self.arrays["parity"].shape[0])

    @property
    def training(self) -> dict[str, Any]:
        """The record of its training, as far as the trainer left one."""
        record = self.metadata.get("training")
        return record if isinstance(record, dict) else {}

    @cached_property
    def entropy(self) -> EntropyModel:
        """What turns latents into bytes and back."""
        return EntropyModel(self.context, self.tables)

    @cached_property
    def tables(self) -> Tables:
        """The probability tables."""
        return Tables.unpack(self.arrays["tables"].astype(np.int64))

    @cached_property
    def definition(self) -> Definition:
        """What the entropy model's networks are."""
        return _definition(self.arrays, tuple(self.metadata["groups"]), int(self.metadata["points"]))

    @cached_property
    def context(self) -> ContextModel:
        """The entropy model's fixed-point networks."""
        fraction = float(1 << WEIGHT_BITS)
        weights = {}
        for array in self.definition.arrays():
            value = self.arrays[CONTEXT + array.name]
            weights[array.name] = value.astype(np.float64) if array.kind == "fixed" else value / fraction
            if array.name.endswith(".last.bias"):
                # Of means and scale indices; these are stored less half of their range.
                weights[array.name][len(value) // 2 :] += SCALES / 2
        return ContextModel(self.definition, weights, self.arrays["compand"] / float(1 << ACTIVATION_BITS))

    def quality_weights(self, quality: int) -> npt.NDArray[np.float32]:
        """(points,) float32: how much each quality point counts at a quality in 0..10000."""
        points = int(self.metadata["points"])
        position = quality * (points - 1) / QUALITY_UNITS
        weights: npt.NDArray[np.float32] = np.maximum(0, 1 - np.abs(np.arange(points) - position)).astype(np.float32)
        return weights

    def steps(self, quality: int) -> npt.NDArray[np.float32]:
        """(C,) float32: quantization step of every channel at a quality in 0..10000."""
        return np.asarray(np.exp(self.quality_weights(quality) @ self.arrays["steps.log"]), np.float32)

    def nominal_step(self, quality: int) -> npt.NDArray[np.float32]:
        """(1,) float32: the step that the quality stands for."""
        return np.asarray(np.exp(self.quality_weights(quality) @ self.arrays["steps.nominal"]), np.float32).reshape(1)


def _definition(arrays: dict[str, npt.NDArray[Any]], groups: tuple[int, ...], points: int) -> Definition:
    shapes = {key.removeprefix(CONTEXT): value.shape for key, value in arrays.items() if key.startswith(CONTEXT)}
    return definition_of(groups, points, shapes)


def _shapes(definition: Definition) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    """Dtype and shape of every array of a model; None where any length will do."""
    points, latents = definition.points, definition.latents
    return {
        "analysis.onnx": ("uint8", (None,)),
        "synthesis.onnx": ("uint8", (None,)),
        "steps.log": ("float32", (points, latents)),
        "steps.nominal": ("float32", (points,)),
        "parity": ("uint8", (latents, 2)),
        "tables": ("int32", (None,)),
        "compand": ("int32", (LATENT_LIMIT + 1,)),
        **{CONTEXT + array.name: (array.dtype, array.shape) for array in definition.arrays()},
    }


def _check(arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any], path: str) -> None:
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
    for key, (dtype, shape) in _shapes(_definition(arrays, tuple(groups), points)).items():
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


def parse_model(data: bytes, path: str = "(bytes)", trusted: bool = False) -> Model:
    """A model from the bytes of its file.

    Args:
        trusted: somebody else checks that the bytes are those that were written; the checksum is not looked at.

    Raises:
        ModelError: the bytes are no model file, a damaged one, or one of another format.
        UnknownModelError: they hold the difference from a model that is not installed.
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
    if not isinstance(metadata, dict) or metadata.get("format") not in (FORMAT, FORMAT_DIFFERENCE):
        found = metadata.get("format") if isinstance(metadata, dict) else metadata
        raise ModelError(
            f"{path} has another model format",
            expected=f"{FORMAT} or {FORMAT_DIFFERENCE}",
            got=found,
            hint="Update isthmus to read it.",
        )
    if not trusted and metadata.get("sha256") != _digest(arrays, metadata):
        raise ModelError(f"model file {path} is damaged", hint="Copy it again from where it came from.")
    if metadata["format"] == FORMAT_DIFFERENCE:
        arrays = _whole(arrays, metadata, path)
    _check(arrays, metadata, path)
    identity = hashlib.sha256(data).digest()[:ID_BYTES]
    try:
        model = Model(identity, str(metadata.get("name", "")), metadata, arrays)
        if len(model.tables) != SCALES:
            raise ValueError(f"{len(model.tables)} table rows, expected {SCALES}")
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


def _whole(arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any], path: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a model of which the file holds the difference alone."""
    identity = metadata.get("base")
    try:
        base = find_model(bytes.fromhex(str(identity)))
        if base.id.hex() != identity or base.metadata["format"] != FORMAT:
            raise ModelError(f"{identity} is no id of a whole model")
    except (UnknownModelError, ModelError, ValueError) as error:
        raise UnknownModelError(
            f"{path} is the difference from a model that is not installed",
            expected=f"a whole model, one of {', '.join(RELEASES)} or added",
            got=str(identity),
            hint="`isthmus models add` installs it; the version of isthmus that made the difference brings it.",
        ) from error
    try:
        return restore(base.arrays, arrays, metadata.get("parts"))
    except ValueError as error:
        raise ModelError(f"model file {path} does not fit {base.name} {identity}", got=str(error)) from error


def load_model(path: str | os.PathLike[str]) -> Model:
    """Reads a model file.

    Raises:
        ModelError: the file is not a model file, or one of another format.
        UnknownModelError: it holds the difference from a model that is not installed.
        OSError: it cannot be read.
    """
    return parse_model(_model_bytes(path), str(path))


def _model_bytes(path: str | os.PathLike[str]) -> bytes:
    size = os.path.getsize(path)
    if size > MAX_MODEL_BYTES:
        raise ModelError(f"{path} is too large for a model", expected=f"at most {MAX_MODEL_BYTES} bytes", got=size)
    return Path(path).read_bytes()


def _packaged_bytes(identity: str) -> bytes:
    return (resources.files("isthmus.models") / f"{identity}{SUFFIX}").read_bytes()


@lru_cache(maxsize=4)
def _packaged(identity: str) -> Model:
    """A model of the package, checked: the file's name is the id that its content must have."""
    model = parse_model(_packaged_bytes(identity), identity, trusted=True)
    if model.id.hex() != identity:
        raise ModelError(
            "a model of the package has changed", expected=identity, got=model.id.hex(), hint="Install isthmus again."
        )
    return model


@lru_cache(maxsize=4)
def _added(path: Path) -> Model:
    """An added model, checked: the file's name is the id that its content must have."""
    model = load_model(path)
    if model.id.hex() != path.stem:
        raise ModelError(f"model file {path} has changed", expected=path.stem, got=model.id.hex())
    return model


@dataclass(frozen=True)
class Installed:
    """A model that files may name.

    Attributes:
        id: its 8 bytes.
        name: its name for people.
        origin: where it came from: the package, or the file that was added and when.
        bytes: size of its file.
        training: the record of its training, as far as the trainer left one.
        base: the id of the package's model that the file is a difference from; None for a whole one.
        error: why it cannot be used; None if it can.
    """

    id: bytes
    name: str
    origin: str
    bytes: int
    training: dict[str, Any]
    base: str | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All fields, as JSON knows them."""
        return {**asdict(self), "id": self.id.hex()}


def models_folder() -> Path:
    """Where this user's added models lie; it need not exist."""
    from platformdirs import user_data_path

    return user_data_path("isthmus", appauthor=False) / "models"


def _added_path(identity: str) -> Path:
    return models_folder() / f"{identity}{SUFFIX}"


def is_installed(identity: bytes) -> bool:
    """Whether there is a model with this id (8 bytes) that files may name; it is not opened."""
    return identity.hex() in RELEASES or _added_path(identity.hex()).exists()


def _added_files() -> list[Path]:
    found = models_folder().glob(f"*{SUFFIX}")
    return sorted(path for path in found if re.fullmatch("[0-9a-f]{16}", path.stem))


def installed_models() -> list[Installed]:
    """All models that files may name: those of the package, then those that were added, usable or not."""
    found = []
    for identity in RELEASES:
        found.append(_installed(_packaged(identity), IN_PACKAGE, len(_packaged_bytes(identity))))
    return found + _installed_additions()


def described(spec: str | os.PathLike[str]) -> Installed:
    """What `installed_models` says of one model, which may also be a file that is not installed.

    Raises:
        ModelError: the file is no model file.
        UnknownModelError: there is neither a model nor a file of that name.
        OSError: the file cannot be read.
    """
    try:
        model = model_named(spec)
    except UnknownModelError:
        for found in _installed_additions():
            if found.error and found.id.hex() == spec:
                return found
        raise
    identity = model.id.hex()
    if identity in RELEASES:
        return _installed(model, IN_PACKAGE, len(_packaged_bytes(identity)))
    path = _added_path(identity)
    if path.exists():
        return _installed(model, _origin(path), path.stat().st_size)
    return _installed(model, f"{os.fspath(spec)}, not installed", os.path.getsize(spec))


def _installed_additions() -> list[Installed]:
    found = []
    for path, model in _additions():
        origin, size = _origin(path), path.stat().st_size
        if isinstance(model, Model):
            found.append(_installed(model, origin, size))
        else:
            found.append(Installed(bytes.fromhex(path.stem), path.stem, origin, size, {}, error=str(model)))
    return found


def _additions() -> Iterator[tuple[Path, Model | IsthmusError | OSError]]:
    """Every added file with its model, or with why it cannot be used: one that fails hinders no other."""
    for path in _added_files():
        try:
            yield path, _added(path)
        except (ModelError, UnknownModelError, OSError) as error:
            yield path, error


def _installed(model: Model, origin: str, size: int) -> Installed:
    base = model.metadata["base"] if model.metadata["format"] == FORMAT_DIFFERENCE else None
    return Installed(model.id, model.name, origin, size, model.training, base)


def _origin(path: Path) -> str:
    try:
        return path.with_suffix(".origin").read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"


def install_model(path: str | os.PathLike[str]) -> Installed:
    """Copies a model file to where `find_model` and `release_model` look; doing so twice changes nothing.

    Raises:
        ModelError, UnknownModelError: the file is no model file, or one that cannot be used here.
        OSError: it cannot be read, or the folder cannot be written.
    """
    data = _model_bytes(path)
    model = parse_model(data, str(path))
    if model.id.hex() in RELEASES:
        return _installed(model, IN_PACKAGE, len(data))
    target = _added_path(model.id.hex())
    if not (target.exists() and target.read_bytes() == data):
        target.parent.mkdir(parents=True, exist_ok=True)
        origin = f"added {datetime.date.today()} from {Path(path).resolve()}\n"
        for file, content in ((target.with_suffix(".origin"), origin.encode(errors="replace")), (target, data)):
            with atomic_output(file, force=True) as stream:
                stream.write(content)
    return _installed(model, _origin(target), len(data))


def remove_model(spec: str) -> str:
    """Removes an added model by its id (16 hexadecimal digits) or its name; returns the id.

    Raises:
        UnknownModelError: no such model was added, or several of that name.
    """
    added = _installed_additions()
    found = [model for model in added if spec in (model.id.hex(), model.name)]
    if len(found) != 1:
        have = ", ".join(f"{model.id.hex()} ({model.name})" for model in found or added) or "no model: none was added"
        hint = "Those of the package stay." if spec in (ANY_RELEASE, *RELEASES, *RELEASES.values()) else ""
        count = f"{len(found)} added models" if found else "no added model"
        raise UnknownModelError(f"{count} {spec!r}", expected=have, got=spec, hint=hint)
    path = _added_path(found[0].id.hex())
    path.unlink()
    path.with_suffix(".origin").unlink(missing_ok=True)
    return found[0].id.hex()


def release_model(name: str = DEFAULT) -> Model:
    """An installed model by its name, loaded once: one of the package, or an added one.

    Raises:
        UnknownModelError: there is none of this name, or there are several.
    """
    name = DEFAULT if name == ANY_RELEASE else name
    packaged = [identity for identity, own in RELEASES.items() if name in (own, identity)]
    if packaged:
        return _packaged(packaged[-1])
    added = [model for _, model in _additions() if isinstance(model, Model)]
    found = [model for model in added if name in (model.name, model.id.hex())]
    if len(found) != 1:
        have = sorted({*RELEASES.values()} | {model.name for model in added})
        ids = ", ".join(model.id.hex() for model in found)
        raise UnknownModelError(
            f"{counted(len(found), 'model') if found else 'no model'} named {name!r}",
            expected=f"one of {ids or ', '.join(have)}",
            got=name,
            hint="`isthmus models` lists them; a model file can be named by its path.",
        )
    return found[0]


def model_named(spec: str | os.PathLike[str]) -> Model:
    """The installed model of a name or id, or that of a file, which is read again only when it has changed.

    Names of the package's models come first: a file that happens to be called `best` needs `./best`.

    Raises:
        ModelError: the file is no model file.
        UnknownModelError: there is neither.
        OSError: the file cannot be read.
    """
    text = os.fspath(spec)
    if text in (ANY_RELEASE, *RELEASES.values()) or not (os.path.isfile(text) or text.endswith(SUFFIX)):
        return release_model(text)
    stat = os.stat(text)
    return _from_file(os.path.realpath(text), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _from_file(path: str, changed_ns: int, size: int) -> Model:
    """`load_model`, once for every state of a file."""
    return load_model(path)


def find_model(identity: bytes) -> Model:
    """The installed model with this id (8 bytes).

    Raises:
        UnknownModelError: there is none; the message names the id.
    """
    if identity.hex() in RELEASES:
        return _packaged(identity.hex())
    path = _added_path(identity.hex())
    if path.exists():
        return _added(path)
    raise UnknownModelError(
        "the file needs a model that is not installed",
        expected=f"model {identity.hex()}",
        got=", ".join([*RELEASES, *(path.stem for path in _added_files())]),
        hint="Ask whoever wrote the file for the .isthmodel: `isthmus models add` installs it, --model uses it once.",
    )


def save_model(path: Path, arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any]) -> Model:
    """Writes a model file atomically, with its checksum; the same arrays and metadata give the same bytes.

    Returns the model as a reader will find it.
    """
    from safetensors.numpy import save

    # What is hashed is what a reader will find: keys are text and tuples lists.
    words = json.loads(json.dumps(metadata))
    words["sha256"] = _digest(arrays, words)
    data = save(arrays, {"isthmus": json.dumps(words, sort_keys=True)})
    model = parse_model(data, str(path), trusted=True)
    with atomic_output(path, force=True) as stream:
        stream.write(data)
    return model
