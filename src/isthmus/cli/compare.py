"""isthmus compare: pictures through isthmus and its rivals."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isthmus.cli.messages import complain, errors_told
from isthmus.cli.options import as_one, force_option, model_option, quality_or_default, usage_errors
from isthmus.text import counted, reason

if TYPE_CHECKING:
    from isthmus.bench.nearest import Match
    from isthmus.bench.page import Comparison
    from isthmus.bench.rivals import Rival

RIVALS = "jpeg,jpeg2000,webp,avif-s6,jxl,png"


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The command line of compare.

    Attributes:
        pictures: the files to compare on.
        quality: of isthmus, 0 to 100; None for the default.
        match: what rivals are set to share with isthmus.
        codecs: names of rivals, with commas.
        output: the page to write; None for a name beside the picture's.
        force: replace what is there.
        model: a model file or the name of an installed model; None for the default.
        threads: of each codec.
    """

    pictures: tuple[Path, ...]
    quality: float | None
    match: "Match"
    codecs: str
    output: Path | None
    force: bool
    model: str | None
    threads: int

    @property
    def target(self) -> Path:
        """The page to write."""
        name = f"{self.pictures[0].stem}-compare.html" if len(self.pictures) == 1 else "isthmus-compare.html"
        return self.output or Path(name)


@click.command()
@click.argument(
    "pictures",
    nargs=-1,
    required=True,
    metavar="PICTURE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("-q", "--quality", metavar="Q", type=click.FloatRange(0, 100), help="Quality of isthmus, 0 to 100.")
@click.option(
    "--match",
    type=click.Choice(["bytes", "psnr"]),
    default="bytes",
    show_default=True,
    help="What the rivals are set to share with isthmus.",
)
@click.option("--codecs", metavar="NAMES", default=RIVALS, show_default=True, help="Rivals, with commas.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML page (default: PICTURE-compare.html here; isthmus-compare.html of several).",
)
@force_option
@model_option
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of each."
)
@as_one(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Compare isthmus with other codecs on pictures, at equal bytes or equal PSNR.

    Prints a table of each and writes one HTML page that opens in any browser without a network.
    """
    with errors_told():
        failed = _compare(options)
    sys.exit(1 if failed else 0)


def _compare(options: CompareOptions) -> bool:
    """Print the tables and write the page; whether a picture was left out."""
    from isthmus.bench import load_bench

    load_bench()
    from isthmus.bench import page, rivals, tables
    from isthmus.errors import IsthmusError, OutputExistsError

    target, several = options.target, len(options.pictures) > 1
    if target.exists() and not options.force:
        raise OutputExistsError(f"{target} exists", hint="Use --force to overwrite it, or -o for another name.")
    with usage_errors():
        present, absent = rivals.choose(options.codecs.split(","))
    parts = []
    for picture in options.pictures:
        try:
            comparison = _one(options, picture, present, absent)
        except (IsthmusError, OSError) as error:
            complain(f"{picture}: {reason(error)}")
            continue
        click.echo(f"{picture}\n{page.table(comparison)}\n" if several else page.table(comparison))
        parts.append(page.part_of(comparison, page.pixels_for(len(options.pictures))))
    if parts:
        if several:
            click.echo(f"{counted(len(parts), 'picture')}\n{tables.as_columns(page.means(parts))}")
        target.parent.mkdir(parents=True, exist_ok=True)
        page.write_page(parts, target)
        click.echo(f"Page: {target}")
    return len(parts) < len(options.pictures)


def _one(options: CompareOptions, picture: Path, present: "list[Rival]", absent: list[tuple[str, str]]) -> "Comparison":
    from isthmus.bench import codec, compare, page, sweep
    from isthmus.image.grid import BLOCK

    original, on_white = sweep.load_on_white(picture)
    weights = codec.Weights(options.model)
    own: codec.Own = click.get_current_context().obj or codec.Own()
    quality = quality_or_default(options.quality)
    missing = list(absent)
    return page.Comparison(
        picture.name,
        original,
        compare.compare(
            original,
            own.codec(weights, "isthmus"),
            present,
            quality,
            options.match,
            options.threads,
            progress=(lambda label: click.echo(f"  {label} ...", err=True)) if sys.stderr.isatty() else None,
            failed=missing,
        ),
        options.match,
        options.threads,
        missing,
        own.bits_map(weights, original, quality),
        BLOCK,
        on_white,
        picture.stat().st_size,
    )
