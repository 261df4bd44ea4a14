"""What the commands share: options, streams, reports as text or JSON, one failure not ending the rest."""

import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from isthmus.errors import InputError, IsthmusError, LimitExceededError
from isthmus.files import atomic_output
from isthmus.text import printable, reason

if TYPE_CHECKING:
    from isthmus.bitstream.limits import Limits
    from isthmus.codec import Codec, Progress

STREAM = "-"
Report = dict[str, Any]
Command = Callable[..., Any]

inputs_argument = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
output_option = click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Output file; a folder where there are several inputs; - for standard output.",
)
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each input.")


def _known_model(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuses what is neither a file nor a model's name before anything is begun."""
    if value is not None:
        from isthmus.model.registry import model_named

        try:
            model_named(value)
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
    "--threads", metavar="N", type=click.IntRange(min=1), help="Threads (default: all cores)."
)
pixels_option = click.option(
    "--max-pixels",
    metavar="N",
    type=click.IntRange(min=1),
    help="Refuse larger pictures (default: 16384 x 16384).",
)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Names and values that mean nothing are faults of the command line."""
    try:
        yield
    except IsthmusError as error:
        raise click.UsageError(str(error)) from error


def codec_options(command: Command) -> Command:
    """--model, --threads and --max-pixels."""
    for option in (pixels_option, threads_option, model_option):
        command = option(command)
    return command


def limits_for(max_pixels: int | None) -> "Limits":
    """The limits with the pixel limit of the command line."""
    from isthmus.bitstream.limits import Limits

    return Limits() if max_pixels is None else Limits(max_pixels=max_pixels)


def codec_for(model: str | None, threads: int | None, max_pixels: int | None, effort: int = 1) -> "Codec":
    """The codec of the command line's options."""
    from isthmus.codec import Codec

    return Codec(model=model, threads=threads, limits=limits_for(max_pixels), effort=effort)


def targets(inputs: tuple[str, ...], output: str | None, suffix: str) -> list[str]:
    """The output of each input, or a usage error where two share one or an input would be overwritten."""
    many = len(inputs) > 1
    if many and STREAM in (*inputs, output):
        raise click.UsageError("- stands alone: give one input.")
    if output and "://" in output:
        raise click.UsageError(f"{output}: addresses are for folders, and the input is none.")
    if many and output and os.path.exists(output) and not os.path.isdir(output):
        raise click.UsageError(f"several inputs need a folder for -o, and {output} is a file.")
    if many and output and _names_a_file(output):
        raise click.UsageError(
            f"several inputs need a folder for -o, and {output} looks like a file: {output}/ makes it a folder."
        )
    folder = output is not None and output != STREAM and (many or os.path.isdir(output) or output.endswith("/"))
    found = [_target(name, output, suffix, folder) for name in inputs]
    seen: dict[str, str] = {}
    for name, target in zip(inputs, found, strict=True):
        if target != STREAM and target in seen:
            raise click.UsageError(f"{seen[target]} and {name} would both be written to {target}.")
        if target != STREAM and name != STREAM and Path(target).resolve() == Path(name).resolve():
            wrong = f" (is {name} an .isth file?)" if suffix != ".isth" and Path(name).suffix != ".isth" else ""
            raise click.UsageError(f"{name} would overwrite itself; choose another -o{wrong}.")
        seen[target] = name
    if STREAM in found and sys.stdout.isatty():
        raise click.UsageError("standard output is a terminal: redirect it, or give -o FILE.")
    return found


def refuse_picture_names(outputs: Iterable[str]) -> None:
    """A usage error where an encoded file would get a picture's suffix: nothing would open it."""
    for output in outputs:
        suffix = Path(output).suffix.lower()
        if suffix != ".isth" and _is_known(suffix):
            raise click.UsageError(f"{output}: encoded pictures are .isth files; {suffix} is another format.")


def _names_a_file(output: str) -> bool:
    """Whether it can only be meant as a picture's name, not a folder's."""
    return not output.endswith("/") and not os.path.isdir(output) and _is_known(Path(output).suffix.lower())


def _is_known(suffix: str) -> bool:
    """Whether files of pictures, encoded or not, have this suffix."""
    from PIL import Image

    return suffix == ".isth" or suffix in Image.registered_extensions()


def _target(name: str, output: str | None, suffix: str, folder: bool) -> str:
    if folder:
        stem = "stdin" if name == STREAM else Path(name).stem
        return str(Path(output or "") / (stem + suffix))
    if output is not None:
        return output
    return STREAM if name == STREAM else str(Path(name).with_suffix(suffix))


def read_input(name: str, max_bytes: int) -> BinaryIO:
    """The bytes of an input as a seekable stream, never more than ``max_bytes``.

    Raises:
        LimitExceededError, OSError
    """
    from isthmus.files import read_capped

    if name == STREAM:
        return BytesIO(read_capped(sys.stdin.buffer, max_bytes, "standard input"))
    with ExitStack() as on_exit:
        stream = on_exit.enter_context(Path(name).open("rb"))
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            # Pipes and devices have no size to ask for, and cannot be sought.
            return BytesIO(read_capped(stream, max_bytes, name))
        if status.st_size > max_bytes:
            raise LimitExceededError(f"{name} is too large", expected=f"at most {max_bytes} bytes", got=status.st_size)
        on_exit.pop_all()
    return stream


def write_output(target: str, force: bool, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill the output: standard output, or a file that appears whole or not at all."""
    if target == STREAM:
        # Collected first, so that a failure half-way writes nothing here either.
        buffer = BytesIO()
        write(buffer)
        sys.stdout.buffer.write(buffer.getbuffer())
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path, force) as stream:
        write(stream)


def run_each(
    names: Iterable[str], work: Callable[[str], Report], text: Callable[[Report], str], as_json: bool, to_stderr: bool
) -> None:
    """Do the work for every input and print its report; errors are printed too, and end in exit status 1."""
    failed = False
    for name in names:
        try:
            report = work(name)
        except (IsthmusError, OSError) as error:
            failed = True
            _print_error(name, error, as_json, to_stderr)
        else:
            say(json.dumps(report) if as_json else text(report), err=to_stderr)
    if failed:
        sys.exit(1)


def run_each_file(
    inputs: Iterable[str], work: Callable[[str], Report], text: Callable[[Report], str], as_json: bool, total: str = ""
) -> None:
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

    def work_or_raise(name: str) -> Report:
        nonlocal done
        if name in wrong:
            raise wrong[name]
        report = work(name)
        done += 1
        return report

    try:
        run_each(names, work_or_raise, text, as_json, False)
    finally:
        if total and len(names) > 1 and not as_json:
            click.echo(f"{done} of {len(names)} {total}")


def say(text: str, err: bool = False) -> None:
    """A line, printable: a file's name must not end the command."""
    click.echo(printable(text), err=err)


def complain(message: str) -> None:
    """One line on standard error; click takes the colour out where that is no terminal."""
    mark = "isthmus:" if os.environ.get("NO_COLOR") else click.style("isthmus:", fg="red", bold=True)
    say(f"{mark} {message}", err=True)


def _print_error(name: str, error: IsthmusError | OSError, as_json: bool, to_stderr: bool) -> None:
    message = reason(error)
    if not as_json:
        complain(f"{name}: {message}")
        return
    record: Report = {"type": type(error).__name__, "message": message}
    if isinstance(error, IsthmusError):
        record |= {"expected": _plain(error.expected), "got": _plain(error.got)}
    click.echo(json.dumps({"input": name, "error": record}), err=to_stderr)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float)) else str(value)


def say_what_decodes(model: str | None) -> None:
    """A line on standard error if what a model writes will not decode here without it."""
    if model is None:
        return
    from isthmus.model.registry import is_installed, model_named

    identity = model_named(model).id
    if not is_installed(identity):
        click.echo(
            f"note: decodes only with model {identity.hex()}, not installed: isthmus models add {model}", err=True
        )


def held_out_point(quality: float, bpp: float, psnr_db: float) -> str:
    """What a model reached on the pictures that were held out from its training, at one quality."""
    return f"quality {quality:3g}: {bpp:.3f} bits per pixel, {psnr_db:.2f} dB"


def progress_on_terminal(name: str) -> "Progress | None":
    """A line that counts the tiles of a large picture, where there is somebody to see it."""
    if not sys.stderr.isatty():
        return None

    def progress(done: int, total: int) -> None:
        if total > 1:
            click.echo(f"\r{name}: {done}/{total} tiles", nl=done == total, err=True)

    return progress
