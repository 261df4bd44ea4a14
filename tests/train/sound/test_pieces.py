"""Pieces of sounds: files held out by name, crops of one size, batches that hang on their step alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import sounds
from isthmus.errors import InputError
from isthmus.quality import Quality
from isthmus.sound.envelope import LEVEL_FLOOR
from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.pieces import crop_latents, make_batch, read_pieces, sound_files

CONFIG = SoundConfig(frames=8, bands=20, batch=3, piece_seconds=0.3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, channels, rate in (
        ("a.wav", 2, 44_100),
        ("b.flac", 1, 8000),
        ("c/d.ogg", 3, 48_000),
        ("e.wav", 2, 44_100),
    ):
        path = tmp_path / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sounds.chord(rate, channels, rate), rate)
    (tmp_path / "sounds" / "notes.txt").write_text("mine")
    return tmp_path / "sounds"


def test_files_are_held_out_by_their_names(folder: Path) -> None:
    training, held_out = sound_files(folder, 4)
    assert (len(training), len(held_out)) == (3, 1)
    assert not set(training) & set(held_out)
    moved = folder.rename(folder.with_name("moved"))
    assert [path.name for path in sound_files(moved, 4)[1]] == [held_out[0].name]


def test_folders_without_sounds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of sounds"):
        sound_files(tmp_path, 4)
    (tmp_path / "a.wav").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no sound can be read"):
        read_pieces([tmp_path / "a.wav"], 2, CONFIG, 0)


def test_pieces_are_those_of_pairs(folder: Path) -> None:
    (folder / "broken.wav").write_bytes(b"nothing")
    pieces = read_pieces(sorted(folder.rglob("*.*")), 5, CONFIG, 0)
    assert len(pieces) == 5
    for piece in pieces:
        assert piece.coefficients.shape == (2, piece.layout.frames, 16 * piece.layout.bands)
        assert 0.25 < piece.layout.samples / piece.layout.rate < 0.35
        assert piece.coefficients[1].any() == (piece.layout.channels == 2)


@pytest.mark.parametrize("quality", [0, 50, 100])
def test_crops_have_one_size(folder: Path, quality: float) -> None:
    for piece in read_pieces(sound_files(folder, 4)[0], 4, CONFIG, 0):
        y = crop_latents(piece, Quality.of(quality), np.random.default_rng(0), CONFIG)
        assert (y.shape, y.dtype) == ((8, 20, 34), np.float32)
        assert y[:, :, :2].min() >= LEVEL_FLOOR
        # Silence beside what has fewer bands.
        assert piece.layout.bands >= 20 or (y[:, piece.layout.bands :, :2] == LEVEL_FLOOR).all()


def test_batches(folder: Path) -> None:
    pieces = read_pieces(sound_files(folder, 4)[0], 4, CONFIG, 0)
    y, weights = make_batch(pieces, CONFIG, 5)
    again, _ = make_batch(pieces, CONFIG, 5)
    other, _ = make_batch(pieces, replace(CONFIG, seed=1), 5)
    assert y.shape == (3, 34, 8, 20)
    assert torch.equal(y, again)
    assert not torch.equal(y, other)
    # A third of the dial each.
    places = (weights * torch.linspace(0, 1, CONFIG.points)).sum(1)
    assert [int(3 * place) for place in places.tolist()] == [0, 1, 2]
