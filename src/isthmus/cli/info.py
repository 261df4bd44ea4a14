"""isthmus info: what a file says about itself, without loading weights."""

import click

from isthmus.cli.options import CodecOptions, inputs_argument, json_option, pixels_option
from isthmus.cli.reports import Report, run_each_file
from isthmus.cli.streams import read_input
from isthmus.errors import InputError, NotIsthmusError


@click.command()
@inputs_argument
@json_option
@pixels_option
def info(inputs: tuple[str, ...], as_json: bool, max_pixels: int | None) -> None:
    """Show size, mode, quality, model and bytes per part of .isth files, and of those below folders."""
    from isthmus.model.file import SUFFIX as MODEL_SUFFIX

    codec = CodecOptions(max_pixels=max_pixels).codec()

    def work(name: str) -> tuple[Report, str]:
        with read_input(name, codec.limits.max_file_bytes) as stream:
            data = stream.read()
        try:
            found = codec.inspect(data)
        except NotIsthmusError as error:
            if not name.endswith(MODEL_SUFFIX):
                raise
            hint = "`isthmus models show` describes it."
            raise InputError("this is a model", expected="an .isth file", hint=hint) from error
        return {"input": name} | found.as_dict(), f"{name}: {found.text()}"

    run_each_file(inputs, work, as_json)
