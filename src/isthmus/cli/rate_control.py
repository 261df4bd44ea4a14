"""The options that name a target instead of a quality, and what is reported of it."""

import functools
import re
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.options import Command
from isthmus.cli.reports import Report

if TYPE_CHECKING:
    from isthmus.codec import Codec
    from isthmus.medium.protocol import Content
    from isthmus.rate_control import Reached, Target
    from isthmus.tune import Tune

_FACTORS = {"": 1, "k": 1000, "m": 10**6, "ki": 1024, "mi": 1024**2}
_HELP = {
    "bytes": ("SIZE", "At most so many bytes, as in 50000, 50k or 1.5M; nearly as many as that."),
    "bpp": ("BITS", "At most so many bits per pixel."),
    "kbps": ("KBIT", "At most so many kilobits a second, of a sound."),
    "psnr": ("DB", "At least so many dB of PSNR, and hardly more."),
    "ssimulacra2": ("POINTS", "At least so many points of SSIMULACRA2, and hardly more."),
}


def target_options(command: Command) -> Command:
    """--target-bytes, -bpp, -kbps, -psnr and -ssimulacra2, as one argument `target`."""

    @functools.wraps(command)
    def with_target(**arguments: Any) -> Any:
        given = {kind: value for kind in _HELP if (value := arguments.pop(f"target_{kind}")) is not None}
        if len(given) > 1:
            raise click.UsageError("give only one target: each of them chooses the quality.")
        target = None
        for kind, value in given.items():
            target = _target(kind, value)
        return command(target=target, **arguments)

    wrapped: Command = with_target
    for kind, (metavar, text) in reversed(_HELP.items()):
        callback = _size if kind == "bytes" else None
        kind_type = str if kind == "bytes" else float
        wrapped = click.option(f"--target-{kind}", metavar=metavar, type=kind_type, callback=callback, help=text)(
            wrapped
        )
    return wrapped


def _target(kind: Any, value: float) -> "Target":
    from isthmus.errors import InputError
    from isthmus.rate_control import Target

    try:
        return Target(kind, value)
    except InputError as error:
        raise click.UsageError(str(error)) from None


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([km]i?|)b?", value.strip().lower())
    if not found:
        raise click.BadParameter(f"{value}: expected a number of bytes, as in 50000, 50k, 1.5M or 64Ki.")
    return round(float(found[1]) * _FACTORS[found[2]])


def reach(codec: "Codec", content: "Content", target: "Target", tune: "Tune | None") -> "Reached":
    """The search, imported only when it is asked for."""
    from isthmus.rate_control import encode_to_target

    return encode_to_target(codec, content, target, tune)


def report(target: "Target", reached: "Reached") -> Report:
    """What a search adds to the report of an encode."""
    return {
        "quality": reached.quality,
        "target": {target.kind: target.value},
        "reached": reached.value,
        "encodes": reached.encodes,
        "notes": [reached.note] if reached.note else [],
    }
