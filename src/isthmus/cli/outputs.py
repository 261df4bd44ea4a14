"""Where the output of each input goes, decided and checked before anything is read."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from isthmus.cli.streams import STREAM


def outputs_for(inputs: tuple[str, ...], output: str | None, suffix: Callable[[str], str]) -> dict[str, str]:
    """The output of each input, or a usage error where two share one or an input would be overwritten.

    Args:
        inputs: file names; `STREAM` alone is standard input.
        output: what -o names: a file, a folder, or `STREAM` for standard output; None for names beside the inputs.
        suffix: of the output of an input, where it is not named, as in ".isth".
    """
    many = len(inputs) > 1
    if many and STREAM in (*inputs, output):
        raise click.UsageError("- is standard input or output and takes a single file: give one input.")
    if output and "://" in output:
        raise click.UsageError(
            f"{output} is an address: only the output of a folder can go there, and the input is a file."
        )
    if many and output and os.path.exists(output) and not os.path.isdir(output):
        raise click.UsageError(f"several inputs need a folder for -o, and {output} is a file.")
    if many and output and names_a_file(output):
        raise click.UsageError(
            f"several inputs need a folder for -o, and {output} looks like a file: {output}/ makes it a folder."
        )
    folder = output is not None and output != STREAM and (many or os.path.isdir(output) or output.endswith("/"))
    found = [_output(name, output, suffix(name), folder) for name in inputs]
    seen: dict[str, str] = {}
    for name, target in zip(inputs, found, strict=True):
        if target != STREAM and target in seen:
            raise click.UsageError(f"{seen[target]} and {name} would both be written to {target}.")
        if target != STREAM and name != STREAM and Path(target).resolve() == Path(name).resolve():
            wrong = f" (is {name} an .isth file?)" if suffix(name) != ".isth" and Path(name).suffix != ".isth" else ""
            raise click.UsageError(f"{name} would overwrite itself; choose another -o{wrong}.")
        seen[target] = name
    if STREAM in found and sys.stdout.isatty():
        raise click.UsageError("standard output is a terminal: redirect it, or give -o FILE.")
    return dict(zip(inputs, found, strict=True))


def refuse_other_formats(outputs: Iterable[str]) -> None:
    """A usage error where an encoded file would get the suffix of another format: nothing would open it."""
    for output in outputs:
        suffix = Path(output).suffix.lower()
        if suffix != ".isth" and _is_known(suffix):
            raise click.UsageError(f"{output}: encoded files are .isth files; {suffix} is another format.")


def names_a_file(output: str) -> bool:
    """Whether it can only be meant as a file's name, not a folder's."""
    return not output.endswith("/") and not os.path.isdir(output) and _is_known(Path(output).suffix.lower())


def _is_known(suffix: str) -> bool:
    """Whether files that are encoded, or to be, have this suffix."""
    from isthmus.media import all_media

    return suffix == ".isth" or any(suffix in medium.suffixes() for medium in all_media())


def _output(name: str, output: str | None, suffix: str, folder: bool) -> str:
    if folder:
        stem = "stdin" if name == STREAM else Path(name).stem
        return str(Path(output or "") / (stem + suffix))
    if output is not None:
        # What has no suffix gets one, but for pipes and devices, which are there already.
        bare = (
            output != STREAM and not Path(output).suffix and not (os.path.exists(output) and not os.path.isfile(output))
        )
        return output + suffix if bare else output
    return STREAM if name == STREAM else str(Path(name).with_suffix(suffix))
