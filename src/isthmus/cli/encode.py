"""isthmus encode: pictures in, .isth files out."""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import click

from isthmus.cli import folders, rate_control
from isthmus.cli.messages import progress_on_terminal, say_what_decodes
from isthmus.cli.options import (
    as_one,
    codec_options,
    force_option,
    inputs_argument,
    json_option,
    output_option,
    quality_or_default,
)
from isthmus.cli.outputs import outputs_for, refuse_picture_names
from isthmus.cli.reports import Report, run_each
from isthmus.cli.streams import STREAM, read_input, write_output

if TYPE_CHECKING:
    from isthmus.batch.job import Job
    from isthmus.codec import Codec, Effort
    from isthmus.rate_control import Target


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(folders.FileOptions):
    """The command line of encode.

    Attributes:
        quality: 0 to 100; None for the default, or where there is a target.
        target: what chooses the quality instead.
        effort: how hard to try, 1 or 2.
        strip: leave ICC, EXIF and XMP out.
        keep_smaller: in folders, copy a picture that encoding does not make smaller.
    """

    quality: float | None
    target: "Target | None"
    effort: "Effort"
    strip: bool
    keep_smaller: bool

    def job(self) -> "Job":
        """What is done to a folder."""
        from isthmus.batch.job import Job

        return Job(
            "encode",
            **self.of_job(),
            quality=quality_or_default(self.quality),
            aim=self.target,
            strip=self.strip,
            keep_smaller=self.keep_smaller,
            effort=self.effort,
        )


@click.command()
@inputs_argument
@output_option
@click.option(
    "-q",
    "--quality",
    metavar="Q",
    type=click.FloatRange(0, 100),
    help="0 to 100, continuous (default: 50).",
)
@rate_control.target_options
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
@folders.folder_options
@force_option
@json_option
@codec_options
@as_one(EncodeOptions)
def encode(options: EncodeOptions) -> None:
    """Compress pictures: photo.jpg becomes photo.isth.

    Any format that Pillow reads; - reads standard input.

    \b
    isthmus encode photo.jpg                        photo.isth
    isthmus encode -q 70 *.png -o smaller           a folder for many
    isthmus encode photo.jpg --target-bytes 50k     at most 50,000 bytes
    isthmus encode photo.jpg --target-psnr 38       at least 38 dB
    isthmus encode holiday -o small                 a folder and all below it
    """
    if options.strip and options.keep_smaller:
        raise click.UsageError(
            "--strip and --keep-smaller exclude each other: a picture that is kept keeps its metadata."
        )
    if options.target is not None and options.quality is not None:
        raise click.UsageError("-q and a target exclude each other: a target chooses the quality.")
    say_what_decodes(options.model)
    if folders.is_wanted(options):
        folders.run(options.job(), options)
        return
    if options.keep_smaller:
        raise click.UsageError("--keep-smaller is for folders.")
    outputs = outputs_for(options.inputs, options.output, ".isth")
    refuse_picture_names(outputs.values())
    codec = options.codec(options.effort)

    def work(name: str) -> Report:
        return _encode_file(name, outputs[name], codec, options)

    run_each(options.inputs, work, _text, options.as_json, STREAM in outputs.values())


def _encode_file(name: str, output: str, codec: "Codec", options: EncodeOptions) -> Report:
    from isthmus.image.files import open_picture

    start = time.perf_counter()
    with read_input(name, codec.limits.max_file_bytes) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        picture = open_picture(stream, codec.limits)
    report: Report = {
        "input": name,
        "output": output,
        "width": picture.width,
        "height": picture.height,
        "mode": picture.mode,
    }

    def write(file: BinaryIO) -> None:
        if options.target is None:
            quality = quality_or_default(options.quality)
            data = codec.encode(picture, quality, options.strip, progress_on_terminal(name))
            report.update(quality=quality, notes=list(picture.notes))
        else:
            reached = rate_control.reach(codec, picture, options.target, options.strip)
            data = reached.data
            report.update(rate_control.report(options.target, reached))
            report["notes"] = [*picture.notes, *report["notes"]]
        report.update(bytes=len(data), bytes_before=size, bpp=8 * len(data) / (picture.width * picture.height))
        if len(data) > size:
            report["notes"].append(f"larger than the input, {size} bytes: keep that, or ask for less")
        file.write(data)

    write_output(output, options.force, write)
    return report | {"seconds": time.perf_counter() - start}


def _text(report: Report) -> str:
    line = f"{report['input']} -> {report['output']}: {report['bytes']} bytes, {report['bpp']:.3f} bits per pixel"
    if "target" in report:
        line += f", quality {report['quality']:g} after {report['encodes']} encodes"
    return "\n".join([line, *(f"  note: {note}" for note in report["notes"])])
