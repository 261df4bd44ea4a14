"""isthmus info: what a file says about itself, without loading weights."""

import click

from isthmus.cli import common
from isthmus.errors import InputError, NotIsthmusError
from isthmus.text import counted


@click.command()
@common.inputs_argument
@common.json_option
@common.pixels_option
def info(inputs: tuple[str, ...], as_json: bool, max_pixels: int | None) -> None:
    """Show size, mode, quality, model and bytes per part of .isth files, and of those below folders."""
    from isthmus.model.file import SUFFIX as MODEL_SUFFIX

    codec = common.codec_for(None, None, max_pixels)

    def work(name: str) -> common.Report:
        with common.read_input(name, codec.limits.max_file_bytes) as stream:
            data = stream.read()
        try:
            return {"input": name} | codec.inspect(data).as_dict()
        except NotIsthmusError as error:
            if not name.endswith(MODEL_SUFFIX):
                raise
            hint = "`isthmus models show` describes it."
            raise InputError("this is a model", expected="an .isth file", hint=hint) from error

    common.run_each_file(inputs, work, _text, as_json)


def _text(report: common.Report) -> str:
    parts = ", ".join(f"{name} {size}" for name, size in report["parts"].items())
    return (
        f"{report['input']}: {report['width']}x{report['height']}, mode {report['mode']} "
        f"(decodes to {report['restored_mode']}), quality {report['quality']:g}\n"
        f"  model {report['model_id']}, format version {report['format_version']}, "
        f"{counted(report['tiles'], 'tile')} of {report['tile_size']} pixels\n"
        f"  {report['bytes']} bytes, {report['bpp']:.3f} bits per pixel: {parts}"
    )
