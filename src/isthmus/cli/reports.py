"""Work done for every input, and a report of each as text or JSON; one failure does not end the rest."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from isthmus.cli.messages import complain, say
from isthmus.cli.streams import STREAM
from isthmus.errors import InputError, IsthmusError
from isthmus.plain import json_text
from isthmus.text import reason

Report = dict[str, Any]
"""What is said of one input, as JSON's types."""
Said = tuple[Report, str]
"""What is said of one input, for programs and for people."""
Outcome = tuple[str, Said | IsthmusError | OSError]
"""An input's name, and what is said of it or what is wrong with it."""
Work = Callable[[str], Said]


def run_each(names: Iterable[str], work: Work, as_json: bool, to_stderr: bool) -> None:
    """Do the work for every input and print its report; errors are printed too, and end in exit status 1."""

    def outcomes() -> Iterator[Outcome]:
        for name in names:
            try:
                yield name, work(name)
            except (IsthmusError, OSError) as error:
                yield name, error

    print_each(outcomes(), as_json, to_stderr)


def print_each(outcomes: Iterable[Outcome], as_json: bool, to_stderr: bool) -> None:
    """Print reports and errors as they come; an error ends in exit status 1, when all have come."""
    failed = False
    for name, found in outcomes:
        if isinstance(found, Exception):
            failed = True
            _print_error(name, found, as_json, to_stderr)
        else:
            report, text = found
            say(json_text(report) if as_json else text, err=to_stderr)
    if failed:
        sys.exit(1)


def run_each_file(inputs: Iterable[str], work: Work, as_json: bool, total: str = "") -> None:
    """`run_each` over inputs and, instead of a folder, the .isth files below it; a folder that cannot be searched, or
    holds none, is an error like any other. Of several files the last line says how many are `total`."""
    from isthmus.codec import is_encoded

    names: list[str] = []
    wrong: dict[str, IsthmusError | OSError] = {}

    def note(error: OSError) -> None:
        names.append(str(error.filename))
        wrong[names[-1]] = error

    for name in inputs:
        if name == STREAM or not os.path.isdir(name):
            names.append(name)
            continue
        before = len(names)
        for folder, below, files in os.walk(name, onerror=note):
            below.sort()
            names += [os.path.join(folder, file) for file in sorted(files) if is_encoded(file)]
        if len(names) == before:
            names.append(name)
            wrong[name] = InputError("no .isth files in this folder or below")

    done = 0

    def work_or_raise(name: str) -> tuple[Report, str]:
        nonlocal done
        if name in wrong:
            raise wrong[name]
        told = work(name)
        done += 1
        return told

    try:
        run_each(names, work_or_raise, as_json, False)
    finally:
        if total and len(names) > 1 and not as_json:
            click.echo(f"{done:,} of {len(names):,} {total}")


def _print_error(name: str, error: IsthmusError | OSError, as_json: bool, to_stderr: bool) -> None:
    message = reason(error)
    if not as_json:
        complain(f"{name}: {message}")
        return
    record: Report = {"type": type(error).__name__, "message": message}
    if isinstance(error, IsthmusError):
        record |= {"expected": _plain(error.expected), "got": _plain(error.got)}
    click.echo(json_text({"input": name, "error": record}), err=to_stderr)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float)) else str(value)
