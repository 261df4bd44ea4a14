"""isthmus models: which weights are installed, and where each came from."""

import json
import re
from pathlib import Path

import click

from isthmus.errors import InputError, IsthmusError
from isthmus.files import refuse_existing
from isthmus.model import Installed, Model, install_model, installed_models, load_model, model_named, remove_model


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each model.")
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """List the installed models; a file decodes if the model that it names is among them."""
    if ctx.invoked_subcommand is None:
        try:
            for found in installed_models():
                click.echo(json.dumps(found.as_dict()) if as_json else _text(found))
        except (IsthmusError, OSError) as error:
            raise click.ClickException(str(error)) from error


@models.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def add(file: str) -> None:
    """Install a model file for this user: files that were written with it then decode without --model."""
    try:
        click.echo(_text(install_model(file)))
    except (IsthmusError, OSError) as error:
        raise click.ClickException(str(error)) from error


@models.command()
@click.argument("identity", metavar="ID")
def remove(identity: str) -> None:
    """Remove a model that was added; files that were written with it no longer decode without --model."""
    try:
        click.echo(f"removed {remove_model(identity)}")
    except (IsthmusError, OSError) as error:
        raise click.ClickException(str(error)) from error


@models.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", metavar="FILE", required=True, help="The model file to write.")
@click.option("--from", "origin", metavar="MODEL", help="What it was tuned from (default: as its training recorded).")
@click.option(
    "--coarseness",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the stored changes; the coarser, the smaller the file and the farther from FILE's results.",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite FILE.")
def shrink(file: str, output: str, origin: str | None, coarseness: float, force: bool) -> None:
    """Write a tuned model as its difference from the model it was tuned from, in about an eighth of the bytes.

    The result is a model of its own with another id: encode with it, and hand it out. It needs the model that it was
    tuned from, which the package brings if that was `best` or `fast`.
    """
    try:
        from isthmus.train.shrink import shrink_model

        refuse_existing(Path(output), force)
        tuned = load_model(file)
        shrink_model(tuned, model_named(origin or _recorded_origin(tuned)), Path(output), coarseness)
        before, after = Path(file).stat().st_size, Path(output).stat().st_size
        click.echo(f"{output}: {after} bytes, {100 * after / before:.1f} % of {before}")
    except (IsthmusError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _text(found: Installed) -> str:
    return f"{found.id.hex()}  {found.name:<12} {found.bytes:>9} bytes  {found.origin}"


def _recorded_origin(model: Model) -> str:
    """The id of what a model was tuned from, as the last word of its training record's `from` says."""
    said = re.search(r"\b[0-9a-f]{16}$", str(model.metadata.get("training", {}).get("from", "")))
    if said is None:
        raise InputError(f"{model.name} does not say what it was tuned from", hint="Name that model with --from.")
    return said[0]
