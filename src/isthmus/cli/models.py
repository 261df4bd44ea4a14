"""isthmus models: which weights are installed, and where each came from."""

import json

import click

from isthmus.errors import IsthmusError
from isthmus.model import Installed, install_model, installed_models, remove_model


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


def _text(found: Installed) -> str:
    return f"{found.id.hex()}  {found.name:<12} {found.bytes:>9} bytes  {found.origin}"
