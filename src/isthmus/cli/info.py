"""isthmus info: what a file says about itself, without loading weights."""

import click

from isthmus.cli import clusters
from isthmus.cli.options import CodecOptions, inputs_argument, json_option, pixels_option
from isthmus.cli.reports import Report, run_each_file
from isthmus.cli.streams import read_input
from isthmus.errors import InputError, NotIsthmusError


@click.command()
@inputs_argument
@json_option
@clusters.cluster_option
@pixels_option
def info(inputs: tuple[str, ...], as_json: bool, cluster: str | None, max_pixels: int | None) -> None:
    """Show size, mode, quality, model and bytes per part of .isth files, and of those below folders."""
    from isthmus.inspection import described
    from isthmus.model.file import SUFFIX as MODEL_SUFFIX

    options = CodecOptions(max_pixels=max_pixels)
    if cluster is not None:
        clusters.report_each("info", inputs, cluster, options, as_json)
        return
    codec = options.codec()

    def work(name: str) -> tuple[Report, str]:
        with read_input(name, codec.limits.max_file_bytes) as stream:
            data = stream.read()
        try:
            return described(codec, name, data)
        except NotIsthmusError as error:
            if not name.endswith(MODEL_SUFFIX):
                raise
            hint = "`isthmus models show` describes it."
            raise InputError("this is a model", expected="an .isth file", hint=hint) from error

    run_each_file(inputs, work, as_json)
