"""isthmus encode: pictures in, .isth files out."""

import os
import time
from typing import TYPE_CHECKING, BinaryIO

import click

from isthmus.cli import common, folders, targeting

if TYPE_CHECKING:
    from isthmus.rate_control import Target


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
@targeting.options
@click.option(
    "--effort",
    metavar="N",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="2: 1 to 2 % fewer bytes for the same likeness, in 2 to 3 times the time. Decoding is as fast as ever.",
)
@click.option("--strip", is_flag=True, help="Leave the ICC profile, EXIF and XMP out.")
@folders.keep_smaller_option
@folders.options
@common.force_option
@common.json_option
@common.codec_options
def encode(
    inputs: tuple[str, ...],
    output: str | None,
    quality: float | None,
    target: "Target | None",
    effort: int,
    strip: bool,
    keep_smaller: bool,
    workers: int | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
    model: str | None,
    threads: int | None,
    max_pixels: int | None,
) -> None:
    """Compress pictures: photo.jpg becomes photo.isth.

    Any format that Pillow reads; - reads standard input.

    \b
    isthmus encode photo.jpg                        photo.isth
    isthmus encode -q 70 *.png -o smaller           a folder for many
    isthmus encode photo.jpg --target-bytes 50k     at most 50,000 bytes
    isthmus encode photo.jpg --target-psnr 38       at least 38 dB
    isthmus encode holiday -o small                 a folder and all below it
    """
    if strip and keep_smaller:
        raise click.UsageError(
            "--strip and --keep-smaller exclude each other: a picture that is kept keeps its metadata."
        )
    if target is not None and quality is not None:
        raise click.UsageError("-q and a target exclude each other: a target chooses the quality.")
    common.say_what_decodes(model)
    run = folders.Run(inputs, output, workers, dry_run, as_json)
    if run.wanted:
        run.encode(quality, target, effort, strip, keep_smaller, force, model, threads, max_pixels)
        return
    if keep_smaller:
        raise click.UsageError("--keep-smaller is for folders.")
    outputs = dict(zip(inputs, common.targets(inputs, output, ".isth"), strict=True))
    common.refuse_picture_names(outputs.values())

    from isthmus.codec import DEFAULT_QUALITY
    from isthmus.image.files import open_picture

    codec = common.codec_for(model, threads, max_pixels, effort)
    chosen = DEFAULT_QUALITY if quality is None else quality

    def work(name: str) -> common.Report:
        start = time.perf_counter()
        with common.read_input(name, codec.limits.max_file_bytes) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            picture = open_picture(stream, codec.limits)
        report: common.Report = {
            "input": name,
            "output": outputs[name],
            "width": picture.width,
            "height": picture.height,
            "mode": picture.mode,
        }

        def write(file: BinaryIO) -> None:
            if target is None:
                data = codec.encode(picture, chosen, strip, common.progress_on_terminal(name))
                report.update(quality=chosen, notes=list(picture.notes))
            else:
                reached = targeting.reach(codec, picture, target, strip)
                data = reached.data
                report.update(targeting.report(target, reached))
                report["notes"] = [*picture.notes, *report["notes"]]
            report.update(bytes=len(data), bytes_before=size, bpp=8 * len(data) / (picture.width * picture.height))
            if len(data) > size:
                report["notes"].append(f"larger than the input, {size} bytes: keep that, or ask for less")
            file.write(data)

        common.write_output(outputs[name], force, write)
        return report | {"seconds": time.perf_counter() - start}

    common.run_each(inputs, work, _text, as_json, common.STREAM in outputs.values())


def _text(report: common.Report) -> str:
    line = f"{report['input']} -> {report['output']}: {report['bytes']} bytes, {report['bpp']:.3f} bits per pixel"
    if "target" in report:
        line += f", quality {report['quality']:g} after {report['encodes']} encodes"
    return "\n".join([line, *(f"  note: {note}" for note in report["notes"])])
