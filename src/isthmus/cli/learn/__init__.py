"""isthmus learn: the textbook's autoencoders from the shell; without a verb, a whole study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.groups import WholeHelpGroup
from isthmus.cli.learn import draw, measure
from isthmus.cli.learn.options import data_options, output_option, training_options
from isthmus.cli.messages import errors_told

if TYPE_CHECKING:
    from isthmus.autoencoder.data import Data


@click.group(cls=WholeHelpGroup, invoke_without_command=True)
@data_options
@training_options
@click.option("--step", type=float, help="Quantizer step in levels (default: adds a twentieth to the error).")
@output_option("learned")
@click.pass_context
@errors_told()
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


for _verb in (
    measure.compress,
    measure.expand,
    measure.curve,
    measure.anomalies,
    measure.denoise,
    measure.check,
    draw.reconstructions,
    draw.losses,
    draw.features,
    draw.codes,
    draw.walk,
    draw.samples,
):
    learn.add_command(_verb)
