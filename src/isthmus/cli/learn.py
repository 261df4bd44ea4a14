"""isthmus learn: the textbook's autoencoders from the shell; without a verb, a whole study."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.errors import InputError, IsthmusError
from isthmus.files import atomic_output

if TYPE_CHECKING:
    from isthmus.autoencoder.data import Data

KINDS = click.Choice(["linear", "dense", "convolutional", "variational", "denoising"])
OPTIMIZERS = click.Choice(["sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad", "lbfgs"])
SCALINGS = click.Choice(["auto", "unit", "center", "standard", "none"])
Command = Callable[..., Any]


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


# Option, setting of `Autoencoder`, type, help.
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
        return command(data=functools.partial(_load, data, data_dir, download, seed), seed=seed, **rest)

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


def room(command: Command) -> Command:
    """Turn errors into messages."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (IsthmusError, OSError) as error:
            raise click.ClickException(str(error)) from error

    return wrapped


def model_argument(command: Command) -> Command:
    """MODEL: a file that a study wrote, or the study's folder."""
    return click.argument("model", type=click.Path(exists=True, path_type=Path))(command)


def output_option(default: str) -> Callable[[Command], Command]:
    """-o with a default name."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path), default=default, show_default=True, help="Output."
    )


@click.group(invoke_without_command=True)
@data_options
@training_options
@click.option("--step", type=float, help="Quantizer step in levels (default: adds a twentieth to the error).")
@output_option("learned")
@click.pass_context
@room
def learn(
    ctx: click.Context,
    data: Callable[[], Data],
    seed: int,
    settings: dict[str, Any],
    step: float | None,
    output: Path,
) -> None:
    """Learn an autoencoder: train, compress the test pictures, compare with PNG, JPEG, WebP and gzip, plot, report.

    Without a verb it does all of that and fills the folder given with -o. The verbs do one thing each, most of them
    with the model of such a folder.
    """
    if ctx.invoked_subcommand is not None:
        return
    from isthmus.autoencoder import report
    from isthmus.autoencoder.study import REPORT_FILE, study

    result = study(data(), settings, output, step=step)
    click.echo(report.summary(result))
    if result.points:
        click.echo("\n" + report.table(result.points))
    click.echo(f"\nreport: {output / REPORT_FILE}")


@learn.command()
@model_argument
@data_options
@output_option("test.codes")
@room
def compress(model: Path, data: Callable[[], Data], seed: int, output: Path) -> None:
    """Compress the test samples of the data into one file."""
    test = data().test
    size = _compressor(model).compress_to_file(test, output)
    click.echo(f"{output}: {len(test)} samples, {test.nbytes} to {size} bytes, rate {test.nbytes / size:.1f}")


@learn.command()
@model_argument
@click.argument("codes", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", default="expanded.npy", show_default=True, help="Array, or folder/ for PNG files.")
@room
def expand(model: Path, codes: str, output: str) -> None:
    """Expand a file of codes into a .npy array, or into PNG files."""
    samples = _compressor(model).expand_file(codes)
    _write_samples(samples, output)
    click.echo(f"{output}: {len(samples)} samples of {'x'.join(map(str, samples.shape[1:]))}")


@learn.command()
@data_options
@training_options
@click.option("--code-sizes", type=Numbers(), default="4,8,16,32", show_default=True, help="One training each.")
@output_option("curve.png")
@room
def curve(
    data: Callable[[], Data], seed: int, settings: dict[str, Any], code_sizes: tuple[int, ...], output: Path
) -> None:
    """Draw a rate-distortion curve against PNG, JPEG, WebP and gzip, and print its table."""
    from isthmus.autoencoder import plots, report, study

    points = study.curve(data(), settings, code_sizes)
    _write(output, plots.to_png(plots.rate_distortion(points, "together")))
    click.echo(report.table(points))


@learn.command()
@data_options
@training_options
@click.option("--normal", type=Numbers(), help="Classes to take as normal, one after another (default: every class).")
@room
def anomalies(data: Callable[[], Data], seed: int, settings: dict[str, Any], normal: tuple[int, ...] | None) -> None:
    """Fit to one class and find the others: area under the ROC curve, beside PCA and an isolation forest."""
    import numpy as np

    from isthmus.autoencoder import study, uses

    found = data()
    if found.train_labels is None or found.test_labels is None:
        raise InputError("these data have no classes", expected="digits, mnist, fashion-mnist or a folder of folders")
    results = []
    for label in normal or tuple(np.unique(found.train_labels)):
        model = study.untrained(int(np.sum(found.train_labels == label)), settings)
        results.append(
            uses.find_anomalies(found.train, found.train_labels, found.test, found.test_labels, int(label), model)
        )
    click.echo("\n".join(uses.anomaly_table(results)))


@learn.command()
@data_options
@training_options
@click.option("--deviation", type=float, default=50.0, show_default=True, help="Of the noise, in 8-bit levels.")
@room
def denoise(data: Callable[[], Data], seed: int, settings: dict[str, Any], deviation: float) -> None:
    """Train with noise and measure how much of it the network removes, beside a 3x3 median filter."""
    from isthmus.autoencoder import study, uses

    found = data()
    model, _ = study.train(found, {"noise": deviation / 255, **settings})
    result = uses.denoise(model, found.test, deviation, seed=seed)
    click.echo(f"noisy:         {result.noisy_db:.2f} dB")
    click.echo(f"median filter: {result.median_db:.2f} dB")
    click.echo(f"autoencoder:   {result.autoencoder_db:.2f} dB")


@learn.command()
@data_options
@room
def check(data: Callable[[], Data], seed: int) -> None:
    """Check the mathematics: PCA's error, gradients against finite differences, descent at every step."""
    from isthmus.autoencoder import checks

    for line in checks.run_all(data().train, seed=seed):
        click.echo(line)


@learn.command()
@model_argument
@data_options
@click.option("--count", type=click.IntRange(min=1), default=10, show_default=True, help="Pictures.")
@output_option("reconstructions.png")
@room
def reconstructions(model: Path, data: Callable[[], Data], seed: int, count: int, output: Path) -> None:
    """Draw originals over reconstructions over errors."""
    from isthmus.autoencoder import plots

    _write(output, plots.to_png(plots.reconstructions(_compressor(model).model, data().test, count)))


@learn.command()
@model_argument
@output_option("losses.png")
@room
def losses(model: Path, output: Path) -> None:
    """Draw the loss of every epoch."""
    from isthmus.autoencoder import plots

    _write(output, plots.to_png(plots.losses(_compressor(model).model.history_)))


@learn.command()
@model_argument
@click.option("--count", type=click.IntRange(min=1), default=32, show_default=True, help="Code numbers.")
@output_option("features.png")
@room
def features(model: Path, count: int, output: Path) -> None:
    """Draw what each code number adds to a picture."""
    from isthmus.autoencoder import plots

    _write(output, plots.to_png(plots.features(_compressor(model).model, count)))


@learn.command()
@model_argument
@data_options
@output_option("codes.png")
@room
def codes(model: Path, data: Callable[[], Data], seed: int, output: Path) -> None:
    """Draw the codes of the test samples in two dimensions."""
    from isthmus.autoencoder import plots

    found = data()
    _write(output, plots.to_png(plots.code_space(_compressor(model).model, found.test, found.test_labels)))


@learn.command()
@model_argument
@data_options
@click.option("--from", "first", type=click.IntRange(min=0), default=0, show_default=True, help="Test sample.")
@click.option("--to", "last", type=click.IntRange(min=0), help="Test sample (default: the first of another class).")
@click.option("--steps", type=click.IntRange(min=2), default=10, show_default=True, help="Pictures on the way.")
@output_option("walk.png")
@room
def walk(
    model: Path, data: Callable[[], Data], seed: int, first: int, last: int | None, steps: int, output: Path
) -> None:
    """Draw a walk between the codes of two test samples."""
    from isthmus.autoencoder import plots, study

    found = data()
    if max(first, last or 0) >= len(found.test):
        raise InputError("no such test sample", expected=f"0 to {len(found.test) - 1}", got=max(first, last or 0))
    end = study.other_class(found.test_labels) if last is None else last
    picture = plots.walk(_compressor(model).model, found.test[first], found.test[end], steps)
    _write(output, plots.to_png(picture))


@learn.command()
@model_argument
@data_options
@click.option("--count", type=click.IntRange(min=1), default=32, show_default=True, help="Pictures.")
@output_option("samples.png")
@room
def samples(model: Path, data: Callable[[], Data], seed: int, count: int, output: Path) -> None:
    """Invent pictures, draw them, and check that they are no copies of training pictures."""
    from isthmus.autoencoder import plots, uses

    found, trained = data(), _compressor(model).model
    _write(output, plots.to_png(plots.samples(trained, count, seed)))
    result = uses.novelty(trained.sample(count, random_state=seed), found.train, found.test)
    click.echo(
        f"nearest training picture: {result.median_distance:.1f} levels away (median; real test pictures: "
        f"{result.median_test_distance:.1f}); suspiciously near: {result.copies:.0%}"
    )


def _load(name: str, data_dir: str | None, download: bool, seed: int) -> Data:
    from isthmus.autoencoder import data

    if download:
        if name not in data.IDX_SETS or data_dir is None:
            raise InputError("nothing to download", expected=f"--data {' or '.join(data.IDX_SETS)} and --data-dir")
        data.download(name, data_dir)
    return data.load_data(name, data_dir, seed=seed)


def _compressor(path: Path) -> Any:
    from isthmus.autoencoder.compress import Compressor
    from isthmus.autoencoder.study import MODEL_FILE

    return Compressor.load(path / MODEL_FILE if path.is_dir() else path)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path, force=True) as stream:
        stream.write(data)
    click.echo(f"wrote {path}")


def _write_samples(samples: Any, output: str) -> None:
    import numpy as np
    from PIL import Image

    if not output.endswith("/"):
        with atomic_output(Path(output), force=True) as stream:
            np.save(stream, samples)
        return
    if samples.dtype != np.uint8 or samples.ndim < 3:
        raise InputError("only 8-bit pictures can be written as PNG", got=f"{samples.shape} {samples.dtype}")
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(samples):
        with atomic_output(folder / f"{index:05d}.png", force=True) as stream:
            Image.fromarray(picture).save(stream, "PNG")
