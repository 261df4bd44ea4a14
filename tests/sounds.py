"""Sounds for tests, and a model of them with small networks that nobody has trained."""

from pathlib import Path

import numpy as np
import torch

from isthmus.coding.formats import BYTES
from isthmus.coding.kinds import ENVELOPE, lattices_and_boards
from isthmus.model.file import FORMAT, save_model
from isthmus.model.model import Model
from isthmus.train.context import ContextModel
from isthmus.train.context_arrays import entropy_arrays, entropy_metadata
from isthmus.train.tables import laplace_tables

GROUPS = (2, 16, 16)


def write_model(path: Path, groups: tuple[int, ...] = GROUPS) -> Model:
    """A model file for sounds."""
    torch.manual_seed(0)
    networks = ContextModel(lattices_and_boards(groups, 2, 8, 8, BYTES, ENVELOPE))
    arrays = entropy_arrays(networks, laplace_tables())
    metadata = {"format": FORMAT, "name": path.stem, "medium": 2, "coder": 1}
    return save_model(path, arrays, metadata | entropy_metadata(networks.definition))


def chord(samples: int = 9000, channels: int = 2, rate: int = 44_100) -> np.ndarray:
    """(samples, channels) float32: three tones and a little noise, somewhat different in each channel."""
    t = np.arange(samples)[:, None] / rate
    place = np.arange(1, channels + 1) / channels
    tones = sum(np.sin(2 * np.pi * hz * t) * place**power for hz, power in ((220, 0), (554.4, 1), (1318.5, 2)))
    noise = np.random.default_rng(0).normal(size=(samples, channels))
    return np.asarray(0.2 * tones + 0.01 * noise, np.float32)


def snr_db(wanted: np.ndarray, found: np.ndarray) -> float:
    """Signal to noise in decibels."""
    return float(10 * np.log10((wanted.astype(float) ** 2).sum() / ((wanted.astype(float) - found) ** 2).sum()))
