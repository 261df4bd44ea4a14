"""isthmus models: which weights are installed, and where each came from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from isthmus.cli.groups import WholeHelpGroup
from isthmus.cli.messages import errors_told, held_out_point
from isthmus.cli.streams import STREAM
from isthmus.errors import InputError
from isthmus.files import refuse_existing
from isthmus.media import check_model
from isthmus.model.installed import Installed, described, install_model, installed_models, remove_model
from isthmus.model.registry import load_model, model_named
from isthmus.plain import json_text
from isthmus.text import counted
from isthmus.train.gain import verdict

_RECORDED = (
    ("from", "from", ""),
    ("data", "data", ""),
    ("pictures", "pictures", ""),
    ("held out", "held_out", ""),
    ("steps", "steps", ""),
    ("trained for", "minutes", " minutes"),
    ("on", "device", ""),
    ("on", "hardware", ""),
)
"""Of a training record: label, key, unit."""


@click.group(cls=WholeHelpGroup, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each model.")
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """List the installed models; a file decodes if the model that it names is among them."""
    if ctx.invoked_subcommand is None:
        with errors_told():
            listed = list(installed_models())
        for found in listed:
            click.echo(json_text(found.as_dict()) if as_json else _text(found))


@models.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def add(file: str) -> None:
    """Install a model file for this user: files that were written with it then decode without --model."""
    with errors_told():
        check_model(load_model(file))
        click.echo(_text(install_model(file)))


@models.command()
@click.argument("model", metavar="NAME|ID")
def remove(model: str) -> None:
    """Remove a model that was added; files that were written with it no longer decode without --model."""
    with errors_told():
        click.echo(f"removed {remove_model(model)}")


@models.command()
@click.argument("model", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(model: str, as_json: bool) -> None:
    """Show how a model was trained, and what it reached on the pictures that were held out from its training.

    MODEL is a name, an id or a model file.
    """
    with errors_told():
        found = described(model)
    click.echo(json_text(found.as_dict()) if as_json else "\n".join([_text(found), *_record(found)]))


def _record(found: Installed) -> Iterator[str]:
    """The record of a training in lines, as far as there is one: whoever made the model wrote it."""
    training = found.training
    for label, key, unit in _RECORDED:
        if key in training:
            value = training[key]
            yield f"  {label:<12} {f'{value:,}' if isinstance(value, (int, float)) else value}{unit}"
    said = verdict(training, found.bytes, is_delta=found.base is not None)
    if said:
        yield f"  {said}"
    stages = [stage for stage in _list(training, "stages") if isinstance(stage, dict)]
    if stages:
        yield f"  that is, in {counted(len(stages), 'stage')} since the first weights:"
    for stage in stages:
        did = f"{stage.get('minutes', '?'):>5} minutes, {stage.get('steps', '?')} steps, {stage.get('optimizer', '?')}"
        yield f"    {did}{': ' * ('note' in stage)}{stage.get('note', '')}"
    points = [point for point in _list(training, "held_out_points") if _is_point(point)]
    if points:
        yield f"  on the pictures held out{', before it was shrunk' if found.base else ''}:"
    yield from (f"    {held_out_point(*point)}" for point in points)


def _list(training: dict[str, Any], key: str) -> list[Any]:
    return training[key] if isinstance(training.get(key), list) else []


def _is_point(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(isinstance(part, (int, float)) for part in value)


@models.command()
@click.argument("file", metavar="TUNED")
@click.option("-o", "--output", metavar="FILE", required=True, help="The model file to write; its name is the model's.")
@click.option(
    "--from",
    "origin",
    metavar="MODEL",
    help="The package's model that TUNED was tuned from (default: as its training recorded).",
)
@click.option(
    "--coarseness",
    metavar="X",
    type=float,
    default=1.0,
    show_default=True,
    help="Of what is stored: the coarser, the smaller the file and the farther from TUNED.",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite what -o names.")
def shrink(file: str, output: str, origin: str | None, coarseness: float, force: bool) -> None:
    """Write a TUNED model as a delta, what tuning changed in `best` or `fast`: about a fifth of the bytes or less.

    The result is a model of its own with another id: encode with it, and hand it out. The linear transforms are half
    of a delta; training with --set linear_rate_scale=0 leaves them as they are.
    """
    with errors_told():
        from isthmus.train.delta import recorded_origin, write_delta

        target = Path(output)
        if output == STREAM or target.is_dir() or target.resolve() == Path(file).resolve():
            raise InputError("the output", expected="the name of another file", got=output)
        refuse_existing(target, force)
        tuned = model_named(file)
        base = model_named(origin or recorded_origin(tuned))
        target.parent.mkdir(parents=True, exist_ok=True)
        small = write_delta(tuned, base, target, coarseness)
        size, whole = target.stat().st_size, sum(array.nbytes for array in tuned.arrays.values())
        click.echo(f"{output}: model {small.id.hex()}, {size} bytes, {100 * size / whole:.1f} % of {tuned.name}'s")
        said = verdict(small.training, size, is_delta=True)
        if said:
            click.echo(said)


def _text(found: Installed) -> str:
    line = f"{found.id.hex()}  {found.name:<12} {found.bytes:>9} bytes  {found.origin}"
    if found.base:
        line += f", a delta from {found.base}"
    return f"{line}; cannot be used: {found.error}" if found.error else line
