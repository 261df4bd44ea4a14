"""isthmus compare: one picture through isthmus and its rivals."""

import sys
from pathlib import Path

import click

from isthmus.cli import common

RIVALS = "jpeg,jpeg2000,webp,avif-s6,jxl,png"


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
@common.force_option
@common.model_option
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of each."
)
def compare(
    picture: Path,
    quality: float | None,
    match: str,
    codecs: str,
    output: Path | None,
    force: bool,
    model: str | None,
    threads: int,
) -> None:
    """Compare isthmus with other codecs on a PICTURE, at equal bytes or equal PSNR.

    Prints a table and writes an HTML page that opens in any browser without a network.
    """
    from isthmus.errors import IsthmusError

    target = output or Path(f"{picture.stem}-compare.html")
    try:
        text = _compare(picture, quality, match == "psnr", codecs, target, force, model, threads)
    except (IsthmusError, OSError) as error:
        common.complain(f"{picture}: {error}")
        sys.exit(1)
    click.echo(text)
    click.echo(f"Page: {target}")


def _compare(
    picture: Path,
    quality: float | None,
    match_psnr: bool,
    codecs: str,
    target: Path,
    force: bool,
    model: str | None,
    threads: int,
) -> str:
    from isthmus.bench import load_bench

    load_bench()
    from isthmus.bench import codec as own
    from isthmus.bench import compare, page, rivals, sweep
    from isthmus.codec import DEFAULT_QUALITY
    from isthmus.errors import OutputExistsError

    if target.exists() and not force:
        raise OutputExistsError(f"{target} exists", hint="Use --force to overwrite it, or -o for another name.")
    with common.usage_errors():
        present, absent = rivals.choose(codecs.split(","))
    original, on_white = sweep.load_on_white(picture)
    weights = own.Weights(model)
    chosen = DEFAULT_QUALITY if quality is None else quality
    report = page.Comparison(
        picture.name,
        original,
        compare.compare(
            original,
            own.own_rival(weights),
            present,
            chosen,
            "psnr" if match_psnr else "bytes",
            threads,
            progress=(lambda label: click.echo(f"  {label} ...", err=True)) if sys.stderr.isatty() else None,
            failed=absent,
        ),
        "psnr" if match_psnr else "bytes",
        threads,
        absent,
        own.bits_map(weights, original, chosen),
        own.BLOCK,
        on_white,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    page.write_page(report, target)
    return page.table(report)
