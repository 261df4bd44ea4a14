"""isthmus compare: pictures or sounds through isthmus and its rivals."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isthmus.cli.messages import complain, errors_told
from isthmus.cli.options import (
    CodecOptions,
    as_one,
    force_option,
    model_option,
    quality_or_default,
    refuse_tune,
    tune_option,
    usage_errors,
)
from isthmus.text import counted, reason

if TYPE_CHECKING:
    from isthmus.bench.nearest import Match
    from isthmus.bench.page import Comparison
    from isthmus.bench.rivals import Rival
    from isthmus.bench.subject import Subject
    from isthmus.tune import Tune

RIVALS = "jpeg,jpeg2000,webp,avif-s6,jxl,png"
SOUND_RIVALS = "opus,aac,mp3,flac"
SECONDS = 10.0
"""Of a sound, how much of its middle is compared."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The command line of compare.

    Attributes:
        files: what to compare on.
        quality: of isthmus, 0 to 100; None for the default.
        tune: of isthmus; None for the default of models that have this dial.
        match: what rivals are set to share with isthmus.
        codecs: names of rivals, with commas; None for the usual ones.
        output: the page to write; None for a name after the file's.
        force: replace what is there.
        model: a model file or the name of an installed model; None for the default.
        threads: of each codec.
        seconds: of a sound, how much of its middle.
    """

    files: tuple[Path, ...]
    quality: float | None
    tune: "Tune | None"
    match: "Match"
    codecs: str | None
    output: Path | None
    force: bool
    model: str | None
    threads: int
    seconds: float | None

    @property
    def target(self) -> Path:
        """The page to write."""
        name = f"{self.files[0].stem}-compare.html" if len(self.files) == 1 else "isthmus-compare.html"
        return self.output or Path(name)


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("-q", "--quality", metavar="Q", type=click.FloatRange(0, 100), help="Quality of isthmus, 0 to 100.")
@tune_option
@click.option(
    "--match",
    type=click.Choice(["bytes", "psnr"]),
    default="bytes",
    show_default=True,
    help="What the rivals are set to share with isthmus.",
)
@click.option("--codecs", metavar="NAMES", help=f"Rivals, with commas (default: {RIVALS}; of sounds {SOUND_RIVALS}).")
@click.option(
    "--seconds",
    metavar="S",
    type=click.FloatRange(min=0, min_open=True),
    help=f"Of sounds, compare on the middle S seconds (default: {SECONDS:g}).",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML page (default: FILE-compare.html here; isthmus-compare.html of several).",
)
@force_option
@model_option
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of each."
)
@as_one(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Compare isthmus with other codecs on pictures, at equal bytes or equal PSNR, or on sounds, at equal bytes.

    Prints a table of each and writes one HTML page that opens in any browser without a network: with a viewer of
    pictures, or with players, waveforms and spectrograms of sounds and of what was lost.
    """
    with errors_told():
        failed = _compare(options)
    sys.exit(1 if failed else 0)


def _compare(options: CompareOptions) -> bool:
    """Print the tables and write the page; whether a file was left out."""
    from isthmus.bench import load_bench

    load_bench()
    from isthmus.bench import page, rivals, tables
    from isthmus.errors import IsthmusError, OutputExistsError

    subject = _subject(options)
    refuse_tune(CodecOptions(options.model).codec(), options.tune)
    target, several = options.target, len(options.files) > 1
    if target.exists() and not options.force:
        raise OutputExistsError(f"{target} exists", hint="Use --force to overwrite it, or -o for another name.")
    usual, one = (RIVALS, _picture) if subject.name == "picture" else (SOUND_RIVALS, _sound)
    with usage_errors():
        present, absent = rivals.choose((options.codecs or usual).split(","), subject.rivals)
    parts = []
    for file in options.files:
        try:
            comparison = one(options, file, present, absent)
        except (IsthmusError, OSError) as error:
            complain(f"{file}: {reason(error)}")
            continue
        click.echo(f"{file}\n{page.table(comparison)}\n" if several else page.table(comparison))
        parts.append(page.part_of(comparison, page.pixels_for(len(options.files))))
    if parts:
        if several:
            click.echo(f"{counted(len(parts), subject.name)}\n{tables.as_columns(page.means(parts))}")
        target.parent.mkdir(parents=True, exist_ok=True)
        page.write_page(parts, target)
        click.echo(f"Page: {target}")
    return len(parts) < len(options.files)


def _subject(options: CompareOptions) -> "Subject":
    """What the files are, by their names: pictures, unless all are sounds."""
    from isthmus.bench.subject import PICTURES, SOUNDS

    sounds = [file for file in options.files if file.suffix.lower() in SOUNDS.suffixes]
    if not sounds:
        if options.seconds is not None:
            raise click.UsageError("--seconds is of sounds, and these are pictures.")
        return PICTURES
    if len(sounds) < len(options.files):
        raise click.UsageError("a page is of pictures or of sounds: give the one or the other.")
    if options.match not in ("bytes", *SOUNDS.shared):
        raise click.UsageError(f"--match {options.match} is of pictures: sounds are compared at equal bytes.")
    if options.tune is not None:
        raise click.UsageError("--tune is of pictures.")
    return SOUNDS


def _progress() -> Callable[[str], None] | None:
    return (lambda label: click.echo(f"  {label} ...", err=True)) if sys.stderr.isatty() else None


def _picture(
    options: CompareOptions, file: Path, present: "list[Rival]", absent: list[tuple[str, str]]
) -> "Comparison":
    from isthmus.bench import codec, compare, page, pictures, rivals
    from isthmus.image.grid import BLOCK

    original, on_white = pictures.load_on_white(file)
    weights = codec.Weights(options.model, rivals.Asked(tune=options.tune))
    own: codec.Own = click.get_current_context().obj or codec.Own()
    quality = quality_or_default(options.quality)
    missing = list(absent)
    return page.Comparison(
        file.name,
        original,
        compare.compare(
            original,
            own.codec(weights, "isthmus"),
            present,
            quality,
            options.match,
            options.threads,
            progress=_progress(),
            failed=missing,
        ),
        options.match,
        options.threads,
        missing,
        own.bits_map(weights, original, quality),
        BLOCK,
        on_white,
        file.stat().st_size,
    )


def _sound(options: CompareOptions, file: Path, present: "list[Rival]", absent: list[tuple[str, str]]) -> "Comparison":
    from isthmus.bench import codec, compare, metrics, page
    from isthmus.bench.subject import SOUNDS

    whole = SOUNDS.load(file)
    original = whole.middle(SECONDS if options.seconds is None else options.seconds)
    own: codec.Own = click.get_current_context().obj or codec.Own()
    measured, unmeasured = metrics.present(SOUNDS.metrics)
    missing = [*absent, *unmeasured]
    outcomes = compare.compare(
        original,
        own.codec(codec.Weights(options.model, subject=SOUNDS), "isthmus"),
        present,
        quality_or_default(options.quality),
        options.match,
        options.threads,
        progress=_progress(),
        failed=missing,
        subject=SOUNDS,
        metrics=measured,
    )
    is_part = len(original.samples) < len(whole.samples)
    part = f"The middle {original.seconds:.1f} of {whole.seconds:.1f} seconds" if is_part else ""
    size = None if is_part else file.stat().st_size
    return page.Comparison(
        file.name, original, outcomes, options.match, options.threads, missing, file_bytes=size, part=part
    )
