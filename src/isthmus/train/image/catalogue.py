"""Which pictures of a tree of files a run trains on, which it holds out to measure on, and which it leaves out."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from isthmus.errors import InputError, IsthmusError, LimitExceededError, UnsupportedPictureError
from isthmus.image.files import picture_size
from isthmus.text import counted, some_of
from isthmus.train.config import TrainConfig
from isthmus.train.image.windows import MIDDLE, read_windows

SMALLEST = 16
"""Shorter sides than this, in pixels, are icons rather than pictures."""
Listed = tuple[str, int, int]
"""Path below the root, width, height."""


@dataclass(frozen=True)
class Catalogue:
    """The pictures of a tree.

    Attributes:
        folder: the tree's root.
        training: the pictures to train on.
        held_out: paths of those that are only measured on.
        skipped: why files were left out, of a folder of held-out pictures too, and their paths below it by reason.
    """

    folder: Path
    training: tuple[Listed, ...]
    held_out: tuple[Path, ...]
    skipped: dict[str, tuple[str, ...]]

    def describe(self) -> str:
        """A sentence for people."""
        left = f"; left out: {_reasons(self.skipped)}" if self.skipped else ""
        return f"{counted(len(self.training), 'picture')} to train on, {len(self.held_out)} held out{left}"

    def digest(self) -> str:
        """Changes when the pictures do."""
        words = [*map(str, self.training), *(path.name for path in self.held_out)]
        return hashlib.sha256(os.fsencode("\n".join(words))).hexdigest()[:16]


def _reasons(skipped: dict[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{len(names)} {reason} ({some_of(names)})" for reason, names in sorted(skipped.items()))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError("no folder of pictures", expected="a folder", got=folder)
    paths = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _look(folder: Path, skipped: defaultdict[str, list[str]], apart: Container[bytes] = ()) -> dict[bytes, Listed]:
    """What opens as a picture, by the hash of its file; the pixels are not read yet.

    Args:
        apart: hashes of files that are held out, which are not taken.
    """
    found: dict[bytes, Listed] = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            width, height = picture_size(path)
            content = hashlib.sha256(path.read_bytes()).digest()
        except LimitExceededError:
            skipped["too large"].append(name)
            continue
        except (OSError, InputError):
            broken = path.suffix.lower() in Image.registered_extensions()
            skipped["broken" if broken else "of other kinds"].append(name)
            continue
        if min(width, height) < SMALLEST:
            skipped["too small"].append(name)
            continue
        # A copy of a held-out picture among the training ones would make the measurement a lie.
        if content in found or content in apart:
            skipped["doubled" if content in found else "held out by name"].append(name)
            continue
        found[content] = (name, width, height)
    return found


def _by_name(name: str) -> bytes:
    return hashlib.sha256(os.fsencode(name)).digest()


def look_through(folder: Path, held_out: Path | None, config: TrainConfig) -> Catalogue:
    """Finds the pictures of a tree and chooses those to hold out, by their names alone.

    Args:
        held_out: a tree of pictures to measure on instead of a part of `folder`.

    Raises:
        InputError: there are no usable pictures.
    """
    skipped: defaultdict[str, list[str]] = defaultdict(list)
    apart = {} if held_out is None else _look(held_out, skipped)
    pictures = list(_look(folder, skipped, apart).values())
    if held_out is not None:
        candidates, wanted = list(apart.values()), config.held_out
    else:
        candidates, wanted = pictures, min(config.held_out, max(1, len(pictures) // 12))
    root, unusable = held_out or folder, dict[str, IsthmusError]()
    measured: list[str] = []
    for name in sorted((name for name, _, _ in candidates), key=_by_name):
        if len(measured) == wanted:
            break
        windows = read_windows(root / name, 1, [MIDDLE])
        if isinstance(windows, IsthmusError):
            unusable[name] = windows
        else:
            measured.append(name)
    for name, error in sorted(unusable.items()):
        skipped[_reason(error)].append(name)
    left_out = {reason: tuple(names) for reason, names in skipped.items() if names}
    if held_out is None:
        pictures = [picture for picture in pictures if picture[0] not in {*unusable, *measured}]
    if not pictures or not measured:
        raise InputError(
            f"too few pictures in {folder if not pictures else held_out}",
            expected="at least 2, or 1 and --held-out FOLDER",
            got=f"{len(pictures)} to train on, {len(measured)} held out, {_reasons(left_out) or 'no other file'}",
            hint=next((f"The first of them: {error}" for error in unusable.values()), ""),
        )
    return Catalogue(folder, tuple(pictures), tuple(root / name for name in sorted(measured)), left_out)


def _reason(error: IsthmusError) -> str:
    return "of a kind that the codec refuses" if isinstance(error, UnsupportedPictureError) else "broken"
