"""What the benchmarks share: a command line that says what its file says, and figures written as JSON."""

import argparse
import json
from pathlib import Path
from typing import Any


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command line with -o for the file that figures are written to, if they are to be kept."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-o", "--output", type=Path, help="write the figures here as JSON")
    return made


def write(record: Any, output: Path | None) -> None:
    """The figures to a file, if there is to be one."""
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def show(record: Any, output: Path | None) -> None:
    """The figures on the terminal, and to a file if there is to be one."""
    print(json.dumps(record, indent=1))
    write(record, output)
