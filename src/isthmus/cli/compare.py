"""isthmus compare: one picture through isthmus and its rivals."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isthmus.cli.messages import complain
from isthmus.cli.options import as_one, force_option, model_option, quality_or_default, usage_errors

if TYPE_CHECKING:
    from isthmus.bench.nearest import Match

RIVALS = "jpeg,jpeg2000,webp,avif-s6,jxl,png"


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The command line of compare.

    Attributes:
        picture: the file to compare on.
        quality: of isthmus, 0 to 100; None for the default.
        match: what rivals are set to share with isthmus.
        codecs: names of rivals, with commas.
        output: the page to write; None for a name beside the picture's.
        force: replace what is there.
        model: a model file or the name of an installed model; None for the default.
        threads: of each codec.
    """

    picture: Path
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
        return self.output or Path(f"{self.picture.stem}-compare.html")


@click.command()
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
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
    help="The HTML page (default: PICTURE-compare.html here).",
)
@force_option
@model_option
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of each."
)
@as_one(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Compare isthmus with other codecs on a PICTURE, at equal bytes or equal PSNR.

    Prints a table and writes an HTML page that opens in any browser without a network.
    """
    from isthmus.errors import IsthmusError

    try:
        text = _compare(options)
    except (IsthmusError, OSError) as error:
        complain(f"{options.picture}: {error}")
        sys.exit(1)
    click.echo(text)
    click.echo(f"Page: {options.target}")


def _compare(options: CompareOptions) -> str:
    from isthmus.bench import load_bench

    load_bench()
    from isthmus.bench import codec, compare, page, rivals, sweep
    from isthmus.errors import OutputExistsError
    from isthmus.image.grid import BLOCK

    target = options.target
    if target.exists() and not options.force:
        raise OutputExistsError(f"{target} exists", hint="Use --force to overwrite it, or -o for another name.")
    with usage_errors():
        present, absent = rivals.choose(options.codecs.split(","))
    original, on_white = sweep.load_on_white(options.picture)
    weights = codec.Weights(options.model)
    own: codec.Own = click.get_current_context().obj or codec.Own()
    quality = quality_or_default(options.quality)
    report = page.Comparison(
        options.picture.name,
        original,
        compare.compare(
            original,
            own.codec(weights, "isthmus"),
            present,
            quality,
            options.match,
            options.threads,
            progress=(lambda label: click.echo(f"  {label} ...", err=True)) if sys.stderr.isatty() else None,
            failed=absent,
        ),
        options.match,
        options.threads,
        absent,
        own.bits_map(weights, original, quality),
        BLOCK,
        on_white,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    page.write_page(report, target)
    return page.table(report)
