"""isthmus encode: pictures and sounds in, .isth files out."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli import folders, rate_control
from isthmus.cli.messages import progress_on_terminal, saving, say_what_decodes
from isthmus.cli.options import (
    as_one,
    codec_options,
    force_option,
    inputs_argument,
    json_option,
    max_side_option,
    output_option,
    quality_or_default,
    refuse_tune,
    tune_option,
)
from isthmus.cli.outputs import outputs_for, refuse_other_formats
from isthmus.cli.reports import Report, run_each
from isthmus.cli.streams import STREAM, read_input, write_output
from isthmus.effort import MAX_EFFORT

if TYPE_CHECKING:
    from isthmus.batch.job import Job
    from isthmus.codec import Codec
    from isthmus.effort import Effort
    from isthmus.image.picture import Layers
    from isthmus.medium.protocol import Content
    from isthmus.rate_control import Target
    from isthmus.tune import Tune


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(folders.FileOptions):
    """The command line of encode.

    Attributes:
        quality: 0 to 100; None for the default, or where there is a target.
        tune: where the second dial stands; None for the default of models that have one.
        target: what chooses the quality instead.
        effort: how hard to try, 1 to 4.
        strip: leave ICC, EXIF and XMP out, the colours become those of sRGB first; of sounds, tags.
        keep_smaller: copy a picture, or leave it where it is, if encoding does not make it smaller.
        max_side: pixels that a picture is reduced to, in width and height; None for as many as it has.
        depth: 8 to reduce deeper pictures to 8 bits a channel; None to refuse them.
        lossless: keep all samples as they are.
        layers: "auto", "photo" or "sharp"; None for the first.
    """

    quality: float | None
    tune: "Tune | None"
    target: "Target | None"
    effort: "Effort"
    strip: bool
    keep_smaller: bool
    max_side: int | None
    depth: int | None
    lossless: bool
    layers: "Layers | None"

    def asked(self) -> dict[str, Any]:
        """What is asked of the input's medium, by the names of its options."""
        return {
            "strip": self.strip,
            "max_side": self.max_side,
            "depth": self.depth,
            "lossless": self.lossless,
            "layers": self.layers,
        }

    def job(self) -> "Job":
        """What is done to a folder."""
        from isthmus.batch.job import Job

        return Job(
            "encode",
            **self.of_job(),
            quality=quality_or_default(self.quality),
            tune=self.tune,
            aim=self.target,
            strip=self.strip,
            keep_smaller=self.keep_smaller,
            effort=self.effort,
            max_side=self.max_side,
            depth=self.depth,
            lossless=self.lossless,
            layers=self.layers,
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
@tune_option
@rate_control.target_options
@click.option("--lossless", is_flag=True, help="Keep every sample as it is; the file is larger.")
@click.option(
    "--layers",
    type=click.Choice(["auto", "photo", "sharp"]),
    help="photo: networks alone; sharp: what suits text, line art and screenshots; auto (the default): each where it "
    "is better.",
)
@click.option(
    "--effort",
    metavar="N",
    type=click.IntRange(1, MAX_EFFORT),
    default=1,
    show_default=True,
    help="The higher, the slower, and the fewer bytes for the same likeness. Decoding is as fast as ever.",
)
@click.option("--strip", is_flag=True, help="Leave the ICC profile (colours become sRGB), EXIF, XMP or tags out.")
@max_side_option
@click.option(
    "--depth",
    metavar="8",
    type=click.Choice(["8"]),
    callback=lambda _ctx, _parameter, value: value and int(value),
    help="Reduce pictures of 16 bits a channel to 8, by rounding.",
)
@folders.keep_smaller_option
@folders.folder_options
@force_option
@json_option
@codec_options
@as_one(EncodeOptions)
def encode(options: EncodeOptions) -> None:
    """Compress pictures and sounds: photo.jpg becomes photo.isth, song.wav song.isth.

    Any format that Pillow reads, and sounds that soundfile does; - reads standard input.

    \b
    isthmus encode photo.jpg                        photo.isth
    isthmus encode -q 70 *.png -o smaller           a folder for many
    isthmus encode photo.jpg --target-bytes 50k     at most 50,000 bytes
    isthmus encode photo.jpg --target-psnr 38       at least 38 dB
    isthmus encode screen.png --lossless            the same samples come back
    isthmus encode song.wav --target-kbps 64        at most 64 kilobits a second
    isthmus encode holiday -o small                 a folder and all below it
    isthmus encode holiday -o small --keep-smaller --copy-others    all of it, to replace the folder
    """
    if options.strip and options.keep_smaller:
        raise click.UsageError(
            "--strip and --keep-smaller exclude each other: a picture that is kept keeps its metadata."
        )
    if options.target is not None and options.quality is not None:
        raise click.UsageError("-q and a target exclude each other: a target chooses the quality.")
    if options.lossless and (options.target is not None or options.quality is not None):
        raise click.UsageError("--lossless takes neither -q nor a target: the file is as large as it must be.")
    if options.lossless and any(asked is not None for asked in (options.tune, options.layers, options.model)):
        raise click.UsageError("--lossless takes none of --tune, --layers and --model: no model has a part in it.")
    say_what_decodes(options.model)
    codec = options.codec(options.effort)
    refuse_tune(codec, options.tune)
    if folders.is_wanted(options):
        folders.run(options.job(), options)
        return
    outputs = outputs_for(options.inputs, options.output, lambda name: ".isth")
    refuse_other_formats(outputs.values())
    if options.keep_smaller and STREAM in (*outputs, *outputs.values()):
        raise click.UsageError("--keep-smaller is for files: a stream has no name to keep.")

    def work(name: str) -> tuple[Report, str]:
        return _encode_file(name, outputs[name], codec, options)

    run_each(options.inputs, work, options.as_json, STREAM in outputs.values())


def _encode_file(name: str, output: str, codec: "Codec", options: EncodeOptions) -> tuple[Report, str]:
    from isthmus.media import medium_to_open

    start = time.perf_counter()
    with read_input(name, codec.limits.max_file_bytes) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        medium = medium_to_open("" if name == STREAM else name, stream)
        content = medium.open(stream, codec.limits, options.asked())
    report: Report = {"input": name, "output": output, **content.facts}

    def encoded() -> bytes:
        if options.target is None:
            quality = quality_or_default(options.quality)
            data = codec.encode(content, quality, progress=progress_on_terminal(name), tune=options.tune)
            report.update({"lossless": True} if options.lossless else {"quality": quality})
            report["notes"] = list(content.notes)
        else:
            reached = rate_control.reach(codec, content, options.target, options.tune)
            data = reached.data
            report.update(rate_control.report(options.target, reached))
            report["notes"] = [*content.notes, *report["notes"]]
        tune, rate = codec.tune_for(medium, options.tune), content.rate(len(data))
        if tune is not None:
            report["tune"] = tune.share
        report.update({"bytes": len(data), "bytes_before": size, rate.name: rate.value})
        return data

    if options.keep_smaller:
        data = encoded()
        if len(data) >= size:
            report |= _keep(name, output, size, len(data), options.force)
        else:
            write_output(output, options.force, lambda file: file.write(data))
    else:
        write_output(output, options.force, lambda file: file.write(encoded()))
        if report["bytes"] > size:
            report["notes"].append("larger than the input: keep that (--keep-smaller), or ask for less")
    return report | {"seconds": time.perf_counter() - start}, _text(report, content)


def _keep(name: str, output: str, size: int, encoded: int, force: bool) -> Report:
    """Leave a file that encoding does not make smaller where it is, or copy it to where its output would be."""
    target = Path(output).with_name(Path(name).name)
    if target.resolve() != Path(name).resolve():
        write_output(str(target), force, lambda file: file.write(Path(name).read_bytes()))
    return {"output": str(target), "kept": True, "bytes": size, "bytes_encoded": encoded}


def _text(report: Report, content: "Content") -> str:
    name, output, size = report["input"], report["output"], report["bytes"]
    if report.get("kept"):
        where = "left" if output == name else f"copied to {output}"
        line = f"{name}: {report['bytes_encoded']} bytes encoded, not smaller than {size}: {where} as it is"
    else:
        saved = saving(report["bytes_before"], size)
        line = f"{name} -> {output}: {report['bytes_before']} to {size} bytes, {saved}, "
        rate = content.rate(size)
        line += f"{rate.value:.3f} {rate.unit}"
    if "target" in report:
        line += f", quality {report['quality']:g} after {report['encodes']} encodes"
    return "\n".join([line, *(f"  note: {note}" for note in report["notes"])])
