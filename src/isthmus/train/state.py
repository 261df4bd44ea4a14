"""How far a training run has come: saved in its checkpoint beside the weights, so that an interrupted run can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from isthmus.errors import InputError, IsthmusError
from isthmus.files import atomic_output
from isthmus.train.config import TrainConfig
from isthmus.train.initial import began_from, load_checkpoint
from isthmus.train.journal import Say
from isthmus.train.options import DEFAULT_MINUTES, Request

CHECKPOINT = "checkpoint.pt"
"""The file in a run's folder."""
STATE_KEY = "course"
"""The state's key in a checkpoint; runs of earlier versions have it too."""
RECENT = 100
"""Steps over which the loss is averaged before it is compared with a threshold."""
_NONE = torch.zeros(0, dtype=torch.int64)


@dataclass(kw_only=True)
class Budget:
    """What a run may use, on pictures or on sounds, and what it has used.

    Attributes:
        minutes, steps: limits; None where there is none.
        seconds: trained so far.
    """

    minutes: float | None = None
    steps: int | None = None
    seconds: float = 0.0

    def part(self, step: int) -> float:
        """0 to 1 and beyond: how much of it is used after a number of steps."""
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        by_steps = step / self.steps if self.steps else 0.0
        return max(by_time, by_steps)


@dataclass(kw_only=True)
class RunState(Budget):
    """How far a run on pictures has come.

    Attributes:
        name: the model's name.
        origin: what the weights were at the start, in words.
        pictures: digest of the catalogue; the curve continues as long as it is the same.
        stop_loss: a limit as those of the budget; None where there is no such one.
        checks: measurements made so far, that before the first step included.
        fits: how often the costs of symbols were measured anew.
        ended: the run has ended before its budget was used.
        recent: losses of the last steps, at most `RECENT`.
        tables: (n,) int64, the fitted probability tables, packed; empty until the run has ended. A tensor: as a list it
            would take most of the time that reading a checkpoint takes.
        start: rows of all held-out pictures before the first step, by tune and quality.
        last: rows of their mean, at the end.
        gain: what was gained, as `isthmus.train.gain` records it.
    """

    name: str
    origin: str
    pictures: str
    stop_loss: float | None
    checks: int = 0
    fits: int = 0
    ended: bool = False
    recent: list[float] = field(default_factory=list)
    tables: Tensor = field(default_factory=lambda: _NONE)
    start: list[list[list[Any]]] = field(default_factory=list)
    last: list[list[Any]] = field(default_factory=list)
    gain: dict[str, Any] | None = None

    def part(self, step: int) -> float:
        """0 to 1 and beyond: how much of the budget is used after a number of steps; 1 where the run has ended."""
        return 1.0 if self.ended else super().part(step)

    def add_loss(self, loss: float) -> None:
        """Notes the loss of a step, and ends the run if the mean of the last ones is low enough."""
        self.recent = [*self.recent[1 - RECENT :], loss]
        if self.stop_loss is not None and len(self.recent) == RECENT:
            self.ended |= float(np.mean(self.recent)) <= self.stop_loss


State = TypeVar("State", bound=Budget)


def minutes_of(request: Request) -> float | None:
    """The time that a run begins with: what is asked for, or some where no limit is."""
    return request.minutes if request.minutes or request.steps else DEFAULT_MINUTES


def new_state(request: Request, origin: str, pictures: str) -> RunState:
    """The state of a run that begins."""
    return RunState(
        name=request.name or request.output.stem,
        origin=origin,
        pictures=pictures,
        minutes=minutes_of(request),
        steps=request.steps,
        stop_loss=request.stop_loss,
    )


def load_run(checkpoint: Path) -> dict[str, Any]:
    """What the checkpoint of a run holds.

    Raises:
        InputError: it is no checkpoint, or one of weights alone.
        OSError: it cannot be read.
    """
    saved = load_checkpoint(checkpoint)
    if STATE_KEY not in saved:
        raise InputError(
            f"{checkpoint} cannot be resumed",
            expected="a checkpoint of a run",
            got="weights alone",
            hint=f"Start a new run from them: --from {checkpoint}.",
        )
    return saved


def kept_config(saved: dict[str, Any], request: Request) -> TrainConfig:
    """The configuration of the run that goes on.

    Raises:
        InputError: other settings, or another start, are asked for.
    """
    config = TrainConfig.from_dict(saved["config"])
    if config.changed(dict(request.settings)) != config:
        raise InputError(
            "a resumed run keeps the settings it began with",
            got="other values with --set",
            hint="Leave --set out, or start a new run.",
        )
    recorded = str(saved[STATE_KEY].get("origin"))
    if request.origin and not began_from(request.origin, recorded):
        raise InputError("--from", expected=f"{recorded}, which the run began from", got=request.origin)
    return config


def resumed_state(saved: dict[str, Any], request: Request, pictures: str, checkpoint: Path, say: Say) -> RunState:
    """The state of the run that goes on, with the budget that is asked for now.

    Args:
        saved: what `load_run` returned.
        pictures: digest of the catalogue as it is now.

    Raises:
        InputError: another version of isthmus saved it.
    """
    state = saved_state(saved, RunState, checkpoint)
    # A list in checkpoints of earlier versions.
    state.tables = torch.as_tensor(state.tables, dtype=torch.int64)
    if state.pictures != pictures:
        say("the folder has changed since the run began: its curve will not be the same")
        # Other pictures than the first measurement's may be held out by now: nothing compares with it any more.
        state.pictures, state.start = pictures, []
    before = (state.minutes, state.steps, state.stop_loss)
    if request.minutes or request.steps:
        state.minutes, state.steps = request.minutes, request.steps
    if request.stop_loss is not None:
        state.stop_loss = request.stop_loss
    if before != (state.minutes, state.steps, state.stop_loss):
        state.ended, state.tables = False, _NONE
    return state


def saved_state(saved: Mapping[str, Any], kind: type[State], checkpoint: Path) -> State:
    """The state in what `load_run` returned.

    Raises:
        InputError: another version of isthmus saved it, or it is of a run on something else.
    """
    try:
        return kind(**saved[STATE_KEY])
    except TypeError as error:
        raise InputError(
            "the run is of another version of isthmus",
            got=error,
            hint=f"Begin another one from its weights: --from {checkpoint}.",
        ) from error


def save_run(checkpoint: Path, weights: Mapping[str, Any], state: Budget, saved_step: int | None) -> None:
    """Writes the checkpoint so that a kill at any moment leaves the old one or the new one whole.

    Args:
        weights: all that a run goes on with beside its state.
        saved_step: the step of the old one, if there is one.

    Raises:
        IsthmusError: it cannot be written.
    """
    try:
        with atomic_output(checkpoint, force=True) as stream:
            torch.save({**weights, STATE_KEY: asdict(state)}, stream)
    except (OSError, RuntimeError) as error:
        kept = "nothing is saved yet" if saved_step is None else f"step {saved_step} is saved"
        raise IsthmusError(
            f"{checkpoint} could not be written: {kept}",
            got=error,
            hint="Make room on the disk; the same command with --resume then continues what is saved.",
        ) from error
