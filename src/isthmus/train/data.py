"""Training pictures: found in a tree of files, some held out, the rest cut into random batches.

A batch depends on the seed and the number of its step alone, so that a resumed run sees what an uninterrupted one
would have seen.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from isthmus.errors import InputError, IsthmusError, UnsupportedPictureError
from isthmus.image import Picture
from isthmus.image_files import open_picture
from isthmus.train.config import BLOCK, TrainConfig
from isthmus.words import counted, some_of

Pixels = npt.NDArray[np.uint8]
SMALLEST = 16
"""Shorter sides than this, in pixels, are icons rather than pictures."""
PICTURE_ORDER, WINDOW_ORDER, BATCH_ORDER = 1, 2, 3
"""First words of the seeds, so that no two random sequences are the same."""


@dataclass(frozen=True)
class Catalogue:
    """The pictures of a tree.

    Attributes:
        folder: the tree's root.
        training: (path below the root, width, height) of the pictures to train on.
        held_out: paths of those that are only measured on.
        skipped: why files were left out, of a folder of held-out pictures too, and their paths below it by reason.
    """

    folder: Path
    training: tuple[tuple[str, int, int], ...]
    held_out: tuple[Path, ...]
    skipped: dict[str, tuple[str, ...]]

    def describe(self) -> str:
        """A sentence for people."""
        left = f"; left out: {_reasons(self.skipped)}" if self.skipped else ""
        return f"{counted(len(self.training), 'picture')} to train on, {len(self.held_out)} held out{left}"

    def digest(self) -> str:
        """Changes when the pictures do."""
        words = [*map(str, self.training), *(path.name for path in self.held_out)]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _reasons(skipped: dict[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{len(names)} {reason} ({some_of(names)})" for reason, names in sorted(skipped.items()))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError("no folder of pictures", expected="a folder", got=folder)
    paths = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _look(folder: Path, skipped: defaultdict[str, list[str]]) -> list[tuple[str, int, int]]:
    """(path, width, height) of what opens as a picture; the pixels are not read yet."""
    found, seen = [], set()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            with Image.open(path) as image:
                width, height = image.size
            content = hashlib.sha256(path.read_bytes()).digest()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            broken = path.suffix.lower() in Image.registered_extensions()
            skipped["broken" if broken else "of other kinds"].append(name)
            continue
        if min(width, height) < SMALLEST:
            skipped["too small"].append(name)
            continue
        # A copy of a held-out picture among the training ones would make the measurement a lie.
        if content in seen:
            skipped["doubled"].append(name)
            continue
        seen.add(content)
        found.append((name, width, height))
    return found


def _by_name(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def look_through(folder: Path, held_out: Path | None, config: TrainConfig) -> Catalogue:
    """Finds the pictures of a tree and chooses those to hold out, by their names alone.

    Args:
        held_out: a tree of pictures to measure on instead of a part of `folder`.

    Raises:
        InputError: there are no usable pictures.
    """
    skipped: defaultdict[str, list[str]] = defaultdict(list)
    pictures = _look(folder, skipped)
    if held_out is not None:
        candidates, wanted = _look(held_out, skipped), config.held_out
    else:
        candidates, wanted = pictures, min(config.held_out, max(1, len(pictures) // 12))
    root, unusable = held_out or folder, dict[str, IsthmusError]()
    measured: list[str] = []
    for name in sorted((name for name, _, _ in candidates), key=_by_name):
        if len(measured) == wanted:
            break
        window = read_window(root / name, 1, (0.5, 0.5))
        if isinstance(window, IsthmusError):
            unusable[name] = window
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


def read_window(path: Path, longest: int, place: tuple[float, float]) -> Pixels | IsthmusError:
    """(3, H, W) uint8, at most `longest` pixels a side, at a place in 0..1 down and across the picture; an error,
    returned, if the file is damaged or of a kind that the codec refuses."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of damage that it can read past; among thousands of files that is noise.
            warnings.simplefilter("ignore")
            picture = open_picture(path)
            return _window(picture, longest, place)
    except IsthmusError as error:
        return error
    except (OSError, ValueError, SyntaxError) as error:
        return InputError(f"{path.name} is damaged", got=error)


def _reason(error: IsthmusError) -> str:
    return "of a kind that the codec refuses" if isinstance(error, UnsupportedPictureError) else "broken"


def _window(picture: Picture, longest: int, place: tuple[float, float]) -> Pixels:
    height, width = min(longest, picture.height), min(longest, picture.width)
    top, left = int(place[0] * (picture.height - height)), int(place[1] * (picture.width - width))
    return np.ascontiguousarray(picture(top, left, height, width).transpose(2, 0, 1))


def at_least(pixels: Pixels, side: int) -> Pixels:
    """Continued by mirroring to at least `side` pixels both ways, as the codec continues pictures."""
    margins = [(0, 0), *((0, max(0, side - size)) for size in pixels.shape[1:])]
    return np.pad(pixels, margins, mode="symmetric") if any(after for _, after in margins) else pixels


def held_out_pictures(catalogue: Catalogue, config: TrainConfig) -> list[Pixels]:
    """The middle of every held-out picture, (3, H, W) uint8.

    Raises:
        InputError: one cannot be read any more.
    """
    found = []
    for path in catalogue.held_out:
        pixels = read_window(path, config.held_out_side, (0.5, 0.5))
        if isinstance(pixels, IsthmusError):
            raise InputError("a held-out picture cannot be read any more", got=path) from pixels
        found.append(pixels)
    return found


def load_round(catalogue: Catalogue, config: TrainConfig, number: int) -> tuple[list[Pixels], list[str]]:
    """The pictures of a round, (3, H, W) uint8 each, and the names of the files that turned out to be broken."""
    side = config.crop + BLOCK
    order = np.random.default_rng([PICTURE_ORDER, config.seed, number]).permutation(len(catalogue.training))
    # The next round is loaded while this one is in use.
    budget = config.memory_mb * 2**20 // 2
    chosen: list[tuple[str, tuple[float, float]]] = []
    for index in order:
        name, width, height = catalogue.training[index]
        budget -= 3 * max(side, min(width, config.window)) * max(side, min(height, config.window))
        if budget < 0 and chosen:
            break
        down, across = np.random.default_rng([WINDOW_ORDER, config.seed, number, int(index)]).random(2)
        chosen.append((name, (float(down), float(across))))

    def load(item: tuple[str, tuple[float, float]]) -> Pixels | IsthmusError:
        pixels = read_window(catalogue.folder / item[0], config.window, item[1])
        return pixels if isinstance(pixels, IsthmusError) else at_least(pixels, side)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        loaded = list(pool.map(load, chosen))
    pictures = [picture for picture in loaded if not isinstance(picture, IsthmusError)]
    if not pictures:
        raise InputError("no picture can be read", got=counted(len(loaded), "unusable file"), hint=str(loaded[0]))
    names = [item[0] for item, picture in zip(chosen, loaded, strict=True) if isinstance(picture, IsthmusError)]
    return pictures, sorted(names)


def make_batch(pictures: list[Pixels], config: TrainConfig, step: int, worker: int) -> tuple[Tensor, Tensor]:
    """Crops (B, 3, crop+16, crop+16) uint8, flipped and transposed at random, and qualities (B,) spread over 0..1."""
    random = np.random.default_rng([BATCH_ORDER, config.seed, step, worker])
    size = config.crop + BLOCK
    crops = []
    for index in random.integers(0, len(pictures), config.batch):
        _, height, width = pictures[index].shape
        top = int(random.integers(0, height - size + 1))
        left = int(random.integers(0, width - size + 1))
        crops.append(pictures[index][:, top : top + size, left : left + size])
    batch = torch.from_numpy(np.stack(crops))
    batch = torch.flip(batch, [axis for axis in (2, 3) if random.random() < 0.5])
    if random.random() < 0.5:
        batch = batch.transpose(2, 3)
    quality = (random.random(config.batch) + np.arange(config.batch)) / config.batch
    return batch.contiguous(), torch.from_numpy(quality).float()


class Batches:
    """Batches by the number of their step; the next batch and the next round are prepared in the background."""

    def __init__(self, catalogue: Catalogue, config: TrainConfig, worker: int = 0):
        self._catalogue, self._config, self._worker = catalogue, config, worker
        self._batch_pool, self._round_pool = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._round = -1
        self._pictures: list[Pixels] = []
        self._next_round: tuple[int, Future[tuple[list[Pixels], list[str]]]] | None = None
        self._next_batch: tuple[int, Future[tuple[Tensor, Tensor]]] | None = None
        self.broken: list[str] = []
        """Names of the present round's files that could not be read."""

    @property
    def rounds(self) -> bool:
        """Whether rounds differ: a folder that is small, of small pictures, is loaded once."""
        side, window = self._config.crop + BLOCK, self._config.window
        sizes = [(w, h) for _, w, h in self._catalogue.training]
        held = sum(3 * max(side, min(w, window)) * max(side, min(h, window)) for w, h in sizes)
        return held > self._config.memory_mb * 2**20 // 2 or any(max(size) > window for size in sizes)

    def pictures(self, step: int) -> list[Pixels]:
        """The pictures of the step's round."""
        number = step // self._config.round_steps if self.rounds else 0
        if number != self._round:
            if self._next_round and self._next_round[0] == number:
                self._pictures, self.broken = self._next_round[1].result()
            else:
                self._pictures, self.broken = load_round(self._catalogue, self._config, number)
            self._round = number
            if self.rounds:
                future = self._round_pool.submit(load_round, self._catalogue, self._config, number + 1)
                self._next_round = (number + 1, future)
        return self._pictures

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """`make_batch` of a step."""
        ready, self._next_batch = self._next_batch, None
        pictures = self.pictures(step)
        batch = ready[1].result() if ready and ready[0] == step else self._make(pictures, step)
        if not self.rounds or (step + 1) // self._config.round_steps == self._round:
            self._next_batch = (step + 1, self._batch_pool.submit(self._make, pictures, step + 1))
        return batch

    def _make(self, pictures: list[Pixels], step: int) -> tuple[Tensor, Tensor]:
        return make_batch(pictures, self._config, step, self._worker)

    def close(self) -> None:
        """Drops what is being prepared."""
        for pool in (self._batch_pool, self._round_pool):
            pool.shutdown(wait=False, cancel_futures=True)
