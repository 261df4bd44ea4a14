"""How far a run has come: its budget, and what a resumed one keeps or changes of it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from isthmus.errors import InputError
from isthmus.train import state as state_module
from isthmus.train.config import TrainConfig
from isthmus.train.options import DEFAULT_MINUTES, Request
from isthmus.train.state import RunState, kept_config, load_run, new_state, resumed_state

CHECKPOINT = Path("m.training/checkpoint.pt")


def asked(**values: Any) -> Request:
    return Request(Path("pictures"), Path("m.isthmodel"), **values)


def saved(**values: Any) -> dict[str, Any]:
    state = {**vars(new_state(asked(steps=100), "best 1e5f98b497553baf", "digest")), **values}
    return {"config": TrainConfig().as_dict(), "course": state}


def test_the_budget_that_is_used_up_first_counts() -> None:
    state = new_state(asked(minutes=2.0, steps=100), "best", "digest")
    assert state.part(25) == 0.25
    state.seconds = 60.0
    assert state.part(25) == 0.5
    state.ended = True
    assert state.part(25) == 1.0


def test_where_no_budget_is_named_there_is_one_of_time() -> None:
    assert new_state(asked(), "best", "digest").minutes == DEFAULT_MINUTES
    assert new_state(asked(steps=5), "best", "digest").minutes is None
    assert new_state(asked(stop_loss=0.5), "best", "digest").minutes == DEFAULT_MINUTES


def test_a_mean_loss_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "RECENT", 3)
    state = new_state(asked(steps=100, stop_loss=2.0), "best", "digest")
    ended = []
    for loss in (1.0, 1.0, 5.0, 2.0, -1.0):
        state.add_loss(loss)
        ended.append(state.ended)
    assert ended == [False, False, False, False, True]
    assert state.recent == [5.0, 2.0, -1.0]
    unlimited = new_state(asked(steps=100), "best", "digest")
    for _ in range(3):
        unlimited.add_loss(-1.0)
    assert not unlimited.ended


def test_a_resumed_run_takes_another_budget() -> None:
    done = {"ended": True, "tables": [1, 2]}
    said: list[str] = []
    same = resumed_state(saved(**done), asked(resume=True), "digest", CHECKPOINT, said.append)
    assert (same.ended, same.tables.tolist(), same.steps) == (True, [1, 2], 100)
    more = resumed_state(saved(**done), asked(resume=True, steps=200), "digest", CHECKPOINT, said.append)
    assert (more.ended, more.tables.tolist(), more.steps) == (False, [], 200)
    assert not said


def test_other_pictures_are_compared_with_nothing() -> None:
    said: list[str] = []
    rows = [[[20, 0.5, 30.0, "psnr"]]]
    state = resumed_state(saved(start=rows, checks=1), asked(resume=True), "other", CHECKPOINT, said.append)
    assert (state.pictures, state.start, state.checks) == ("other", [], 1)
    assert said == ["the folder has changed since the run began: its curve will not be the same"]


def test_what_another_version_saved_is_refused() -> None:
    with pytest.raises(InputError, match=r"another version.*--from m\.training/checkpoint\.pt"):
        resumed_state(saved(later=1), asked(resume=True), "digest", CHECKPOINT, [].append)


def test_settings_and_origin_are_kept() -> None:
    assert kept_config(saved(), asked(resume=True, settings=(("batch", "8"),))) == TrainConfig()
    with pytest.raises(InputError, match="keeps the settings"):
        kept_config(saved(), asked(resume=True, settings=(("batch", "9"),)))
    with pytest.raises(InputError, match="expected best 1e5f98b497553baf, which the run began from, got fast"):
        kept_config(saved(), asked(resume=True, origin="fast"))


def test_weights_alone_are_no_run(tmp_path: Path) -> None:
    torch.save({"average": {}}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="cannot be resumed"):
        load_run(tmp_path / "weights.pt")


def test_the_saved_names_stay() -> None:
    """Checkpoints of earlier versions go on: their states have these fields."""
    assert set(RunState.__dataclass_fields__) == {
        *("name", "origin", "pictures", "minutes", "steps", "stop_loss", "seconds", "checks", "fits", "ended"),
        *("recent", "tables", "start", "last", "gain"),
    }
