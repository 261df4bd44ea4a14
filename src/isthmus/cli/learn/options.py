"""Options of `isthmus learn` and its verbs: which data, and every setting of `Autoencoder`, from one table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from isthmus.cli.learn.files import load_data
from isthmus.cli.messages import errors_told
from isthmus.cli.options import Command, force_option
from isthmus.files import refuse_existing

KINDS = click.Choice(["linear", "dense", "convolutional", "variational", "denoising"])
OPTIMIZERS = click.Choice(["sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad", "lbfgs"])
SCALINGS = click.Choice(["auto", "unit", "center", "standard", "none"])


class Numbers(click.ParamType):  # type: ignore[type-arg]
    """Whole numbers with commas between them."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in value.split(",") if part)
        except ValueError:
            self.fail(f"expected whole numbers with commas between them, got {value!r}.", param, ctx)


class Names(click.ParamType):  # type: ignore[type-arg]
    """Names with commas between them; a single one stays a string."""

    name = "NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return tuple(value.split(",")) if isinstance(value, str) and "," in value else value


class BatchSize(click.ParamType):  # type: ignore[type-arg]
    """A number of samples, or the word full."""

    name = "N|full"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "full":
            return value
        return click.IntRange(min=1).convert(value, param, ctx)


# The option, which is a setting of `Autoencoder`, its type and its help.
TRAINING: list[tuple[str, Any, str]] = [
    ("--code-size", click.IntRange(min=1), "Numbers in the code (default: a quarter of the pixels, at most 128)."),
    ("--hidden", Numbers(), "Units of the encoder's hidden layers (default: 256; convolutional: 16,32 filters)."),
    ("--activation", Names(), "Of the hidden layers: one for all, or one for each (default: relu)."),
    ("--code-activation", str, "Of the bottleneck (default: linear)."),
    ("--output-activation", str, "Of the last layer (default: sigmoid where the scaling is unit, else linear)."),
    ("--scaling", SCALINGS, "Of the pixels (default: center for linear networks, else unit)."),
    ("--loss", click.Choice(["mse", "bce"]), "Mean squared error or binary cross-entropy (default: mse)."),
    ("--optimizer", OPTIMIZERS, "How the gradient is followed (default: adam)."),
    ("--learning-rate", float, "Default: 0.001."),
    ("--momentum", float, "Of sgd, nesterov and rmsprop (default: 0)."),
    ("--weight-decay", float, "Default: 0."),
    ("--schedule", click.Choice(["constant", "cosine"]), "Of the learning rate (default: constant)."),
    ("--batch-size", BatchSize(), "Samples a step (default: 256, under 10000 samples 32)."),
    ("--epochs", click.IntRange(min=1), "Passes over the data (default: as many as make about 2350 steps)."),
    ("--max-steps", click.IntRange(min=1), "Stop after so many steps."),
    ("--stop-loss", float, "Stop when an epoch's mean loss is at or under this."),
    ("--noise", float, "Noise on the input, in scaled units (default: 0, denoising 0.3)."),
    ("--beta", float, "Weight of the variational term (default: 1 with bce, 0.1 with mse)."),
    ("--augmentation", Names(), "Any of shift,rotate,zoom,flip."),
    ("--threads", click.IntRange(min=1), "CPU threads (default: all cores)."),
]


def data_options(command: Command) -> Command:
    """--data, --data-dir, --download and --seed, given to the command as ``data`` (a function) and ``seed``."""

    @functools.wraps(command)
    def wrapped(data: str, data_dir: str | None, download: bool, seed: int, **rest: Any) -> Any:
        return command(data=functools.partial(load_data, data, data_dir, download, seed), seed=seed, **rest)

    options = (
        click.option("--data", default="digits", show_default=True, metavar="NAME|FOLDER|FILE.npy",
                     help="digits, mnist, fashion-mnist, a folder of pictures of one size, or an array."),
        click.option("--data-dir", type=click.Path(file_okay=False), help="Folder of the idx files."),
        click.option("--download", is_flag=True, help="Fetch missing idx files into --data-dir."),
        click.option("--seed", type=int, default=0, show_default=True, help="Of everything random."),
    )  # fmt: skip
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def training_options(command: Command) -> Command:
    """The settings of `Autoencoder`, given to the command as one dictionary ``settings`` of those that were used."""
    names = ["kind", *(option[2:].replace("-", "_") for option, _, _ in TRAINING)]

    @functools.wraps(command)
    def wrapped(quiet: bool, seed: int, **rest: Any) -> Any:
        settings = {name: rest.pop(name) for name in names}
        settings = {name: value for name, value in settings.items() if value is not None}
        if settings.get("batch_size") == "full":
            settings["batch_size"] = None
        if isinstance(settings.get("augmentation"), str):
            settings["augmentation"] = (settings["augmentation"],)
        settings |= {"random_state": seed, "verbose": not quiet}
        return command(settings=settings, seed=seed, **rest)

    wrapped = click.option("-q", "--quiet", is_flag=True, help="No progress bar.")(wrapped)
    for option, kind, text in reversed(TRAINING):
        wrapped = click.option(option, type=kind, help=text)(wrapped)
    return click.option("--kind", type=KINDS, default="dense", show_default=True, help="Kind of autoencoder.")(wrapped)


def model_argument(command: Command) -> Command:
    """MODEL: a file that a study wrote, or the study's folder."""
    return click.argument("model", type=click.Path(exists=True, path_type=Path))(command)


def output_option(default: str) -> Callable[[Command], Command]:
    """-o with a default name, and --force: what is there already is not overwritten without it."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(*args: Any, output: Path, force: bool, **rest: Any) -> Any:
            context = click.get_current_context()
            # A group that goes on to a verb writes nothing itself.
            if context.invoked_subcommand is None:
                with errors_told():
                    _refuse_existing(output, force)
            return command(*args, output=output, **rest)

        option = click.option(
            "-o", "--output", type=click.Path(path_type=Path), default=default, show_default=True, help="Output."
        )
        return option(force_option(wrapped))

    return decorate


def _refuse_existing(output: Path, force: bool) -> None:
    """Refuses a file, and a folder that a study has filled; what else is in a folder is not overwritten."""
    from isthmus.autoencoder.study import MODEL_FILE

    refuse_existing(output / MODEL_FILE if output.is_dir() else output, force)
