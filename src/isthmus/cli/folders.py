"""Folders on the command line: options, progress, results and the summary of encode and decode."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.messages import complain, say
from isthmus.cli.options import CodecOptions, Command
from isthmus.cli.streams import STREAM
from isthmus.errors import IsthmusError
from isthmus.plain import json_text
from isthmus.text import counted

if TYPE_CHECKING:
    from isthmus.batch.job import Item, Job, Result, Summary

keep_smaller_option = click.option(
    "--keep-smaller", is_flag=True, help="Folders: copy a picture as it is where encoding does not make it smaller."
)
_PAST = {"encode": "encoded", "decode": "decoded"}


def folder_options(command: Command) -> Command:
    """--workers and --dry-run."""
    workers = click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Folders: processes (default: one a core)."
    )
    dry_run = click.option("--dry-run", is_flag=True, help="Folders: say what would be done, and do nothing.")
    return workers(dry_run(command))


@dataclass(frozen=True, kw_only=True)
class FileOptions(CodecOptions):
    """What encode and decode share: inputs, which may be one folder, and where their outputs go.

    Attributes:
        inputs: file names, or a folder or an address alone.
        output: what -o names.
        workers, dry_run: for folders alone.
        force: replace what is there.
        as_json: reports as JSON.
    """

    inputs: tuple[str, ...]
    output: str | None
    workers: int | None
    dry_run: bool
    force: bool
    as_json: bool

    def of_job(self) -> dict[str, Any]:
        """The fields of a `Job` that these options decide."""
        return {
            "source": self.inputs[0],
            "target": self.output or "",
            "force": self.force,
            "model": self.model,
            "threads": self.threads or 1,
            "limits": self.limits(),
        }


def is_wanted(options: FileOptions) -> bool:
    """Whether the input is a folder or an address; raises a usage error where that cannot be served."""
    # Not `Path.is_dir`, which raises where a folder above may not be entered: that is an error of one input.
    trees = [name for name in options.inputs if "://" in name or os.path.isdir(name)]
    if not trees:
        if options.workers is not None or options.dry_run:
            raise click.UsageError("--workers and --dry-run are for folders.")
        return False
    if len(options.inputs) > 1:
        raise click.UsageError(f"{trees[0]} is a folder: give it alone.")
    if options.output is None or options.output == STREAM:
        raise click.UsageError(f"{trees[0]} is a folder: say with -o where its tree goes.")
    _refuse_nested(trees[0], options.output)
    return True


def run(job: "Job", options: FileOptions) -> None:
    """Do a job for a whole tree; ends the process with status 1 if a picture failed."""
    from isthmus.batch.job import Summary
    from isthmus.batch.plan import items
    from isthmus.batch.run import run as results

    try:
        todo, others, unread = items(job)
    except (IsthmusError, OSError) as error:
        complain(f"{job.source}: {error}")
        sys.exit(1)
    start, summary = time.perf_counter(), Summary()
    for result in unread:
        summary.add(result)
        _report(result, options.as_json)
    if options.dry_run:
        _say_what_would_be_done(job, todo, others, summary, options.as_json)
        return
    try:
        with _progress(len(todo), options.as_json) as show:
            for result in results(job, todo, options.workers or os.cpu_count() or 1):
                summary.add(result)
                _report(result, options.as_json)
                show(summary, time.perf_counter() - start)
    except KeyboardInterrupt:
        click.echo("Stopped. The same command goes on where this one was.", err=True)
        sys.exit(130)
    _summarise(job, summary, others, time.perf_counter() - start, options.as_json)
    if summary.failed:
        sys.exit(1)


def _say_what_would_be_done(job: "Job", todo: "list[Item]", others: int, summary: "Summary", as_json: bool) -> None:
    from isthmus.batch.steps import foresee

    for item in todo:
        found = foresee(job, item)
        summary.add(found)
        if as_json:
            record = {"input": item.name, "bytes": item.size, "output": item.output}
            click.echo(json_text(record | {"state": found.state, "message": found.message}))
        elif found.state == "done":
            say(f"{item.name} -> {item.output}")
        else:
            _report(found, as_json)
    if not as_json:
        parts = [f"{counted(summary.done, 'picture')} of {summary.bytes_before:,} bytes would be {_PAST[job.verb]}"]
        parts += [f"{summary.skipped:,} whole already"] if summary.skipped else []
        parts += [f"{summary.failed:,} would fail"] if summary.failed else []
        click.echo(f"{'; '.join(parts)}; {counted(others, 'other file')} left.")


def _report(result: "Result", as_json: bool) -> None:
    item = result.item
    if as_json:
        record = {"input": item.name, "output": item.output, "state": result.state, "bytes_before": item.size}
        click.echo(json_text(record | {"bytes": result.bytes_after, "message": result.message}))
    elif result.state == "failed":
        complain(f"{item.name}: {result.message}")
    elif result.message:
        say(f"{item.name}: {result.message}")


def _summarise(job: "Job", summary: "Summary", others: int, seconds: float, as_json: bool) -> None:
    if as_json:
        click.echo(json_text({"summary": asdict(summary) | {"other_files": others, "seconds": seconds}}))
        return
    counts = [f"{summary.done:,} {_PAST[job.verb]}"]
    counts += [f"{summary.kept:,} copied as they were"] if summary.kept else []
    counts += [f"{summary.skipped:,} whole already"] if summary.skipped else []
    counts += [f"{summary.failed:,} failed"] if summary.failed else []
    rate = summary.total / seconds
    total = counted(summary.total, "picture")
    click.echo(f"{total} in {seconds:.1f} s ({rate:.1f} a second): {', '.join(counts)}")
    if summary.bytes_before:
        change = 100 * (1 - summary.bytes_after / summary.bytes_before)
        saved = f"{change:.1f} % saved" if change >= 0 else f"{-change:.1f} % more"
        click.echo(f"{summary.bytes_before:,} bytes before, {summary.bytes_after:,} after: {saved}")
    if others:
        click.echo(f"{counted(others, 'other file')} left alone")


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Any]:
    """A bar with pictures a second and bytes saved, where there is somebody to see it."""
    if quiet or not sys.stderr.isatty():
        yield lambda summary, seconds: None
        return
    with click.progressbar(length=total, file=sys.stderr, item_show_func=lambda text: text) as bar:

        def show(summary: "Summary", seconds: float) -> None:
            saved = (summary.bytes_before - summary.bytes_after) / 1e6
            bar.update(1, f"{summary.total / seconds:.1f} pictures/s, {saved:.1f} MB saved")

        yield show


def _refuse_nested(source: str, target: str) -> None:
    if "://" in source or "://" in target:
        return
    inside = Path(target).resolve()
    if inside == Path(source).resolve() or Path(source).resolve() in inside.parents:
        raise click.UsageError(f"{target} lies inside {source}; choose a folder beside it.")
