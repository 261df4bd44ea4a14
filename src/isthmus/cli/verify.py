"""isthmus verify: is a file whole, and does it decode?"""

import click

from isthmus.cli import common


@click.command()
@common.inputs_argument
@common.json_option
@common.codec_options
def verify(
    inputs: tuple[str, ...], as_json: bool, model: str | None, threads: int | None, max_pixels: int | None
) -> None:
    """Decode .isth files, and those below folders, entirely and keep nothing; exit status 1 if one is damaged."""
    codec = common.codec_for(model, threads, max_pixels)

    def work(name: str) -> common.Report:
        with common.read_input(name, codec.limits.max_file_bytes) as stream:
            found = codec.verify(stream.read(), common.progress_on_terminal(name))
        return {"input": name, "ok": True, "width": found.width, "height": found.height, "bytes": found.bytes}

    common.run_each_file(inputs, work, _text, as_json, "whole and decodable")


def _text(report: common.Report) -> str:
    return f"{report['input']}: whole and decodable, {report['width']}x{report['height']}, {report['bytes']} bytes"
