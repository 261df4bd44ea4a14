"""isthmus decode: .isth files in, pictures out."""

import time
from pathlib import Path
from typing import BinaryIO

import click

from isthmus.cli import common


@click.command()
@common.inputs_argument
@common.output_option
@common.force_option
@common.json_option
@common.codec_options
def decode(
    inputs: tuple[str, ...],
    output: str | None,
    force: bool,
    as_json: bool,
    model: str | None,
    threads: int | None,
    max_pixels: int | None,
) -> None:
    """Restore pictures: photo.isth becomes photo.png.

    The suffix of -o chooses the format (.png, .jpg, .webp, .tif, ...); standard output gets PNG.
    """
    outputs = dict(zip(inputs, common.targets(inputs, output, ".png"), strict=True))

    from isthmus.image_files import format_of, save_picture

    codec = common.codec_for(model, threads, max_pixels)

    def work(name: str) -> common.Report:
        start = time.perf_counter()
        target = outputs[name]
        format_name = "PNG" if target == common.STREAM else format_of(Path(target))
        with common.read_input(name, codec.limits.max_file_bytes) as stream:
            data = stream.read()
        report: common.Report = {"input": name, "output": target}

        def write(file: BinaryIO) -> None:
            image = codec.decode_image(data, common.progress_on_terminal(name))
            save_picture(image, file, format_name)
            report.update(width=image.width, height=image.height, mode=image.mode)

        common.write_output(target, force, write)
        return report | {"seconds": time.perf_counter() - start}

    common.run_each(inputs, work, _text, as_json, common.STREAM in outputs.values())


def _text(report: common.Report) -> str:
    return f"{report['input']} -> {report['output']}: {report['width']}x{report['height']} {report['mode']}"
