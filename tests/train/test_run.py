"""Whole runs: budgets, interruptions that lose nothing, what is written down, what is refused."""

import json
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from isthmus.errors import InputError, IsthmusError, OutputExistsError
from isthmus.model.registry import load_model
from isthmus.train import run as run_module
from isthmus.train import state as state_module
from isthmus.train.initial import load_checkpoint
from isthmus.train.loop import Progress, Trainer
from isthmus.train.options import Request
from isthmus.train.run import train
from tiny_training import STEPS, Trained, tiny_request


def quiet(text: str) -> None:
    """Says nothing."""


def log(workspace: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workspace / "log.jsonl").read_text().splitlines()]


def losses(workspace: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in log(workspace) if line["kind"] == "step"]


class Stopped(BaseException):
    """As sudden as a kill."""


def during_steps(monkeypatch: pytest.MonkeyPatch, actions: dict[int, Any]) -> None:
    """Does something at the end of some steps, once each."""
    original, left = Trainer.train_step, dict(actions)

    def patched(self: Trainer, *rest: Any) -> Progress:
        progress = original(self, *rest)
        left.pop(progress.step, lambda: None)()
        return progress

    monkeypatch.setattr(Trainer, "train_step", patched)


def test_training_improves(trained: Trained) -> None:
    course = load_checkpoint(trained.workspace / "checkpoint.pt")["course"]
    values = [loss for _, loss in losses(trained.workspace)]
    assert values[-1] < values[0]
    assert [(row[0], row[3]) for row in course["last"]] == [(q, t) for t in ("psnr", "eye") for q in (20, 50, 80)]
    before = {(rows[0][0], rows[0][3]): rows[0][1:3] for rows in course["start"]}
    for quality, bpp, psnr_db, tune in course["last"]:
        if quality == 80:
            assert bpp < before[quality, tune][0]
            assert psnr_db > before[quality, tune][1] - 1.5


def test_what_was_gained_is_said(trained: Trained, folder: Path, tmp_path: Path) -> None:
    said = "\n".join(trained.said)
    found = re.search(
        r"held-out pictures \(1\) take [0-9.]+ % (?:more|fewer) bytes at equal PSNR than with a lapped cosine "
        r"transform \(([0-9.]+) % fewer bytes under tune eye\)",
        said,
    )
    assert found is not None, said
    assert 1 < float(found[1]) < 90
    again: list[str] = []
    request = tiny_request(folder, tmp_path / "again.isthmodel", origin=str(trained.output), steps=1)
    assert train(request, again.append).finished
    assert re.search(r"take [0-9]\.[0-9] % (more|fewer) bytes at equal PSNR than with tiny", "\n".join(again))


def test_pictures_that_lose_are_named(trained: Trained, folder: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    apart.mkdir()
    for path in sorted(folder.glob("*.png"))[:3]:
        shutil.copy(path, apart)
    request = tiny_request(folder, tmp_path / "spoilt.isthmodel", origin=str(trained.output), held_out=apart, steps=4)
    said: list[str] = []
    assert train(replace(request, settings=(*request.settings, ("learning_rate", "0.1"))), said.append).finished
    text = "\n".join(said)
    found = re.search(r"held-out pictures \(3\) take .* more bytes .*; more on ([1-3]) of them: (.*)", text)
    assert found is not None, text
    shares = [float(share) for share in re.findall(r"\.png \(\+([0-9.]+) %\)", found[2])]
    assert len(shares) == int(found[1])
    assert shares == sorted(shares, reverse=True)
    gain = load_model(request.output).training["gain"]
    assert gain["pictures"] == 3
    assert gain["worse"] == len(shares)
    assert 0 < gain["percent_more"] < shares[0]


def test_what_is_said(trained: Trained) -> None:
    said = "\n".join(trained.said)
    assert "12 pictures to train on, 1 held out" in said
    assert "starting from a lapped cosine transform" in said
    for tune in ("psnr", "eye"):
        assert f"step {STEPS}, held out, tune {tune}: " in said


def test_the_model_keeps_its_record(trained: Trained) -> None:
    record = trained.model.metadata["training"]
    assert record["steps"] == STEPS
    assert record["pictures"] == 12
    assert record["config"] == json.loads(json.dumps(trained.config.as_dict()))
    assert len(record["held_out_points"]) == 6
    assert str(trained.output.parent) not in json.dumps(trained.model.metadata)


def test_tensorboard_files(trained: Trained) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained.workspace / "tensorboard"))
    events.Reload()
    assert {*("training/loss", "held_out_bpp_tune_eye/quality_20", "held_out_psnr_db_tune_psnr/quality_80")} <= set(
        events.Tags()["scalars"]
    )
    assert events.Tags()["images"]
    assert [event.step for event in events.Scalars("training/loss")] == list(range(10, STEPS + 1, 10))


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_an_interrupted_run_continues_to_the_same_curve(
    trained: Trained, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    request = tiny_request(folder, tmp_path / "again.isthmodel", steps=STEPS)
    said: list[str] = []
    if how == "interrupt":
        during_steps(monkeypatch, {23: lambda: signal.raise_signal(signal.SIGINT)})
        assert not train(request, said.append).finished
        assert "stopping after this step, and saving" in said
        assert said[-1] == "interrupted, step 23 is saved: the same command with --resume continues"
        assert load_checkpoint(request.workspace / "checkpoint.pt")["step"] == 23
    else:
        # Saved at step 17, killed at step 31: the steps between are done again.
        def die() -> None:
            raise Stopped

        def interval(seconds: float) -> Any:
            return lambda: monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", seconds)

        during_steps(monkeypatch, {17: interval(0.0), 18: interval(1e9), 31: die})
        with pytest.raises(Stopped):
            train(request, quiet)
        assert load_checkpoint(request.workspace / "checkpoint.pt")["step"] == 17
    assert not request.output.exists()

    assert train(replace(request, resume=True), said.append).finished
    assert any(line.startswith("resuming at step") for line in said)
    resumed = load_checkpoint(request.workspace / "checkpoint.pt")
    whole = load_checkpoint(trained.workspace / "checkpoint.pt")
    for part in ("network", "average"):
        for key, value in whole[part].items():
            assert torch.equal(resumed[part][key], value), key
    assert torch.equal(resumed["course"]["tables"], whole["course"]["tables"])
    assert resumed["course"]["last"] == whole["course"]["last"]
    assert losses(request.workspace) == losses(trained.workspace)


def test_a_run_that_is_overwritten_is_never_resumed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, steps=10)
    assert train(request, quiet).finished
    (board,) = (request.workspace / "tensorboard").iterdir()

    def die() -> None:
        raise Stopped

    during_steps(monkeypatch, {2: die})
    other = replace(request, settings=(*request.settings, ("seed", "5")), force=True)
    with pytest.raises(Stopped):
        train(other, quiet)
    saved = load_checkpoint(request.workspace / "checkpoint.pt")
    assert (saved["step"], saved["config"]["seed"]) == (0, 5)
    assert not board.exists()
    assert train(replace(other, resume=True), quiet).finished
    assert load_checkpoint(request.workspace / "checkpoint.pt")["step"] == 10
    assert len(losses(request.workspace)) == 1


def test_after_the_pictures_changed_nothing_is_compared(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    shutil.copytree(folder, root)
    request = tiny_request(root, tmp_path / "m.isthmodel", steps=2)
    assert train(request, quiet).finished
    (root / "grey.png").unlink()
    said: list[str] = []
    assert train(replace(request, steps=4, resume=True, force=True), said.append).finished
    assert "the folder has changed since the run began: its curve will not be the same" in said
    assert not any("at equal PSNR" in line for line in said)


def test_resuming_a_run_that_ended(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "RECENT", 5)
    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, steps=10, stop_loss=1000.0)
    assert train(request, quiet).finished
    # The same again is done already; a lower threshold, or another budget, is not.
    for changed, steps in ((request, 5), (replace(request, stop_loss=0.001), 10), (replace(request, steps=20), 11)):
        again = replace(changed, resume=True, force=True)
        said: list[str] = []
        assert train(again, said.append).finished
        assert load_checkpoint(request.workspace / "checkpoint.pt")["step"] == steps
        assert any("fitting" in line for line in said) == (changed != request)


def test_time_is_a_budget_too(folder: Path, tmp_path: Path) -> None:
    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, minutes=0.02)
    assert train(request, quiet).finished
    saved = load_checkpoint(request.workspace / "checkpoint.pt")
    assert saved["step"] > 0
    assert saved["course"]["seconds"] >= 1.2


def test_it_ends_at_a_loss(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "RECENT", 5)
    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, steps=1000, stop_loss=1000.0)
    assert train(request, quiet).finished
    assert load_checkpoint(request.workspace / "checkpoint.pt")["step"] == 5


def test_finish_ends_an_interrupted_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, steps=1000)
    during_steps(monkeypatch, {3: lambda: signal.raise_signal(signal.SIGTERM)})
    assert not train(request, quiet).finished
    assert train(tiny_request(folder, request.output, resume=True, finish=True), quiet).finished
    assert load_model(request.output).metadata["training"]["steps"] == 3


def test_a_checkpoint_becomes_a_model_file(trained: Trained, folder: Path, tmp_path: Path) -> None:
    checkpoint = str(trained.workspace / "checkpoint.pt")
    request = tiny_request(folder, tmp_path / "m.isthmodel", origin=checkpoint, finish=True)
    assert train(request, quiet).finished
    written = load_model(request.output)
    for key, value in trained.model.arrays.items():
        if key != "tables":
            assert (written.arrays[key] == value).all(), key


def test_fine_tuning_starts_where_the_weights_stood(trained: Trained, folder: Path, tmp_path: Path) -> None:
    request = tiny_request(folder, tmp_path / "tuned.isthmodel", steps=2, origin=str(trained.output))
    result = train(request, quiet)
    assert result.finished
    last = {(row[0], row[3]): row[1] for row in load_checkpoint(trained.workspace / "checkpoint.pt")["course"]["last"]}
    assert len(result.first) == 4
    for point in result.first:
        assert point.bpp == pytest.approx(last[point.quality, point.tune], rel=0.05)
    assert load_model(request.output).id != trained.model.id
    record = load_model(request.output).training
    assert trained.model.id.hex() in record["from"]
    assert record["gain"]["quality"] in (20, 80)
    assert record["gain"]["pictures"] == 1
    assert record["gain"]["bytes_per_picture"] > 0
    assert "gain" not in trained.model.training


def test_what_is_refused(trained: Trained, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.isthmodel"
    with pytest.raises(InputError, match="nothing to resume"):
        train(tiny_request(folder, output, resume=True), quiet)
    with pytest.raises(OutputExistsError):
        train(tiny_request(folder, trained.output, steps=1), quiet)
    with pytest.raises(InputError, match="more than 0"):
        tiny_request(folder, output, steps=0)
    with pytest.raises(OutputExistsError):
        train(tiny_request(folder, trained.output, resume=True), quiet)
    with pytest.raises(InputError, match=r"--from: expected a lapped cosine transform.* got release"):
        train(tiny_request(folder, trained.output, resume=True, origin="release", force=True), quiet)
    changed = Request(folder, trained.output, resume=True, settings=(("batch", "3"),), device="cpu", force=True)
    with pytest.raises(InputError, match="keeps the settings"):
        train(changed, quiet)
    with pytest.raises(InputError, match="nothing to write"):
        tiny_request(folder, output, finish=True)
    output.with_name("m.training").mkdir()
    (output.with_name("m.training") / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="holds a run already"):
        train(tiny_request(folder, output, steps=1), quiet)
    with pytest.raises(InputError, match="no checkpoint"):
        train(tiny_request(folder, output, resume=True), quiet)


def test_a_checkpoint_that_cannot_be_written_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("unexpected pos 1024 vs 918")

    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, steps=1000)
    during_steps(
        monkeypatch,
        {
            3: lambda: monkeypatch.setattr(run_module, "CHECKPOINT_SECONDS", 0.0),
            4: lambda: monkeypatch.setattr(torch, "save", full),
        },
    )
    with pytest.raises(IsthmusError, match=r"could not be written: step 3 is saved.*Make room on the disk"):
        train(request, quiet)
    assert load_checkpoint(request.workspace / "checkpoint.pt")["step"] == 3


def test_an_output_that_cannot_be_written_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        train(tiny_request(folder, tmp_path / "file" / "m.isthmodel", steps=1), quiet)


def test_divergence_is_an_error_with_advice(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverged(*_: object) -> Progress:
        raise ArithmeticError("step 1: the loss is nan")

    monkeypatch.setattr(Trainer, "train_step", diverged)
    with pytest.raises(IsthmusError, match="learning_rate"):
        train(tiny_request(folder, tmp_path / "m.isthmodel", steps=4), quiet)


def test_a_run_of_other_networks_is_not_resumed(folder: Path, tmp_path: Path) -> None:
    request = tiny_request(folder, tmp_path / "m.isthmodel", measured=False, steps=2)
    assert train(request, quiet).finished
    checkpoint = request.workspace / "checkpoint.pt"
    saved = load_checkpoint(checkpoint)
    saved["network"] = {f"old.{key}": value for key, value in saved["network"].items()}
    torch.save(saved, checkpoint)
    with pytest.raises(InputError, match="another version of isthmus"):
        train(tiny_request(folder, request.output, steps=4, resume=True, force=True), quiet)
