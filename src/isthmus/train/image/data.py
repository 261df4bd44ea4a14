"""Training batches: random crops of a catalogue's pictures, prepared in the background.

A batch depends on the seed and the number of its step alone, so that a resumed run sees what an uninterrupted one
would have seen.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from isthmus.errors import InputError, IsthmusError
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import BLOCK
from isthmus.model.engine import limit_threads
from isthmus.text import counted
from isthmus.train.config import TrainConfig
from isthmus.train.image.catalogue import Catalogue
from isthmus.train.image.windows import MIDDLE, Pixels, at_least, read_windows
from isthmus.tune import WHOLE

PICTURE_ORDER, WINDOW_ORDER, BATCH_ORDER = 1, 2, 3
"""First words of the seeds, so that no two random sequences are the same."""


class Batch(NamedTuple):
    """What a step is trained on."""

    pixels: Tensor
    """(B, 3, crop+16, crop+16) uint8."""
    coefficients: Tensor
    """(B, C, h, w) float32: of the pixels, in grey levels."""
    quality: Tensor
    """(B,) in 0..1, spread over it."""
    tune: Tensor
    """(B,) in 0..1, hundredths: either end a third of the time, else anything between."""

    def to(self, device: torch.device) -> Batch:
        """On another device."""
        return Batch(*(values.to(device, non_blocking=True) for values in self))


def held_out_pictures(catalogue: Catalogue, config: TrainConfig) -> list[Pixels]:
    """The middle of every held-out picture, (3, H, W) uint8.

    Raises:
        InputError: one cannot be read any more.
    """
    found = []
    for path in catalogue.held_out:
        windows = read_windows(path, config.held_out_side, [MIDDLE])
        if isinstance(windows, IsthmusError):
            raise InputError("a held-out picture cannot be read any more", got=path) from windows
        found += windows
    return found


def _bytes_of_window(size: Sequence[int], config: TrainConfig) -> int:
    side = config.crop + BLOCK
    width, height = (max(side, min(length, config.window)) for length in size)
    return 3 * width * height


def _windows_by_picture(catalogue: Catalogue, config: TrainConfig, number: int) -> Counter[int]:
    """How many windows a round takes of which pictures: one of each, while memory lasts; then, of the pictures that
    hold several beside each other, as many again."""
    order = np.random.default_rng([PICTURE_ORDER, config.seed, number])
    rest: list[int] = order.permutation(len(catalogue.training)).tolist()
    # The next round is loaded while this one is in use.
    budget = config.memory_mb * 2**20 // 2
    taken: Counter[int] = Counter()
    while rest:
        for index in rest:
            budget -= _bytes_of_window(catalogue.training[index][1:], config)
            if budget < 0 and taken:
                return taken
            taken[index] += 1
        rest = [i for i in rest if taken[i] < math.prod(catalogue.training[i][1:]) // config.window**2]
    return taken


def load_round(catalogue: Catalogue, config: TrainConfig, number: int) -> tuple[list[Pixels], list[str]]:
    """The windows of a round, (3, H, W) uint8 each, and the names of the files that turned out to be broken."""
    side = config.crop + BLOCK

    def load(index: int, count: int) -> list[Pixels] | IsthmusError:
        places = np.random.default_rng([WINDOW_ORDER, config.seed, number, index]).random((count, 2)).tolist()
        windows = read_windows(catalogue.folder / catalogue.training[index][0], config.window, places)
        return windows if isinstance(windows, IsthmusError) else [at_least(window, side) for window in windows]

    chosen = _windows_by_picture(catalogue, config, number)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        loaded = dict(zip(chosen, pool.map(load, chosen, chosen.values()), strict=True))
    broken = {index: found for index, found in loaded.items() if isinstance(found, IsthmusError)}
    if len(broken) == len(loaded):
        hint = str(next(iter(broken.values())))
        raise InputError("no picture can be read", got=counted(len(loaded), "unusable file"), hint=hint)
    pictures = [window for found in loaded.values() if not isinstance(found, IsthmusError) for window in found]
    return pictures, sorted(catalogue.training[index][0] for index in broken)


def make_batch(
    pictures: list[Pixels], transform: LappedTransform, config: TrainConfig, step: int, worker: int
) -> Batch:
    """Crops, flipped and transposed at random, in pixels and coefficients, and where both dials stand for each."""
    random = np.random.default_rng([BATCH_ORDER, config.seed, step, worker])
    size = config.crop + BLOCK
    crops = []
    for index in random.integers(0, len(pictures), config.batch):
        _, height, width = pictures[index].shape
        top = int(random.integers(0, height - size + 1))
        left = int(random.integers(0, width - size + 1))
        crops.append(pictures[index][:, top : top + size, left : left + size])
    # All in numpy. One parallel operation of PyTorch in the thread that makes batches, and OpenMP has more threads than
    # there are cores from then on: it lets those of the training sleep between operations, and two cores are no faster
    # than one.
    batch = np.stack(crops)
    batch = np.flip(batch, tuple(axis for axis in (2, 3) if random.random() < 0.5))
    if random.random() < 0.5:
        batch = batch.swapaxes(2, 3)
    quality = (random.random(config.batch) + np.arange(config.batch)) / config.batch
    ends = random.integers(0, 3, config.batch)
    tune = np.where(ends < 2, ends, random.integers(0, WHOLE + 1, config.batch) / WHOLE)
    with limit_threads(1):
        latents = [transform.analyse(np.ascontiguousarray(crop.transpose(1, 2, 0))) for crop in batch]
    made = (batch, np.stack(latents).transpose(0, 3, 1, 2), quality.astype(np.float32), tune.astype(np.float32))
    return Batch(*(torch.from_numpy(np.ascontiguousarray(values)) for values in made))


class Batches:
    """Batches by the number of their step; the next batch and the next round are prepared in the background."""

    def __init__(self, catalogue: Catalogue, config: TrainConfig, worker: int = 0):
        self._catalogue, self._config, self._worker = catalogue, config, worker
        self._batch_pool, self._round_pool = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._round = -1
        self._pictures: list[Pixels] = []
        self._next_round: tuple[int, Future[tuple[list[Pixels], list[str]]]] | None = None
        self._next_batch: tuple[int, Future[Batch]] | None = None
        self._broken: set[str] = set()
        self._untold: list[str] = []

    def newly_broken(self) -> list[str]:
        """Names of the files that could not be read in the rounds so far; each is returned once."""
        told, self._untold = self._untold, []
        return told

    @cached_property
    def rounds(self) -> bool:
        """Whether rounds differ: a folder that is small, of small pictures, is loaded once."""
        sizes = [size for _, *size in self._catalogue.training]
        held = sum(_bytes_of_window(size, self._config) for size in sizes)
        return held > self._config.memory_mb * 2**20 // 2 or any(max(size) > self._config.window for size in sizes)

    def pictures(self, step: int) -> list[Pixels]:
        """The pictures of the step's round."""
        number = step // self._config.round_steps if self.rounds else 0
        if number != self._round:
            if self._next_round and self._next_round[0] == number:
                self._pictures, broken = self._next_round[1].result()
            else:
                self._pictures, broken = load_round(self._catalogue, self._config, number)
            self._untold += [name for name in broken if name not in self._broken]
            self._broken.update(broken)
            self._round = number
            if self.rounds:
                future = self._round_pool.submit(load_round, self._catalogue, self._config, number + 1)
                self._next_round = (number + 1, future)
        return self._pictures

    def batch(self, step: int, transform: LappedTransform) -> Batch:
        """`make_batch` of a step; the transform is that of the step before."""
        ready, self._next_batch = self._next_batch, None
        pictures = self.pictures(step)
        batch = ready[1].result() if ready and ready[0] == step else self._make(pictures, transform, step)
        if not self.rounds or (step + 1) // self._config.round_steps == self._round:
            self._next_batch = (step + 1, self._batch_pool.submit(self._make, pictures, transform, step + 1))
        return batch

    def _make(self, pictures: list[Pixels], transform: LappedTransform, step: int) -> Batch:
        return make_batch(pictures, transform, self._config, step, self._worker)

    def close(self) -> None:
        """Drops what is being prepared."""
        for pool in (self._batch_pool, self._round_pool):
            pool.shutdown(wait=False, cancel_futures=True)
