"""Lists, describes, adds and removes the models that a file may name."""

from __future__ import annotations

import datetime
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import UnknownModelError
from isthmus.files import write_atomic
from isthmus.model.file import FORMAT_DELTA, model_bytes, parse_model
from isthmus.model.model import Model
from isthmus.model.registry import (
    added_models,
    added_path,
    find_model,
    is_release_name,
    model_named,
    packaged_bytes,
    packaged_model,
    releases,
)

IN_PACKAGE = "in the package"
"""Origin of the models that travel with it."""


@dataclass(frozen=True)
class Installed:
    """A model that files may name.

    Attributes:
        id: its 8 bytes.
        name: its name for people.
        origin: where it came from: the package, or the file that was added and when.
        bytes: size of its file.
        training: the record of its training, as far as the trainer left one.
        base: the id of the model that the file is a delta from; None for a whole one.
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


def installed_models() -> list[Installed]:
    """All models that files may name: those of the package, then those that were added, usable or not."""
    packaged = [_described(packaged_model(one), IN_PACKAGE, len(packaged_bytes(one))) for one in releases()]
    return packaged + _additions()


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
        for found in _additions():
            if found.error and found.id.hex() == spec:
                return found
        raise
    identity = model.id.hex()
    if identity in releases():
        return _described(model, IN_PACKAGE, len(packaged_bytes(identity)))
    path = added_path(identity)
    if path.exists():
        return _described(model, _origin(path), path.stat().st_size)
    return _described(model, f"{os.fspath(spec)}, not installed", os.path.getsize(spec))


def install_model(path: str | os.PathLike[str]) -> Installed:
    """Copies a model file to where `find_model` and `release_model` look; doing so twice changes nothing.

    Raises:
        ModelError, UnknownModelError: the file is no model file, or one that cannot be used here.
        OSError: it cannot be read, or the folder cannot be written.
    """
    data = model_bytes(path)
    model = parse_model(data, str(path), find_model)
    if model.id.hex() in releases():
        return _described(model, IN_PACKAGE, len(data))
    target = added_path(model.id.hex())
    if not (target.exists() and target.read_bytes() == data):
        target.parent.mkdir(parents=True, exist_ok=True)
        origin = f"added {datetime.date.today()} from {Path(path).resolve()}\n"
        for file, content in ((_origin_path(target), origin.encode(errors="replace")), (target, data)):
            write_atomic(file, content, force=True)
    return _described(model, _origin(target), len(data))


def remove_model(spec: str) -> str:
    """Removes an added model by its id (16 hexadecimal digits) or its name; returns the id.

    Raises:
        UnknownModelError: no such model was added, or several of that name.
    """
    added = _additions()
    found = [model for model in added if spec in (model.id.hex(), model.name)]
    if len(found) != 1:
        have = ", ".join(f"{model.id.hex()} ({model.name})" for model in found or added) or "no model: none was added"
        hint = "Those of the package stay." if is_release_name(spec) or spec in releases() else ""
        count = f"{len(found)} added models" if found else "no added model"
        raise UnknownModelError(f"{count} {spec!r}", expected=have, got=spec, hint=hint)
    path = added_path(found[0].id.hex())
    path.unlink()
    _origin_path(path).unlink(missing_ok=True)
    return found[0].id.hex()


def _additions() -> list[Installed]:
    found = []
    for path, model in added_models():
        origin, size = _origin(path), path.stat().st_size
        if isinstance(model, Model):
            found.append(_described(model, origin, size))
        else:
            found.append(Installed(bytes.fromhex(path.stem), path.stem, origin, size, {}, error=str(model)))
    return found


def _described(model: Model, origin: str, size: int) -> Installed:
    base = model.metadata["base"] if model.metadata["format"] == FORMAT_DELTA else None
    return Installed(model.id, model.name, origin, size, model.training, base)


def _origin_path(path: Path) -> Path:
    """The file beside an added model that says where it came from."""
    return path.with_suffix(".origin")


def _origin(path: Path) -> str:
    try:
        return _origin_path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"
