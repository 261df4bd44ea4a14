"""Pieces of the sounds of a folder, transformed once, and random crops of them as latents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.coding.symbols import Float32
from isthmus.errors import InputError, IsthmusError
from isthmus.quality import Quality
from isthmus.sound.analysis import PAIR, coefficient_latents, level_latents, spectrum_of
from isthmus.sound.envelope import LEVEL_FLOOR, levels_of_latents, steps
from isthmus.sound.files import open_sound
from isthmus.sound.layout import Layout
from isthmus.sound.limits import SoundLimits
from isthmus.sound.names import FORMATS
from isthmus.sound.splits import choose_splits
from isthmus.train.sound.config import SoundConfig

LOUDER_OCTAVES = 0.7
"""Standard deviation of a random gain, in octaves: recordings are of all levels."""
ALONE = 0.05
"""Of pairs, the share whose second channel is left out."""


@dataclass(frozen=True)
class Piece:
    """A piece of a pair of channels.

    Attributes:
        coefficients: (2, frames, bands * BAND) float32, turned, in 16-bit levels.
        layout: of the piece.
    """

    coefficients: Float32
    layout: Layout


def sound_files(folder: Path, one_in: int) -> tuple[list[Path], list[Path]]:
    """The sound files below a folder, to train on and held out: the choice hangs on the names alone.

    Raises:
        InputError: there are fewer than two.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FORMATS and path.is_file())
    if len(found) < 2:
        raise InputError("no folder of sounds", expected="at least two sound files below it", got=folder)
    order = sorted(found, key=lambda path: hashlib.sha256(path.relative_to(folder).as_posix().encode()).digest())
    held_out = order[: max(1, len(order) // one_in)]
    return [path for path in found if path not in held_out], held_out


def read_pieces(paths: Sequence[Path], count: int, config: SoundConfig, seed: int) -> list[Piece]:
    """Pieces of files in turn, each from a random place on, until there are so many; files that fail are passed over.

    Raises:
        InputError: no file can be used.
    """
    random = np.random.default_rng([config.seed, seed])
    pieces: list[Piece] = []
    for index in random.permutation(len(paths)).tolist() * -(-count // len(paths)):
        try:
            pieces += _pieces_of(paths[index], config, float(random.random()))
        except (IsthmusError, OSError):
            continue
        if len(pieces) >= count:
            break
    if not pieces:
        raise InputError("no sound can be read", got=f"{len(paths)} unusable files")
    return pieces[:count]


def _pieces_of(path: Path, config: SoundConfig, place: float) -> Iterator[Piece]:
    """One piece of each pair of channels of a file."""
    sound = open_sound(path, SoundLimits())
    rate, frame = sound.layout.rate, sound.layout.frame
    wanted = max(1, round(config.piece_seconds * rate / frame)) * frame
    start = round(place * max(0, sound.layout.samples - wanted))
    samples = sound.read(start, min(start + wanted, sound.layout.samples))
    padded = np.pad(samples, ((0, -len(samples) % frame), (0, 0)), mode="symmetric")
    for pair in range(sound.layout.pairs):
        columns = padded[:, sound.layout.channels_of(pair)]
        layout = Layout(len(padded), rate, columns.shape[1])
        spectrum = spectrum_of(columns, choose_splits(columns, frame, rate), layout, 0, 0)
        yield Piece(spectrum.coefficients.astype(np.float32), layout)


def crop_latents(piece: Piece, quality: Quality, random: np.random.Generator, config: SoundConfig) -> Float32:
    """(frames, bands, channels): latents of a random crop; of levels rounded, as a decoder nearly has them."""
    start = int(random.integers(0, max(1, piece.layout.frames - config.frames + 1)))
    coefficients = piece.coefficients[:, start : start + config.frames].astype(np.float64)
    coefficients *= 2.0 ** random.normal(0, LOUDER_OCTAVES)
    if random.random() < ALONE:
        coefficients[1] = 0
    first = level_latents(coefficients, piece.layout)
    levels = levels_of_latents(np.rint(first).astype(np.float64))
    step = steps(levels, piece.layout.frame, piece.layout.rate, quality)
    y = np.concatenate([first, coefficient_latents(coefficients, step)], 2)
    # The edges of the plane are at real edges of spectra as often as elsewhere.
    spare = max(0, y.shape[1] - config.bands)
    left = (0, spare, int(random.integers(0, spare + 1)))[int(random.integers(0, 3))]
    return _at_least(y[:, left : left + config.bands], config)


def _at_least(y: Float32, config: SoundConfig) -> Float32:
    """Latents, with silence where there are too few frames or bands."""
    missing = ((0, config.frames - y.shape[0]), (0, config.bands - y.shape[1]), (0, 0))
    padded = np.pad(y, missing)
    padded[y.shape[0] :, :, :PAIR] = LEVEL_FLOOR
    padded[:, y.shape[1] :, :PAIR] = LEVEL_FLOOR
    return padded


def make_batch(pieces: Sequence[Piece], config: SoundConfig, step: int) -> tuple[Tensor, Tensor]:
    """Latents (B, C, frames, bands) and weights of the quality points (B, points); qualities are spread over the dial.

    A batch depends on the seed and the number of its step alone.
    """
    random = np.random.default_rng([config.seed, 7, step])
    lengths = np.array([piece.layout.frames * piece.layout.bands for piece in pieces], float)
    latents, weights = [], []
    for index in range(config.batch):
        quality = Quality.of(100 * (index + random.random()) / config.batch)
        piece = pieces[int(random.choice(len(pieces), p=lengths / lengths.sum()))]
        latents.append(crop_latents(piece, quality, random, config).transpose(2, 0, 1))
        weights.append(quality.weights(config.points))
    stacked: npt.NDArray[np.float32] = np.stack(latents)
    return torch.from_numpy(stacked), torch.from_numpy(np.stack(weights))
