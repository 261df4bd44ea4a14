"""isthmus bench: rate and distortion over a folder of pictures or sounds."""

import sys
from pathlib import Path

import click

from isthmus.cli.messages import errors_told
from isthmus.cli.options import usage_errors


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("bench-results"),
    show_default=True,
    help="Where results.json, points.csv, report.html and the plots go.",
)
@click.option("--name", help="What the reports call the set (default: the folder's name).")
@click.option(
    "--codecs",
    metavar="NAMES",
    help="isthmus, isthmus-psnr (--tune psnr), both with -e2 or -e4 (--effort), and rivals (default: all). "
    "Of sounds: isthmus, opus, aac, mp3, flac.",
)
@click.option(
    "--model", "models", metavar="MODEL", multiple=True, help="Weights: a file or an installed model; repeatable."
)
@click.option(
    "--metrics",
    metavar="NAMES",
    help="With commas (default: mse,psnr,ms_ssim,ssimulacra2, and butteraugli if installed; of sounds lsd_db,snr_db, "
    "and visqol and 2f if installed).",
)
@click.option(
    "--anchor",
    metavar="CODEC",
    help="What BD-rates compare with (default: jpeg, of sounds opus, or else the first lossy codec).",
)
@click.option(
    "--published",
    metavar="NAMES",
    is_flag=False,
    flag_value="",
    help="Compare with published Kodak curves too, and draw them: a choice of them, or those named, with commas.",
)
@click.option(
    "--seconds", metavar="S", type=click.FloatRange(min=0, min_open=True), help="Of sounds, only the first S seconds."
)
@click.option(
    "--every",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Take every Nth quality of each codec: quicker, with coarser curves.",
)
@click.option("--timing", is_flag=True, help="Then take the seconds, one codec at a time; leave the machine alone.")
@click.option("--threads", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="For --timing.")
@click.option("--processes", metavar="N", type=click.IntRange(min=1), help="At once (default: one a core).")
@click.option(
    "--cache",
    "cache_folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where measured points are kept (default: in the user's cache folder).",
)
def bench(
    folder: Path,
    output: Path,
    name: str | None,
    codecs: str | None,
    models: tuple[str, ...],
    metrics: str | None,
    anchor: str | None,
    published: str | None,
    seconds: float | None,
    every: int,
    timing: bool,
    threads: int,
    processes: int | None,
    cache_folder: Path | None,
) -> None:
    """Measure isthmus and other codecs on the pictures, or on the sounds, of a FOLDER.

    What is measured is kept: a run that was stopped goes on where it was, and a second run takes seconds.
    """
    with errors_told(about=str(folder)):
        from isthmus.bench import load_bench

        load_bench()
        from isthmus.bench import published as curves
        from isthmus.bench import run

        plan = run.Plan(
            folder=folder,
            output=output,
            name=name or folder.resolve().name,
            codecs=tuple(codecs.split(",")) if codecs else None,
            models=models,
            metrics=tuple(metrics.split(",")) if metrics else None,
            anchor=anchor,
            published=() if published is None else tuple(published.split(",")) if published else curves.SHOWN,
            every=every,
            timing_threads=threads if timing else None,
            processes=processes,
            cache=cache_folder,
            seconds=seconds,
        )
        with usage_errors():
            chosen = run.chosen(plan, click.get_current_context().obj)
        click.echo(run.bench(plan, chosen, _progress))
    click.echo(f"Report: {output / 'report.html'}")


def _progress(done: int, total: int) -> None:
    # A terminal sees every point, a log file a line for each tenth.
    if sys.stderr.isatty():
        click.echo(f"\r{done}/{total} points", nl=done == total, err=True)
    elif done == total or done % max(total // 10, 1) == 0:
        click.echo(f"{done}/{total} points", err=True)
