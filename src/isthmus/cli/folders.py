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

from isthmus.cli.messages import complain, remark, saving, say
from isthmus.cli.options import CodecOptions, Command, usage_errors
from isthmus.cli.outputs import names_a_file
from isthmus.cli.streams import STREAM
from isthmus.errors import IsthmusError
from isthmus.plain import json_text
from isthmus.text import counted, some_of

if TYPE_CHECKING:
    from isthmus.batch.job import Item, Job, Result, Summary

keep_smaller_option = click.option(
    "--keep-smaller", is_flag=True, help="Keep a file as it is where encoding does not make it smaller."
)
_PAST = {"encode": "encoded", "decode": "decoded"}


def folder_options(command: Command) -> Command:
    """--workers, --copy-others and --dry-run."""
    workers = click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Folders: processes (default: one a core)."
    )
    dry_run = click.option("--dry-run", is_flag=True, help="Folders: say what would be done, and do nothing.")
    copy_others = click.option(
        "--copy-others",
        is_flag=True,
        help="Folders: copy all that is left alone otherwise, so that -o can replace the folder.",
    )
    return workers(copy_others(dry_run(command)))


@dataclass(frozen=True, kw_only=True)
class FileOptions(CodecOptions):
    """What encode and decode share: inputs, which may be one folder, and where their outputs go.

    Attributes:
        inputs: file names, or a folder or an address alone.
        output: what -o names.
        workers, dry_run, copy_others: for folders alone.
        force: replace what is there.
        as_json: reports as JSON.
    """

    inputs: tuple[str, ...]
    output: str | None
    workers: int | None
    dry_run: bool
    copy_others: bool
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
            "copy_others": self.copy_others,
        }


def is_wanted(options: FileOptions) -> bool:
    """Whether the input is a folder or an address; raises a usage error where that cannot be served."""
    from isthmus.batch.tree import refuse_read_only

    # Not `Path.is_dir`, which raises where a folder above may not be entered: that is an error of one input.
    trees = [name for name in options.inputs if "://" in name or os.path.isdir(name)]
    if not trees:
        if options.workers is not None or options.dry_run or options.copy_others:
            raise click.UsageError("--workers, --copy-others and --dry-run are for folders.")
        return False
    if len(options.inputs) > 1:
        raise click.UsageError(f"{trees[0]} is a folder: give it alone.")
    if options.output is None or options.output == STREAM:
        raise click.UsageError(f"{trees[0]} is a folder: say with -o where its tree goes.")
    if names_a_file(options.output):
        raise click.UsageError(
            f"{trees[0]} is a folder, and {options.output} looks like a file: {options.output}/ makes it a folder."
        )
    if os.path.isfile(options.output):
        raise click.UsageError(f"{trees[0]} is a folder, and {options.output} is a file: name a folder with -o.")
    _refuse_nested(trees[0], options.output)
    with usage_errors():
        refuse_read_only(options.output)
    return True


def run(job: "Job", options: FileOptions) -> None:
    """Do a job for a whole tree; ends the process with status 1 if a file failed."""
    from isthmus.batch.job import Summary
    from isthmus.batch.plan import items
    from isthmus.batch.run import run as results
    from isthmus.batch.tree import Tree

    try:
        Tree(job.target)  # what cannot be opened is said before anything is read
        todo, others, unread = items(job)
    except (IsthmusError, OSError) as error:
        complain(f"{job.source}: {error}")
        sys.exit(1)
    start, summary = time.perf_counter(), Summary()
    if job.copy_others:
        todo, others = [*todo, *others], []
    for result in unread:
        summary.add(result)
        _report(result, options.as_json)
    if options.dry_run:
        _say_what_would_be_done(job, todo, others, summary, options.as_json)
        sys.exit(1 if summary.failed else 0)
    try:
        with _progress(job.verb, todo, options.as_json) as show:
            for result in results(job, todo, options.workers or os.cpu_count() or 1):
                summary.add(result)
                _report(result, options.as_json)
                show(summary, time.perf_counter() - start)
    except KeyboardInterrupt:
        remark("stopped; the same command goes on where this one was")
        sys.exit(130)
    _summarise(job, summary, todo, others, time.perf_counter() - start, options.as_json)
    if summary.failed:
        sys.exit(1)


def _say_what_would_be_done(
    job: "Job", todo: "list[Item]", others: "list[Item]", summary: "Summary", as_json: bool
) -> None:
    from isthmus.batch.steps import foresee

    for item in todo:
        found = foresee(job, item)
        summary.add(found)
        if as_json:
            record = {"input": item.name, "bytes": item.size, "output": item.output}
            click.echo(json_text(record | {"state": found.state, "message": found.message}))
        elif found.state in ("done", "copied"):
            say(f"{item.name} -> {item.output}")
        else:
            _report(found, as_json)
    if not as_json:
        parts = [f"{counted(summary.done, _noun(todo))} of {summary.bytes_before:,} bytes would be {_PAST[job.verb]}"]
        parts += [f"{summary.skipped:,} whole already"] if summary.skipped else []
        parts += [f"{counted(summary.copied, 'other file')} copied"] if summary.copied else []
        parts += [f"{summary.failed:,} would fail"] if summary.failed else []
        click.echo("; ".join(parts))
        _name_others(others)


def _report(result: "Result", as_json: bool) -> None:
    item = result.item
    if as_json:
        record = {"input": item.name, "output": item.output, "state": result.state, "bytes_before": item.size}
        click.echo(json_text(record | {"bytes": result.bytes_after, "message": result.message}))
    elif result.state == "failed":
        complain(f"{item.name}: {result.message}")
    elif result.message:
        say(f"{item.name}: {result.message}")


def _summarise(
    job: "Job", summary: "Summary", todo: "list[Item]", others: "list[Item]", seconds: float, as_json: bool
) -> None:
    if as_json:
        click.echo(json_text({"summary": asdict(summary) | {"other_files": len(others), "seconds": seconds}}))
        return
    counts = [f"{summary.done:,} {_PAST[job.verb]}"]
    counts += [f"{summary.kept:,} copied as they were"] if summary.kept else []
    counts += [f"{counted(summary.copied, 'other file')} copied"] if summary.copied else []
    counts += [f"{summary.skipped:,} whole already"] if summary.skipped else []
    counts += [f"{summary.failed:,} failed"] if summary.failed else []
    rate = summary.total / seconds
    noun = _noun(todo)
    total = counted(summary.total, noun)
    click.echo(f"{total} in {seconds:.1f} s ({rate:.1f} a second): {', '.join(counts)}")
    if summary.bytes_before and job.verb == "encode":
        saved = saving(summary.bytes_before, summary.bytes_after)
        click.echo(f"{summary.bytes_before:,} bytes before, {summary.bytes_after:,} after: {saved}")
    elif summary.bytes_before:
        # What takes more in another format is nothing that decoding could save.
        click.echo(f"{summary.bytes_before:,} bytes of .isth files read, {summary.bytes_after:,} of {noun}s written")
    _name_others(others)


def _noun(todo: "list[Item]") -> str:
    """What the files are that a job works on."""
    media = {item.medium for item in todo if item.medium}
    return media.pop() if len(media) == 1 else "file"


def _name_others(others: "list[Item]") -> None:
    """Which files were neither encoded nor copied."""
    if others:
        names = some_of([item.name for item in others])
        click.echo(f"{counted(len(others), 'other file')} left alone (--copy-others copies): {names}")


@contextmanager
def _progress(verb: str, todo: "list[Item]", quiet: bool) -> Iterator[Any]:
    """A bar with files a second and bytes saved, where there is somebody to see it."""
    if quiet or not sys.stderr.isatty():
        yield lambda summary, seconds: None
        return
    with click.progressbar(length=len(todo), file=sys.stderr, item_show_func=lambda text: text) as bar:

        def show(summary: "Summary", seconds: float) -> None:
            saved = f", {(summary.bytes_before - summary.bytes_after) / 1e6:.1f} MB saved" if verb == "encode" else ""
            bar.update(1, f"{summary.total / seconds:.1f} {_noun(todo)}s/s{saved}")

        yield show


def _refuse_nested(source: str, target: str) -> None:
    if "://" in source or "://" in target:
        return
    inside = Path(target).resolve()
    if inside == Path(source).resolve() or Path(source).resolve() in inside.parents:
        raise click.UsageError(f"{target} lies inside {source}; choose a folder beside it.")
