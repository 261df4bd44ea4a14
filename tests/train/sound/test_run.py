"""A run on sounds in miniature: it learns, goes on where it stopped, and writes a model that codes sounds."""

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from click.testing import CliRunner

import sounds
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.errors import InputError
from isthmus.model.registry import load_model
from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.costs import coefficient_bits, level_bits
from isthmus.train.sound.pieces import make_batch
from isthmus.train.sound.run import SoundRun

CONFIG = SoundConfig(
    level_width=8, width=8, frames=8, bands=16, batch=2, pieces=6, piece_seconds=0.4, fit_batches=2, held_out=3
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sounds").mkdir()
    for index in range(4):
        soundfile.write(tmp_path / "sounds" / f"{index}.wav", sounds.chord(20_000, 1 + index % 2), 44_100)
    return tmp_path / "sounds"


def cost_octaves(run: SoundRun) -> list[float]:
    """The mean logarithm of what levels and coefficients of some crops cost."""
    with torch.no_grad():
        crops = [make_batch(run.pieces, CONFIG, 1000 + index) for index in range(8)]
        costs = (torch.cat([bits(run.context, *crop) for crop in crops]) for bits in (level_bits, coefficient_bits))
        return [float(one.log2().mean()) for one in costs]


def test_a_run(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = SoundRun(folder, tmp_path / "run.pt", CONFIG, said.append)
    before = cost_octaves(run)
    run.train(60, steps=50)
    saved = [one - other for one, other in zip(before, cost_octaves(run), strict=True)]
    # Of what the levels and the coefficients of the same crops cost.
    assert saved[0] > 0.15
    assert saved[1] > 0.07
    after = run.export(tmp_path / "after.isthmodel", "after", {"data": "chords"})
    assert said[0] == "3 sounds to train on, 1 held out"
    assert [line.split(",")[0] for line in said[1:]] == ["step 25", "step 50"]
    record = after.training
    assert (record["steps"], record["sounds"], record["held_out"], record["data"]) == (50, 3, 1, "chords")
    assert 0 < record["held_out_bits_a_position"] < 200
    wanted = sounds.chord(20_000)
    found = Codec(load_model(tmp_path / "after.isthmodel"))
    assert sounds.snr_db(wanted, found.decode(found.encode(wanted, 80, rate=44_100))) > 20


def test_a_run_goes_on(folder: Path, tmp_path: Path) -> None:
    whole = SoundRun(folder, tmp_path / "whole.pt", CONFIG, print)
    # The rates hang on the budget: both have the same.
    whole.train(60, steps=4)
    first = SoundRun(folder, tmp_path / "parts.pt", CONFIG, print)
    first.train(1e-9)
    assert first.step == 0
    second = SoundRun(folder, tmp_path / "parts.pt", CONFIG, print)
    second.train(60, steps=4)
    assert second.step == 4
    with pytest.raises(InputError, match="other settings"):
        SoundRun(folder, tmp_path / "parts.pt", replace(CONFIG, width=9), print)


def test_the_command_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.train.sound.asked.SoundConfig", lambda: CONFIG)
    output = tmp_path / "mine.isthmodel"
    words = ["train", str(folder), "--sounds", "-o", str(output), "--steps", "1"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    model = load_model(output)
    assert f"model {model.id.hex()}" in result.output
    assert (model.name, model.training["steps"], model.training["sounds"]) == ("mine", 1, 3)
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 1
    assert "exists" in again.output
    refused = CliRunner().invoke(main, [*words, "--force", "--from", "best"])
    assert refused.exit_code == 1
    assert "--from is not for a run on sounds" in refused.output


def test_a_run_that_is_asked_to_stop(folder: Path, tmp_path: Path) -> None:
    run = SoundRun(folder, tmp_path / "run.pt", CONFIG, print)
    assert not run.train(60, steps=4, stop=lambda: run.step == 2)
    assert SoundRun(folder, tmp_path / "run.pt", CONFIG, print).step == 2
