"""Finds installed models: those that travel with the package, and those that a person added, by id, name or file.

The package's models lie in `isthmus/models` as `ID.isthmodel`; `index.json` beside them is their table. Added models
lie in a folder of the user's. `isthmus.model.installed` lists, adds and removes them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from isthmus.errors import IsthmusError, ModelError, UnknownModelError
from isthmus.model.file import SUFFIX, model_bytes, parse_model
from isthmus.model.model import Model
from isthmus.text import counted

DEFAULT = "best"
"""Name of the model that encodes when none is asked for."""
ANY_RELEASE = "release"
"""Another name for it, for those who do not care which one it is."""
INDEX = "index.json"
"""The table of the package's models, in the order of their release."""


@cache
def releases() -> dict[str, str]:
    """Every model that travels with the package: id, in hex -> name, the oldest first.

    Rows are never removed; of several with one name, the last encodes.
    """
    rows = json.loads((resources.files("isthmus.models") / INDEX).read_text(encoding="utf-8"))
    return {row["id"]: row["name"] for row in rows}


def is_release_name(name: str) -> bool:
    """Whether a name is that of a model of the package."""
    return name == ANY_RELEASE or name in releases().values()


def packaged_bytes(identity: str) -> bytes:
    """The file of a model of the package, by its id in hex."""
    return (resources.files("isthmus.models") / f"{identity}{SUFFIX}").read_bytes()


@lru_cache(maxsize=4)
def packaged_model(identity: str) -> Model:
    """A model of the package, by its id in hex, loaded once. It has the name of the table, whatever its file says: a
    file never changes, and may have been named before anyone knew what it would be released as.

    Raises:
        ModelError: the file is not the one that its name says.
    """
    model = parse_model(packaged_bytes(identity), identity, find_model, trusted=True)
    if model.id.hex() != identity:
        raise ModelError(
            "a model of the package has changed", expected=identity, got=model.id.hex(), hint="Install isthmus again."
        )
    return replace(model, name=releases()[identity])


def lend_model(data: bytes) -> Model:
    """Makes a model findable in this process alone, as if it were installed; doing so twice changes nothing.

    Raises:
        ModelError: the bytes are not those of a model file.
        UnknownModelError: they hold a delta from a model that is not installed.
    """
    model = parse_model(data, "a model that was sent", find_model)
    _lent[model.id.hex()] = model
    return model


_lent: dict[str, Model] = {}
"""Models that another process sent: id, in hex -> model."""


def models_folder() -> Path:
    """Where this user's added models lie; it need not exist."""
    from platformdirs import user_data_path

    return user_data_path("isthmus", appauthor=False) / "models"


def added_path(identity: str) -> Path:
    """Where an added model lies, by its id in hex, if it was added."""
    return models_folder() / f"{identity}{SUFFIX}"


@lru_cache(maxsize=4)
def _added_model(path: Path) -> Model:
    """An added model, checked: the file's name is the id that its content must have."""
    model = load_model(path)
    if model.id.hex() != path.stem:
        raise ModelError(f"model file {path} has changed", expected=path.stem, got=model.id.hex())
    return model


def _added_files() -> list[Path]:
    found = models_folder().glob(f"*{SUFFIX}")
    return sorted(path for path in found if re.fullmatch("[0-9a-f]{16}", path.stem))


def added_models() -> Iterator[tuple[Path, Model | IsthmusError | OSError]]:
    """Every added file with its model, or with why it cannot be used: one that fails hinders no other."""
    for path in _added_files():
        try:
            yield path, _added_model(path)
        except (ModelError, UnknownModelError, OSError) as error:
            yield path, error


def is_installed(identity: bytes) -> bool:
    """Whether there is a model with this id (8 bytes) that files may name; it is not opened."""
    return identity.hex() in releases() or added_path(identity.hex()).exists()


def installed_file(identity: bytes) -> bytes:
    """The bytes of the file of the installed model with this id (8 bytes).

    Raises:
        UnknownModelError: there is none; the message names the id.
        ModelError: it is damaged.
    """
    if identity.hex() in releases():
        return packaged_bytes(identity.hex())
    find_model(identity)
    return model_bytes(added_path(identity.hex()))


def find_model(identity: bytes) -> Model:
    """The installed model with this id (8 bytes).

    Raises:
        UnknownModelError: there is none; the message names the id.
    """
    if identity.hex() in releases():
        return packaged_model(identity.hex())
    if identity.hex() in _lent:
        return _lent[identity.hex()]
    path = added_path(identity.hex())
    if path.exists():
        return _added_model(path)
    raise UnknownModelError(
        "the file needs a model that is not installed",
        expected=f"model {identity.hex()}",
        got=", ".join([*releases(), *(path.stem for path in _added_files())]),
        hint="Ask whoever wrote the file for the .isthmodel: `isthmus models add` installs it, --model uses it once.",
    )


def release_model(name: str = DEFAULT) -> Model:
    """An installed model by its name or id, loaded once: one of the package, or an added one.

    Raises:
        UnknownModelError: there is none of this name, or there are several.
    """
    name = DEFAULT if name == ANY_RELEASE else name
    packaged = [identity for identity, its_name in releases().items() if name in (its_name, identity)]
    if packaged:
        return packaged_model(packaged[-1])
    if name in _lent:
        return _lent[name]
    added = [model for _, model in added_models() if isinstance(model, Model)]
    found = [model for model in added if name in (model.name, model.id.hex())]
    if len(found) != 1:
        have = sorted({*releases().values()} | {model.name for model in added})
        ids = ", ".join(model.id.hex() for model in found)
        raise UnknownModelError(
            f"{counted(len(found), 'model') if found else 'no model'} named {name!r}",
            expected=f"one of {ids or ', '.join(have)}",
            got=name,
            hint="`isthmus models` lists them; a model file can be named by its path.",
        )
    return found[0]


def load_model(path: str | os.PathLike[str]) -> Model:
    """Reads a model file, installed or not.

    Raises:
        ModelError: the file is not a model file, or one of another format.
        UnknownModelError: it holds a delta from a model that is not installed.
        OSError: it cannot be read.
    """
    return parse_model(model_bytes(path), str(path), find_model)


def model_named(spec: str | os.PathLike[str]) -> Model:
    """The installed model of a name or id, or that of a file, which is read again only when it has changed.

    Names of the package's models come first: a file that happens to be called `best` needs `./best`.

    Raises:
        ModelError: the file is no model file.
        UnknownModelError: there is neither.
        OSError: the file cannot be read.
    """
    text = os.fspath(spec)
    if is_release_name(text) or not (os.path.isfile(text) or text.endswith(SUFFIX)):
        return release_model(text)
    stat = os.stat(text)
    return _from_file(os.path.realpath(text), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _from_file(path: str, changed_ns: int, size: int) -> Model:
    """`load_model`, once for every state of a file."""
    return load_model(path)
