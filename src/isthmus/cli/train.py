"""isthmus train: a folder of pictures in, a model file out."""

import sys
from collections.abc import Callable
from typing import Any

import click

from isthmus.cli.messages import errors_told, held_out_point
from isthmus.cli.options import usage_errors
from isthmus.extras import require
from isthmus.train.options import OPTIONS, request

Command = Callable[..., Any]


def _options(command: Command) -> Command:
    """The options of the training room, as click's."""
    for option in reversed(OPTIONS):
        if option.kind is bool:
            made = click.option(*option.names, option.key, is_flag=True, help=option.help)
        elif option.kind is list:
            made = click.option(*option.names, option.key, multiple=True, metavar=option.metavar, help=option.help)
        else:
            made = click.option(
                *option.names,
                option.key,
                type=option.kind,
                metavar=option.metavar,
                help=option.help,
                required=option.required,
            )
        command = made(command)
    return command


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@_options
def train(folder: str, **values: Any) -> None:
    """Train a codec on all pictures below FOLDER, and write it as a model file.

    Ctrl-C loses nothing: the same command with --resume continues. Several GPUs: accelerate launch -m isthmus.train
    with the same arguments.

    \b
    isthmus train photos -o mine.isthmodel --from best --minutes 15
    isthmus models shrink mine.isthmodel -o own.isthmodel    store what the tuning changed: a fraction of the bytes
    isthmus encode --model own.isthmodel photo.jpg
    isthmus models add own.isthmodel                         to decode without --model
    isthmus train photos -o new.isthmodel --minutes 6000     from nothing: that takes days

    Keep the model as long as the files that it wrote: nothing else decodes them.
    """
    with usage_errors():
        asked = request(folder, values)
    with errors_told():
        require("train", ("torch",), "training needs")
        from isthmus.train.run import train as run

        result = run(asked, lambda text: click.echo(text, err=True))
    if not result.finished:
        sys.exit(130)

    from isthmus.model.registry import load_model
    from isthmus.train.delta import can_write_delta
    from isthmus.train.gain import gained, verdict

    for point in result.last:
        click.echo(held_out_point(point.quality, point.bpp, point.psnr_db, point.tune))
    model = load_model(asked.output)
    size = asked.output.stat().st_size
    click.echo(f"{asked.output}: model {model.id.hex()}, {size} bytes")
    said = verdict(model.training, size)
    if said:
        click.echo(said)
    if gained(model.training) is False:
        click.echo("this training gained nothing: go on encoding with the model that it started from, or try")
        click.echo("more pictures of the one kind, or more --minutes (the same command with --resume goes on)")
    elif can_write_delta(model):
        click.echo("to store it in about a fifth of the bytes or less, as a model with another id, before encoding:")
        click.echo(f"isthmus models shrink {asked.output} -o {asked.output.with_stem(asked.output.stem + '-small')}")
