"""python -m isthmus.train: `isthmus train` with nothing but PyTorch, numpy and Pillow; also for `accelerate launch`."""

from __future__ import annotations

import argparse
import os
import sys

from isthmus.errors import IsthmusError
from isthmus.text import told
from isthmus.train.options import OPTIONS, request


def parser() -> argparse.ArgumentParser:
    """The command line, made from `OPTIONS`."""
    made = argparse.ArgumentParser("python -m isthmus.train", description="Train a codec on a tree of pictures.")
    made.add_argument("folder", metavar="FOLDER", help="pictures of any format that Pillow opens")
    for option in OPTIONS:
        if option.kind is bool:
            made.add_argument(*option.names, action="store_true", dest=option.key, help=option.help)
        elif option.kind is list:
            made.add_argument(*option.names, action="append", dest=option.key, metavar=option.metavar, help=option.help)
        else:
            made.add_argument(
                *option.names,
                type=option.kind,
                dest=option.key,
                metavar=option.metavar,
                help=option.help,
                required=option.required,
            )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 the model is written, 1 something failed, 2 the command line is wrong, 130 interrupted and
    resumable."""
    command_line = parser()
    values = vars(command_line.parse_args(arguments))
    try:
        asked = request(values.pop("folder"), values)
    except IsthmusError as error:
        command_line.error(str(error))
    try:
        from isthmus.train.run import train

        finished = train(asked, lambda text: print(text, flush=True)).finished
    except (IsthmusError, OSError) as error:
        print(f"isthmus: {told(error)}", file=sys.stderr)
        return 1
    return 0 if finished else 130


if __name__ == "__main__":
    status = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # All is written. Threads of PyTorch's process group can abort a Python that is shutting down; the launcher
        # would take that for a failure and end the process that still writes the model.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
