"""isthmus decode: .isth files in, pictures out."""

import time
from pathlib import Path
from typing import BinaryIO

import click

from isthmus.cli import common, folders


def _box(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int, int, int] | None:
    if value is None:
        return None
    try:
        x, y, width, height = map(int, value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value}: expected four whole numbers X,Y,W,H, as in 100,50,640,480.") from None
    return x, y, width, height


def _sixteenth(ctx: click.Context, param: click.Parameter, value: str | None) -> bool:
    if value not in (None, "1/16"):
        hint = "No other scale is cheaper than decoding the whole and reducing that."
        raise click.BadParameter(f"{value}: expected 1/16. {hint}")
    return value is not None


@click.command()
@common.inputs_argument
@common.output_option
@click.option("--crop", metavar="X,Y,W,H", callback=_box, help="Only this window, in pixels; decodes only its tiles.")
@click.option("--scale", metavar="1/16", callback=_sixteenth, help="A quick preview at 1/16 of width and height.")
@folders.options
@common.force_option
@common.json_option
@common.codec_options
def decode(
    inputs: tuple[str, ...],
    output: str | None,
    crop: tuple[int, int, int, int] | None,
    scale: bool,
    workers: int | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
    model: str | None,
    threads: int | None,
    max_pixels: int | None,
) -> None:
    """Restore pictures: photo.isth becomes photo.png.

    The suffix of -o chooses the format (.png, .jpg, .webp, .tif, ...); standard output gets PNG.

    \b
    isthmus decode photo.isth                           photo.png
    isthmus decode photo.isth -o photo.jpg              another format
    isthmus decode photo.isth --crop 0,0,640,480 -o corner.png
    isthmus decode small -o back                        a folder and all below it
    """
    if crop and scale:
        raise click.UsageError("--crop and --scale exclude each other: a preview is always of the whole picture.")
    run = folders.Run(inputs, output, workers, dry_run, as_json)
    if run.wanted:
        if crop or scale:
            raise click.UsageError("--crop and --scale are for single files.")
        run.decode(force, model, threads, max_pixels)
        return
    outputs = dict(zip(inputs, common.targets(inputs, output, ".png"), strict=True))

    from isthmus.image.files import format_of, save_picture

    codec = common.codec_for(model, threads, max_pixels)

    def work(name: str) -> common.Report:
        start = time.perf_counter()
        target = outputs[name]
        format_name = "PNG" if target == common.STREAM else format_of(Path(target))
        with common.read_input(name, codec.limits.max_file_bytes) as stream:
            data = stream.read()
        report: common.Report = {"input": name, "output": target}

        def write(file: BinaryIO) -> None:
            progress = common.progress_on_terminal(name)
            image = codec.preview(data) if scale else codec.decode_image(data, crop, progress)
            save_picture(image, file, format_name)
            report.update(width=image.width, height=image.height, mode=image.mode)

        common.write_output(target, force, write)
        return report | {"seconds": time.perf_counter() - start}

    common.run_each(inputs, work, _text, as_json, common.STREAM in outputs.values())


def _text(report: common.Report) -> str:
    return f"{report['input']} -> {report['output']}: {report['width']}x{report['height']} {report['mode']}"
