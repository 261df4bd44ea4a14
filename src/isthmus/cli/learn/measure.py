"""Verbs of `isthmus learn` that compress and measure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.learn.files import compressor, write_plot, write_samples
from isthmus.cli.learn.options import (
    Numbers,
    data_options,
    model_argument,
    output_option,
    training_options,
)
from isthmus.cli.messages import errors_told
from isthmus.cli.options import force_option
from isthmus.errors import InputError
from isthmus.files import refuse_existing

if TYPE_CHECKING:
    from isthmus.autoencoder.data import Data


@click.command()
@model_argument
@data_options
@output_option("test.codes")
@errors_told()
def compress(model: Path, data: Callable[[], Data], seed: int, output: Path) -> None:
    """Compress the test samples of the data into one file."""
    test = data().test
    size = compressor(model).compress_to_file(test, output)
    click.echo(f"{output}: {len(test)} samples, {test.nbytes} to {size} bytes, rate {test.nbytes / size:.1f}")


@click.command()
@model_argument
@click.argument("codes", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", default="expanded.npy", show_default=True, help="Array, or folder/ for PNG files.")
@force_option
@errors_told()
def expand(model: Path, codes: str, output: str, force: bool) -> None:
    """Expand a file of codes into a .npy array, or into PNG files."""
    refuse_existing(Path(output, "00000.png") if output.endswith("/") else Path(output), force)
    samples = compressor(model).expand_file(codes)
    write_samples(samples, output)
    click.echo(f"{output}: {len(samples)} samples of {'x'.join(map(str, samples.shape[1:]))}")


@click.command()
@data_options
@training_options
@click.option("--code-sizes", type=Numbers(), default="4,8,16,32", show_default=True, help="One training each.")
@output_option("curve.png")
@errors_told()
def curve(
    data: Callable[[], Data], seed: int, settings: dict[str, Any], code_sizes: tuple[int, ...], output: Path
) -> None:
    """Draw a rate-distortion curve against PNG, JPEG, WebP and gzip, and print its table."""
    from isthmus.autoencoder import plots, report, study

    points = study.curve(data(), settings, code_sizes)
    write_plot(output, plots.to_png(plots.rate_distortion(points, "together")))
    click.echo(report.table(points))


@click.command()
@data_options
@training_options
@click.option("--normal", type=Numbers(), help="Classes to take as normal, one after another (default: every class).")
@errors_told()
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


@click.command()
@data_options
@training_options
@click.option("--deviation", type=float, default=50.0, show_default=True, help="Of the noise, in 8-bit levels.")
@errors_told()
def denoise(data: Callable[[], Data], seed: int, settings: dict[str, Any], deviation: float) -> None:
    """Train with noise and measure how much of it the network removes, beside a 3x3 median filter."""
    from isthmus.autoencoder import study, uses

    found = data()
    model, _ = study.train(found, {"noise": deviation / 255, **settings})
    result = uses.denoise(model, found.test, deviation, seed=seed)
    click.echo(f"noisy:         {result.noisy_db:.2f} dB")
    click.echo(f"median filter: {result.median_db:.2f} dB")
    click.echo(f"autoencoder:   {result.autoencoder_db:.2f} dB")


@click.command()
@data_options
@errors_told()
def check(data: Callable[[], Data], seed: int) -> None:
    """Check the mathematics: PCA's error, gradients against finite differences, descent at every step."""
    from isthmus.autoencoder import checks

    for line in checks.run_all(data().train, seed=seed):
        click.echo(line)
