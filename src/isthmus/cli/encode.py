"""isthmus encode: pictures in, .isth files out."""

import time
from typing import BinaryIO

import click

from isthmus.cli import common


@click.command()
@common.inputs_argument
@common.output_option
@click.option(
    "-q",
    "--quality",
    metavar="Q",
    type=click.FloatRange(0, 100),
    help="0 to 100, continuous (default: 50).",
)
@click.option("--strip", is_flag=True, help="Leave the ICC profile, EXIF and XMP out.")
@common.force_option
@common.json_option
@common.codec_options
def encode(
    inputs: tuple[str, ...],
    output: str | None,
    quality: float | None,
    strip: bool,
    force: bool,
    as_json: bool,
    model: str | None,
    threads: int | None,
    max_pixels: int | None,
) -> None:
    """Compress pictures: photo.jpg becomes photo.isth.

    Any format that Pillow reads; - reads standard input.
    """
    outputs = dict(zip(inputs, common.targets(inputs, output, ".isth"), strict=True))

    from isthmus.codec import DEFAULT_QUALITY
    from isthmus.image_files import open_picture

    codec = common.codec_for(model, threads, max_pixels)
    chosen = DEFAULT_QUALITY if quality is None else quality

    def work(name: str) -> common.Report:
        start = time.perf_counter()
        with common.read_input(name, codec.limits.max_file_bytes) as stream:
            picture = open_picture(stream, codec.limits)
        data = b""

        def write(file: BinaryIO) -> None:
            nonlocal data
            data = codec.encode(picture, chosen, strip, common.progress_on_terminal(name))
            file.write(data)

        common.write_output(outputs[name], force, write)
        return {
            "input": name,
            "output": outputs[name],
            "width": picture.width,
            "height": picture.height,
            "mode": picture.mode,
            "quality": chosen,
            "bytes": len(data),
            "bpp": 8 * len(data) / (picture.width * picture.height),
            "seconds": time.perf_counter() - start,
            "notes": list(picture.notes),
        }

    common.run_each(inputs, work, _text, as_json, common.STREAM in outputs.values())


def _text(report: common.Report) -> str:
    line = f"{report['input']} -> {report['output']}: {report['bytes']} bytes, {report['bpp']:.3f} bits per pixel"
    return "\n".join([line, *(f"  note: {note}" for note in report["notes"])])
