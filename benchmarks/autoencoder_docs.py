"""Runs the commands of docs/autoencoders.md and puts their real output and plots back into it.

    python benchmarks/autoencoder_docs.py

The tests run the same blocks with the same functions and compare what comes out with what the page shows.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from isthmus.cli import main

PAGE = Path(__file__).parent.parent / "docs" / "autoencoders.md"
IMAGES = PAGE.parent / "autoencoders"
BLOCK = re.compile(r"^```(console|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[[^\]]*\]\(autoencoders/([^)]+)\)")


@dataclass(frozen=True)
class Step:
    """One command or Python example of the page, as it is typed, and the output that the page shows."""

    language: str
    source: str
    shown: str


def steps(block: re.Match[str]) -> list[Step]:
    """The steps of one fenced block."""
    language, body = block.groups()
    if language == "console":
        parts = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
        return [Step(language, command, output) for command, _, output in (part.partition("\n") for part in parts)]
    return [Step(language, example.source, example.want) for example in doctest.DocTestParser().get_examples(body)]


def run(step: Step, names: dict[str, Any]) -> str:
    """What the step prints; raises if it fails. Works in the current folder; ``names`` are Python's variables."""
    if step.language == "console":
        words = shlex.split(step.source)
        if words[0] != "isthmus":
            raise ValueError(f"the page may only run isthmus, not {words[0]}")
        result = CliRunner().invoke(main, words[1:], catch_exceptions=False)
        if result.exit_code:
            raise RuntimeError(f"{step.source}: {result.output}")
        return result.stdout
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(step.source, "page", "single"), names)
    return out.getvalue()


def typed(step: Step) -> str:
    """The step as the page shows it, without output."""
    if step.language == "console":
        return f"$ {step.source}\n"
    lines = step.source.rstrip("\n").split("\n")
    return "".join(f"{'>>>' if index == 0 else '...'} {line}".rstrip() + "\n" for index, line in enumerate(lines))


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A fresh current folder for a while."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


def rewrite() -> None:
    """Run the whole page, replace every output, and copy the plots that it shows."""
    text, names = PAGE.read_text(), {"__name__": "page"}

    def fresh(block: re.Match[str]) -> str:
        body = "".join(typed(step) + run(step, names) for step in steps(block))
        return f"```{block.group(1)}\n{body}```"

    with folder() as place:
        text = BLOCK.sub(fresh, text)
        IMAGES.mkdir(exist_ok=True)
        for name in IMAGE.findall(text):
            shutil.copy(place / name, IMAGES / name)
    PAGE.write_text(text)


if __name__ == "__main__":
    rewrite()
