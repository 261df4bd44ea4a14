"""isthmus decode: .isth files in, pictures and sounds out."""

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

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
from isthmus.errors import InputError, TruncatedError

if TYPE_CHECKING:
    from isthmus.batch.job import Job
    from isthmus.codec import Codec
    from isthmus.medium.protocol import Decoder, Medium, Saved


@dataclass(frozen=True, kw_only=True)
class DecodeOptions(folders.FileOptions):
    """The command line of decode.

    Attributes:
        crop: x, y, width and height of the only window to decode, in pixels; None for the whole picture.
        scale: a picture at 1/scale of width and height instead; None for the whole size.
        seconds: beginning and end of the only part of a sound to decode; None for all of it.
        suffix: of outputs that are not named, which chooses their format, as in ".png"; None for their medium's.
        to_quality: 1 to 100, of JPEG, WebP and AVIF; None for nearly or wholly without loss.
        max_side: pixels that a picture is reduced to, in width and height; None for as many as it has.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
        partial: show what there is of a file that ends early.
    """

    crop: tuple[int, int, int, int] | None
    scale: int | None
    seconds: tuple[float, float] | None
    suffix: str | None
    to_quality: int | None
    max_side: int | None
    strip: bool
    partial: bool

    def asked(self) -> dict[str, Any]:
        """What is asked of the file's medium, by the names of its options."""
        return {
            "crop": self.crop,
            "scale": self.scale,
            "seconds": self.seconds,
            "max_side": self.max_side,
            "to_quality": self.to_quality,
            "strip": self.strip,
        }

    def suffix_of(self, name: str) -> str:
        """The suffix of the output of an input, where -o does not name it."""
        from isthmus.media import medium_restored

        # Pipes and devices can be read once only: what they hold is known when it is decoded.
        readable = name if os.path.isfile(name) else os.devnull
        return self.suffix or medium_restored(lambda: open(readable, "rb")).default_suffix

    def job(self) -> "Job":
        """What is done to a folder."""
        from isthmus.batch.job import Job

        return Job(
            "decode",
            **self.of_job(),
            strip=self.strip,
            max_side=self.max_side,
            suffix=self.suffix,
            to_quality=self.to_quality,
        )


def _box(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int, int, int] | None:
    if value is None:
        return None
    try:
        x, y, width, height = map(int, value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value}: expected four whole numbers X,Y,W,H, as in 100,50,640,480.") from None
    return x, y, width, height


def _part(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    from isthmus.image.coders.protocol import SCALES

    scales = {f"1/{scale}": scale for scale in SCALES}
    if value is not None and value not in scales:
        raise click.BadParameter(f"{value}: expected {', '.join(scales)}; --max-side reduces to any size.")
    return None if value is None else scales[value]


def _range(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, float] | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", value)
    if not found or float(found[1]) >= float(found[2]):
        raise click.BadParameter(f"{value}: expected two numbers of seconds A-B, as in 60-75, the second one larger.")
    return float(found[1]), float(found[2])


def _suffix(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    from isthmus.media import all_media

    if value is None:
        return None
    suffix = f".{value.removeprefix('.').lower()}"
    for medium in all_media():
        with suppress(InputError):
            medium.format_of(Path("name" + suffix))
            return suffix
    raise click.BadParameter(f"{value}: expected a format of pictures (png, jpg, webp, tif) or sounds (wav, flac).")


@click.command()
@inputs_argument
@output_option
@click.option("--crop", metavar="X,Y,W,H", callback=_box, help="Only this window, in pixels; decodes only its tiles.")
@click.option(
    "--scale",
    metavar="1/2|1/4|1/8|1/16",
    callback=_part,
    help="A smaller picture, several times quicker.",
)
@click.option(
    "--range",
    "seconds",
    metavar="A-B",
    callback=_range,
    help="Only this part of a sound, in seconds; decodes only its blocks.",
)
@click.option(
    "--to",
    "suffix",
    metavar="FORMAT",
    callback=_suffix,
    help="Of outputs that -o does not name: png (the default), jpg, webp, tif, ...; of sounds wav, flac, ...",
)
@click.option(
    "--to-quality",
    "--jpeg-quality",
    "to_quality",
    metavar="Q",
    type=click.IntRange(1, 100),
    help="Of .jpg, .webp and .avif outputs (default: hardly a mark).",
)
@max_side_option
@click.option("--partial", is_flag=True, help="Of a file that ends early, show what there is.")
@click.option("--strip", is_flag=True, help="Leave the ICC profile (colours become sRGB), EXIF, XMP or tags out.")
@folders.folder_options
@force_option
@json_option
@codec_options
@as_one(DecodeOptions)
def decode(options: DecodeOptions) -> None:
    """Restore pictures and sounds: photo.isth becomes photo.png, song.isth song.wav.

    The suffix of -o chooses the format (.png, .jpg, .flac, ...), or --to; without them it is PNG or WAV.

    \b
    isthmus decode photo.isth                           photo.png
    isthmus decode photo.isth -o photo.jpg              another format
    isthmus decode photo.isth --crop 0,0,640,480 -o corner.png
    isthmus decode song.isth --range 60-75 -o part.flac
    isthmus decode small -o back                        a folder and all below it
    isthmus decode small -o web --to avif --to-quality 60 --max-side 1600
    """
    if options.crop and options.scale:
        raise click.UsageError("--crop and --scale exclude each other: a smaller picture is always of the whole.")
    if folders.is_wanted(options):
        if options.to_quality is not None and not _has_quality(options.suffix):
            raise click.UsageError("--to-quality is for JPEG, WebP and AVIF: add --to jpg, webp or avif.")
        if options.crop or options.scale or options.seconds:
            raise click.UsageError("--crop, --scale and --range are for single files.")
        if options.partial:
            raise click.UsageError("--partial is for single files.")
        folders.run(options.job(), options)
        return
    outputs = outputs_for(options.inputs, options.output, options.suffix_of)
    if options.to_quality is not None and not all(_has_quality(Path(output).suffix) for output in outputs.values()):
        raise click.UsageError(
            "--to-quality is for JPEG, WebP and AVIF: name a .jpg, .webp or .avif with -o, or add --to jpg."
        )
    codec = options.codec()

    def work(name: str) -> tuple[Report, str]:
        return _decode_file(name, outputs[name], codec, options)

    run_each(options.inputs, work, options.as_json, STREAM in outputs.values())


def _has_quality(suffix: str | None) -> bool:
    """Whether a quality can be asked of outputs with this suffix."""
    from isthmus.media import all_media

    for medium in all_media():
        with suppress(InputError):
            return medium.has_quality(medium.format_of(Path(f"name{suffix or ''}")))
    return False


def _decode_file(name: str, output: str, codec: "Codec", options: DecodeOptions) -> tuple[Report, str]:
    start = time.perf_counter()
    missing = ""
    with read_input(name, codec.limits.max_file_bytes) as stream:
        data = stream.read()
    medium: Medium
    decoder: Decoder
    if options.partial:
        medium, decoder, missing = codec.decoder_of_cut(data)
    else:
        try:
            medium, decoder = codec.decoder(data)
        except TruncatedError as error:
            error.hint = error.hint or "--partial shows what there is of a photograph."
            raise
    nameless = Path("-" + (options.suffix or medium.default_suffix))
    format_name = medium.format_of(nameless if output == STREAM else Path(output))
    written: list[Saved] = []

    def write(file: BinaryIO) -> None:
        written.append(medium.save(decoder, file, format_name, options.asked(), progress_on_terminal(name)))

    write_output(output, options.force, write)
    (saved,) = written
    seconds = time.perf_counter() - start
    notes = [missing] * bool(missing) + list(saved.notes)
    report = {"input": name, "output": output, "notes": notes, **saved.facts, "seconds": seconds}
    return report, "\n".join([f"{name} -> {output}: {saved.said}", *(f"  note: {note}" for note in notes)])
