"""isthmus decode: .isth files in, pictures out."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from isthmus.cli import folders
from isthmus.cli.messages import progress_on_terminal
from isthmus.cli.options import (
    as_one,
    codec_options,
    force_option,
    inputs_argument,
    json_option,
    max_side_option,
    output_option,
)
from isthmus.cli.outputs import outputs_for
from isthmus.cli.reports import Report, run_each
from isthmus.cli.streams import STREAM, read_input, write_output
from isthmus.errors import InputError

if TYPE_CHECKING:
    from isthmus.batch.job import Job
    from isthmus.codec import Codec


@dataclass(frozen=True, kw_only=True)
class DecodeOptions(folders.FileOptions):
    """The command line of decode.

    Attributes:
        crop: x, y, width and height of the only window to decode, in pixels; None for the whole picture.
        scale: a preview at 1/16 instead of the picture.
        suffix: of outputs that are not named, which chooses their format, as in ".png".
        jpeg_quality: 1 to 100, of JPEGs; None for nearly without loss.
        max_side: pixels that a picture is reduced to, in width and height; None for as many as it has.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
    """

    crop: tuple[int, int, int, int] | None
    scale: bool
    suffix: str
    jpeg_quality: int | None
    max_side: int | None
    strip: bool

    def job(self) -> "Job":
        """What is done to a folder."""
        from isthmus.batch.job import Job

        return Job(
            "decode",
            **self.of_job(),
            strip=self.strip,
            max_side=self.max_side,
            suffix=self.suffix,
            jpeg_quality=self.jpeg_quality,
        )


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


def _suffix(ctx: click.Context, param: click.Parameter, value: str) -> str:
    from isthmus.image.files import format_of

    suffix = f".{value.removeprefix('.').lower()}"
    try:
        format_of(Path("picture" + suffix))
    except InputError:
        raise click.BadParameter(
            f"{value}: expected a format that pictures are written in: png, jpg, webp, tif."
        ) from None
    return suffix


@click.command()
@inputs_argument
@output_option
@click.option("--crop", metavar="X,Y,W,H", callback=_box, help="Only this window, in pixels; decodes only its tiles.")
@click.option("--scale", metavar="1/16", callback=_sixteenth, help="A quick preview at 1/16 of width and height.")
@click.option(
    "--to",
    "suffix",
    metavar="FORMAT",
    default="png",
    show_default=True,
    callback=_suffix,
    help="Of outputs that -o does not name: png, jpg, webp, tif, ...",
)
@click.option(
    "--jpeg-quality", metavar="Q", type=click.IntRange(1, 100), help="Of .jpg outputs (default: 95, hardly a mark)."
)
@max_side_option
@click.option("--strip", is_flag=True, help="Leave the ICC profile (colours become sRGB), EXIF and XMP out.")
@folders.folder_options
@force_option
@json_option
@codec_options
@as_one(DecodeOptions)
def decode(options: DecodeOptions) -> None:
    """Restore pictures: photo.isth becomes photo.png.

    The suffix of -o chooses the format (.png, .jpg, .webp, .tif, ...), or --to; without them it is PNG.

    \b
    isthmus decode photo.isth                           photo.png
    isthmus decode photo.isth -o photo.jpg              another format
    isthmus decode photo.isth --crop 0,0,640,480 -o corner.png
    isthmus decode small -o back                        a folder and all below it
    isthmus decode small -o web --to jpg --jpeg-quality 85 --max-side 1600
    """
    if options.crop and options.scale:
        raise click.UsageError("--crop and --scale exclude each other: a preview is always of the whole picture.")
    if folders.is_wanted(options):
        if options.jpeg_quality is not None and not _is_jpeg(options.suffix):
            raise click.UsageError("--jpeg-quality is for JPEGs: add --to jpg.")
        if options.crop or options.scale:
            raise click.UsageError("--crop and --scale are for single files.")
        folders.run(options.job(), options)
        return
    outputs = outputs_for(options.inputs, options.output, options.suffix)
    if options.jpeg_quality is not None and not all(_is_jpeg(Path(output).suffix) for output in outputs.values()):
        raise click.UsageError("--jpeg-quality is for JPEGs: name a .jpg with -o, or add --to jpg.")
    codec = options.codec()

    def work(name: str) -> Report:
        return _decode_file(name, outputs[name], codec, options)

    run_each(options.inputs, work, _text, options.as_json, STREAM in outputs.values())


def _is_jpeg(suffix: str) -> bool:
    return suffix.lower() in (".jpg", ".jpeg", ".jpe", ".jfif")


def _decode_file(name: str, output: str, codec: "Codec", options: DecodeOptions) -> Report:
    from isthmus.image.files import format_of
    from isthmus.image.reduction import reduced
    from isthmus.image.saving import write_picture

    start = time.perf_counter()
    format_name = format_of(Path("-" + options.suffix if output == STREAM else output))
    with read_input(name, codec.limits.max_file_bytes) as stream:
        data = stream.read()
    report: Report = {"input": name, "output": output}

    def write(file: BinaryIO) -> None:
        progress = progress_on_terminal(name)
        image = codec.preview(data) if options.scale else codec.decode_image(data, options.crop, progress)
        if options.max_side is not None:
            image = reduced(image, options.max_side)
        report["notes"] = list(write_picture(image, file, format_name, options.jpeg_quality, options.strip))
        report.update(width=image.width, height=image.height, mode=image.mode)

    write_output(output, options.force, write)
    return report | {"seconds": time.perf_counter() - start}


def _text(report: Report) -> str:
    line = f"{report['input']} -> {report['output']}: {report['width']}x{report['height']} {report['mode']}"
    return "\n".join([line, *(f"  note: {note}" for note in report["notes"])])
