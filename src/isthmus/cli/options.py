"""Options that several commands share, and the codec that they ask for."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import click

from isthmus.errors import IsthmusError
from isthmus.text import reason

if TYPE_CHECKING:
    from isthmus.codec import Codec
    from isthmus.effort import Effort
    from isthmus.image.limits import Limits
    from isthmus.tune import Tune

Command = Callable[..., Any]
T = TypeVar("T")


def local_name(name: str) -> str:
    """The name of a file where one is given as a file:// address, else what is given.

    Raises:
        click.BadParameter: the address is of another machine.
    """
    if not name.lower().startswith("file://"):
        return name
    path = name[len("file://") :].removeprefix("localhost")
    if not path.startswith("/"):
        raise click.BadParameter(f"{name}: expected file:///folder/name, with three slashes, on this machine.")
    # As browsers write them, with %20 for a space; as others do, as they are.
    return path if os.path.exists(path) else unquote(path)


def _local_inputs(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(local_name, value))


def _local_output(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else local_name(value)


inputs_argument = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", callback=_local_inputs)
output_option = click.option(
    "-o",
    "--output",
    metavar="PATH",
    callback=_local_output,
    help="Output file; a folder where there are several inputs; - for standard output.",
)
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
max_side_option = click.option(
    "--max-side",
    metavar="N",
    type=click.IntRange(min=1),
    help="Reduce larger pictures to at most N pixels in width and height.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each input.")


@contextmanager
def usage_errors() -> Iterator[None]:
    """Names and values that mean nothing are faults of the command line."""
    try:
        yield
    except IsthmusError as error:
        raise click.UsageError(str(error)) from error


def as_one(kind: type[T]) -> Callable[[Callable[[T], None]], Command]:
    """Give a command its arguments as one dataclass, whose fields have the names of click's parameters."""

    def decorate(command: Callable[[T], None]) -> Command:
        @functools.wraps(command)
        def with_options(**arguments: Any) -> None:
            command(kind(**arguments))

        return with_options

    return decorate


def quality_or_default(quality: float | None) -> float:
    """The quality to encode at, 0 to 100, where -q may not have been given."""
    from isthmus.codec import DEFAULT_QUALITY

    return DEFAULT_QUALITY if quality is None else quality


def _tune(ctx: click.Context, parameter: click.Parameter, value: str | None) -> "Tune | None":
    """A name, or a number."""
    from isthmus.tune import Tune

    try:
        return None if value is None else Tune.parse(value)
    except IsthmusError as error:
        raise click.BadParameter(str(error)) from None


def _names_of_tunes(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Of what the shell completes."""
    from isthmus.tune import NAMES

    return [name for name in NAMES if name.startswith(begun)]


tune_option = click.option(
    "--tune",
    metavar="TUNE",
    callback=_tune,
    shell_complete=_names_of_tunes,
    help="psnr: the least squared error; eye (the default): what eyes see; or 0 to 1. Of models that have this dial.",
)


def refuse_tune(codec: "Codec", tune: "Tune | None") -> None:
    """Refuses a tune that is asked of weights without that dial, before anything is begun."""
    if tune is not None:
        from isthmus.media import MEDIA

        with usage_errors():
            codec.tune_for(MEDIA[codec.model.medium](), tune)


def _known_model(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuses what is neither a file nor a model's name before anything is begun."""
    if value is not None:
        from isthmus.media import check_model
        from isthmus.model.registry import model_named

        try:
            check_model(model_named(value))
        except IsthmusError as error:
            raise click.BadParameter(str(error)) from error
        except OSError as error:
            raise click.BadParameter(f"{value}: {reason(error)}") from error
    return value


model_option = click.option(
    "--model",
    metavar="MODEL",
    callback=_known_model,
    help="Weights: best (the default), fast, the name of another installed model, or a model file.",
)
threads_option = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=1),
    help="Threads, a tile each (default: all cores, up to 2).",
)
pixels_option = click.option(
    "--max-pixels",
    metavar="N",
    type=click.IntRange(min=1),
    help="Refuse larger pictures (default: 16384 x 16384).",
)


def codec_options(command: Command) -> Command:
    """--model, --threads and --max-pixels."""
    for option in (pixels_option, threads_option, model_option):
        command = option(command)
    return command


@dataclass(frozen=True)
class CodecOptions:
    """What `codec_options` adds to a command.

    Attributes:
        model: a model file or the name of an installed model; None for the default.
        threads: how many tiles are worked on side by side; None for one a core, at most two.
        max_pixels: larger pictures are refused; None for the usual limit.
    """

    model: str | None = None
    threads: int | None = None
    max_pixels: int | None = None

    def limits(self) -> "Limits":
        """The usual limits with the pixel limit of the command line."""
        from isthmus.image.limits import Limits

        return Limits() if self.max_pixels is None else Limits(max_pixels=self.max_pixels)

    def codec(self, effort: "Effort" = 1) -> "Codec":
        """The codec that is asked for."""
        from isthmus.codec import Codec

        return Codec(model=self.model, threads=self.threads, limits=self.limits(), effort=effort)
