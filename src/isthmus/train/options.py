"""What can be asked of a training run: one table, from which both command lines are made. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import InputError

DEFAULT_MINUTES = 60.0
"""Budget of a run that names none."""


@dataclass(frozen=True)
class Option:
    """An option of the command line.

    Attributes:
        names: as typed, the long one last.
        kind: of its value: bool for a switch, and list for text that may be repeated.
        metavar: the value's name in the help; empty for a switch.
        help: a sentence.
        required: whether no run begins without it.
    """

    names: tuple[str, ...]
    kind: type
    metavar: str
    help: str
    required: bool = False

    @property
    def key(self) -> str:
        """Its name among the arguments of `request`."""
        return self.names[-1].removeprefix("--").replace("-", "_")


OPTIONS = (
    Option(("-o", "--output"), str, "FILE", "The model file to write; MODEL.training beside it holds the run.", True),
    Option(("--sounds",), bool, "", "Train on the sounds below FOLDER instead of the pictures."),
    Option(("--minutes",), float, "M", f"Budget of time (default: {DEFAULT_MINUTES:g}, if there is no other budget)."),
    Option(("--steps",), int, "N", "Budget of steps; the run ends with the budget that is used up first."),
    Option(("--stop-loss",), float, "X", "End as soon as the loss, a mean of 100 steps, is at or below this."),
    Option(("--from",), str, "MODEL", "Start from release (best), fast, another name, an .isthmodel or a checkpoint."),
    Option(("--resume",), bool, "", "Continue the run that was interrupted; a budget counts from its beginning."),
    Option(("--finish",), bool, "", "With --resume or --from: train no further, write the model as it is."),
    Option(("--held-out",), str, "FOLDER", "Measure on these pictures (default: one in twelve of the folder's)."),
    Option(("--name",), str, "NAME", "The model's name (default: the file's)."),
    Option(("--device",), str, "D", "cpu or cuda (default: a GPU if there is one)."),
    Option(("--threads",), int, "N", "Threads of the processor (default: one or all, whichever is quicker)."),
    Option(("--float32",), bool, "", "No bfloat16, where the hardware has it."),
    Option(("--set",), list, "KEY=VALUE", "Any setting of the training, crop=192 or network.grid_width=32 say."),
    Option(("-f", "--force"), bool, "", "Overwrite the model file and the run of the same name."),
)
"""All options of a run, in the order of the help."""


@dataclass(frozen=True)
class Request:
    """A training run as it was asked for.

    Attributes:
        folder: all pictures below it are trained on, but for those that are held out.
        output: the model file to write; the run is kept beside it.
        sounds: those below the folder are trained on, and no pictures.
        minutes: budget of time; `DEFAULT_MINUTES` if there is no other budget.
        steps: budget of steps; the run ends with the budget that is used up first.
        stop_loss: end as soon as the loss, a mean of 100 steps, is at or below this.
        origin: "release" (best), another installed model's name, a model file or a checkpoint to start from.
        resume: continue the run that was interrupted; a budget counts from its beginning.
        finish: with `resume` or `origin`: train no further, write the model as it is.
        held_out: a folder of pictures to measure on; None for one in twelve of `folder`'s.
        name: the model's; None for the file's.
        device: "cpu" or "cuda"; None for a GPU if there is one.
        threads: of the processor; None for one or all, whichever is quicker.
        float32: no bfloat16, where the hardware has it.
        settings: pairs of a setting of `TrainConfig` and its value as text: ("crop", "192").
        force: replace the model file and the run of the same name.
    """

    folder: Path
    output: Path
    sounds: bool = False
    minutes: float | None = None
    steps: int | None = None
    stop_loss: float | None = None
    origin: str | None = None
    resume: bool = False
    finish: bool = False
    held_out: Path | None = None
    name: str | None = None
    device: str | None = None
    threads: int | None = None
    float32: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    force: bool = False

    def __post_init__(self) -> None:
        if str(self.output) == "-" or self.output.is_dir():
            raise InputError("--output", expected="the name of a file: the run is kept beside it", got=self.output)
        for field, value in (("minutes", self.minutes), ("steps", self.steps), ("threads", self.threads)):
            if value is not None and not value > 0:
                raise InputError(f"--{field}", expected="more than 0", got=value)
        if self.finish and not (self.resume or self.origin):
            raise InputError("--finish has nothing to write", expected="--resume or --from beside it", got="neither")

    @property
    def workspace(self) -> Path:
        """The folder of the run: checkpoint, log and TensorBoard's files."""
        return self.output.with_name(f"{self.output.stem}.training")


def request(folder: str, values: dict[str, Any]) -> Request:
    """A request from the values of the command line by `Option.key`.

    Raises:
        InputError: a value cannot be used.
    """
    settings = []
    for text in values.pop("set") or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError("--set", expected="KEY=VALUE", got=text)
        settings.append((key, value))
    # A run does the same again, with the shape of the weights that it starts from.
    from isthmus.train.config import TrainConfig

    TrainConfig().changed(dict(settings))
    held_out = values.pop("held_out")
    return Request(
        folder=Path(folder),
        output=Path(values.pop("output")),
        origin=values.pop("from"),
        held_out=Path(held_out) if held_out else None,
        settings=tuple(settings),
        **values,
    )
