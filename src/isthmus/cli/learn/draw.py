"""Verbs of `isthmus learn` that draw what a trained model does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isthmus.cli.learn.files import compressor, write_plot
from isthmus.cli.learn.options import (
    data_options,
    model_argument,
    output_option,
)
from isthmus.cli.messages import errors_told
from isthmus.errors import InputError

if TYPE_CHECKING:
    from isthmus.autoencoder.data import Data


@click.command()
@model_argument
@data_options
@click.option("--count", type=click.IntRange(min=1), default=10, show_default=True, help="Pictures.")
@output_option("reconstructions.png")
@errors_told()
def reconstructions(model: Path, data: Callable[[], Data], seed: int, count: int, output: Path) -> None:
    """Draw originals over reconstructions over errors."""
    from isthmus.autoencoder import plots

    write_plot(output, plots.to_png(plots.reconstructions(compressor(model).model, data().test, count)))


@click.command()
@model_argument
@output_option("losses.png")
@errors_told()
def losses(model: Path, output: Path) -> None:
    """Draw the loss of every epoch."""
    from isthmus.autoencoder import plots

    write_plot(output, plots.to_png(plots.losses(compressor(model).model.history_)))


@click.command()
@model_argument
@click.option("--count", type=click.IntRange(min=1), default=32, show_default=True, help="Code numbers.")
@output_option("features.png")
@errors_told()
def features(model: Path, count: int, output: Path) -> None:
    """Draw what each code number adds to a picture."""
    from isthmus.autoencoder import plots

    write_plot(output, plots.to_png(plots.features(compressor(model).model, count)))


@click.command()
@model_argument
@data_options
@output_option("codes.png")
@errors_told()
def codes(model: Path, data: Callable[[], Data], seed: int, output: Path) -> None:
    """Draw the codes of the test samples in two dimensions."""
    from isthmus.autoencoder import plots

    found = data()
    write_plot(output, plots.to_png(plots.code_space(compressor(model).model, found.test, found.test_labels)))


@click.command()
@model_argument
@data_options
@click.option("--from", "first", type=click.IntRange(min=0), default=0, show_default=True, help="Test sample.")
@click.option("--to", "last", type=click.IntRange(min=0), help="Test sample (default: the first of another class).")
@click.option("--steps", type=click.IntRange(min=2), default=10, show_default=True, help="Pictures on the way.")
@output_option("walk.png")
@errors_told()
def walk(
    model: Path, data: Callable[[], Data], seed: int, first: int, last: int | None, steps: int, output: Path
) -> None:
    """Draw a walk between the codes of two test samples."""
    from isthmus.autoencoder import plots, study

    found = data()
    if max(first, last or 0) >= len(found.test):
        raise InputError("no such test sample", expected=f"0 to {len(found.test) - 1}", got=max(first, last or 0))
    end = study.other_class(found.test_labels) if last is None else last
    picture = plots.walk(compressor(model).model, found.test[first], found.test[end], steps)
    write_plot(output, plots.to_png(picture))


@click.command()
@model_argument
@data_options
@click.option("--count", type=click.IntRange(min=1), default=32, show_default=True, help="Pictures.")
@output_option("samples.png")
@errors_told()
def samples(model: Path, data: Callable[[], Data], seed: int, count: int, output: Path) -> None:
    """Invent pictures, draw them, and check that they are no copies of training pictures."""
    from isthmus.autoencoder import plots, uses

    found, trained = data(), compressor(model).model
    write_plot(output, plots.to_png(plots.samples(trained, count, seed)))
    result = uses.novelty(trained.sample(count, random_state=seed), found.train, found.test)
    click.echo(
        f"nearest training picture: {result.median_distance:.1f} levels away (median; real test pictures: "
        f"{result.median_test_distance:.1f}); suspiciously near: {result.copies:.0%}"
    )
