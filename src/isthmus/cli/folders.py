"""Folders on the command line: options, progress, results and the summary of encode and decode."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli import clusters
from isthmus.cli.messages import complain, errors_told, remark, saving, say
from isthmus.cli.options import CodecOptions, Command, usage_errors
from isthmus.cli.outputs import names_a_file
from isthmus.cli.streams import STREAM
from isthmus.plain import json_text
from isthmus.text import counted, some_of

if TYPE_CHECKING:
    from isthmus.batch.job import Item, Job, Result, Summary
    from isthmus.batch.stream import Others

keep_smaller_option = click.option(
    "--keep-smaller", is_flag=True, help="Keep a file as it is where encoding does not make it smaller."
)
_PAST = {"encode": "encoded", "decode": "decoded"}


def folder_options(command: Command) -> Command:
    """--workers, --copy-others, --dry-run, --report and --cluster."""
    workers = click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Folders: processes (default: one a core)."
    )
    dry_run = click.option("--dry-run", is_flag=True, help="Folders: say what would be done, and do nothing.")
    copy_others = click.option(
        "--copy-others",
        is_flag=True,
        help="Folders: copy all that is left alone otherwise, so that -o can replace the folder.",
    )
    report = click.option(
        "--report",
        metavar="FILE",
        help="Folders: JSON lines as it goes, of failures, progress and the summary; added to what is there.",
    )
    return workers(copy_others(dry_run(report(clusters.cluster_option(command)))))


@dataclass(frozen=True, kw_only=True)
class FileOptions(CodecOptions):
    """What encode and decode share: inputs, which may be one folder, and where their outputs go.

    Attributes:
        inputs: file names, or a folder or an address alone.
        output: what -o names.
        workers, dry_run, copy_others, report, cluster: for folders alone.
        force: replace what is there.
        as_json: reports as JSON.
    """

    inputs: tuple[str, ...]
    output: str | None
    workers: int | None
    dry_run: bool
    copy_others: bool
    report: str | None
    cluster: str | None
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
        if any((options.workers, options.dry_run, options.copy_others, options.report, options.cluster)):
            raise click.UsageError("--workers, --copy-others, --dry-run, --report and --cluster are for folders.")
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
    clusters.refuse_workers(options.cluster, options.workers)
    return True


@dataclass(frozen=True)
class _Work:
    """What a run is made of.

    Attributes:
        results: as they end.
        length: how many there will be; None where nobody knows.
        others: files left alone.
        media: names of what the files hold, which are known when the run has ended.
    """

    results: "Iterable[Result]"
    length: int | None
    others: "Others"
    media: set[str]


def run(job: "Job", options: FileOptions) -> None:
    """Do a job for a whole tree; ends the process with status 1 if a file failed."""
    from isthmus.batch.job import Summary
    from isthmus.batch.journal import open_journal

    start, summary = time.perf_counter(), Summary()
    try:
        if options.dry_run:
            sys.exit(1 if _would_fail(job, options) else 0)
        with open_journal(options.report) as journal, _work(job, options) as work:
            journal.begin(job)
            with _progress(job.verb, work, options.as_json) as show:
                for result in journal.watch(_or_end(job, work.results), summary):
                    _report(result, options.as_json)
                    show(summary, time.perf_counter() - start)
            journal.end(summary, work.others.count)
    except KeyboardInterrupt:
        remark("stopped; the same command goes on where this one was")
        sys.exit(130)
    _summarise(job, summary, work, time.perf_counter() - start, options.as_json)
    if summary.failed:
        sys.exit(1)


@contextmanager
def _work(job: "Job", options: FileOptions) -> "Iterator[_Work]":
    """The job, by processes of this machine or by a cluster; with --dry-run what it would be."""
    from isthmus.batch.run import run as results
    from isthmus.batch.steps import foresee, process
    from isthmus.batch.stream import Stream

    if options.cluster is None:
        todo, others, unread = _listed(job)
        done: Iterator[Result]
        if options.dry_run:
            done = (foresee(job, item) for item in todo)
        else:
            done = results(job, todo, options.workers or os.cpu_count() or 1)
        yield _Work(chain(unread, done), len(todo), others, _media(todo))
        return
    with clusters.connected(options.cluster, options.workers) as client:
        from isthmus.distributed.tree import results as clusters_results

        stream = Stream(job)
        with errors_told(about=job.source):
            _open(job)
        done = clusters_results(client, stream, foresee if options.dry_run else process)
        yield _Work(done, None, stream.others, stream.media)


def _listed(job: "Job") -> "tuple[list[Item], Others, list[Result]]":
    """What is to be done, the files left alone, and the folders that cannot be read."""
    from isthmus.batch.plan import items
    from isthmus.batch.stream import Others

    with errors_told(about=job.source):
        _open(job)
        todo, others, unread = items(job)
    if job.copy_others:
        todo, others = [*todo, *others], []
    left = Others()
    for item in others:
        left.add(item.name)
    return todo, left, unread


def _open(job: "Job") -> None:
    """What cannot be opened is said before anything is read."""
    from isthmus.batch.tree import Tree

    Tree(job.target)


def _or_end(job: "Job", results: "Iterable[Result]") -> "Iterator[Result]":
    with errors_told(about=job.source):
        yield from results


def _would_fail(job: "Job", options: FileOptions) -> bool:
    """Says what would be done; whether some of it would fail."""
    from isthmus.batch.job import Summary

    summary, as_json = Summary(), options.as_json
    with _work(job, options) as work:
        for found in _or_end(job, work.results):
            summary.add(found)
            item = found.item
            if as_json:
                record = {"input": item.name, "bytes": item.size, "output": item.output}
                click.echo(json_text(record | {"state": found.state, "message": found.message}))
            elif found.state in ("done", "copied"):
                say(f"{item.name} -> {item.output}")
            else:
                _report(found, as_json)
    if not as_json:
        count = counted(summary.done, _noun(work.media))
        parts = [f"{count} of {summary.bytes_before:,} bytes would be {_PAST[job.verb]}"]
        parts += [f"{summary.skipped:,} whole already"] if summary.skipped else []
        parts += [f"{counted(summary.copied, 'other file')} copied"] if summary.copied else []
        parts += [f"{summary.failed:,} would fail"] if summary.failed else []
        click.echo("; ".join(parts))
        _name_others(work.others)
    return summary.failed > 0


def _report(result: "Result", as_json: bool) -> None:
    item = result.item
    if as_json:
        record = {"input": item.name, "output": item.output, "state": result.state, "bytes_before": item.size}
        click.echo(json_text(record | {"bytes": result.bytes_after, "message": result.message}))
    elif result.state == "failed":
        complain(f"{item.name}: {result.message}")
    elif result.message:
        say(f"{item.name}: {result.message}")


def _summarise(job: "Job", summary: "Summary", work: _Work, seconds: float, as_json: bool) -> None:
    if as_json:
        click.echo(json_text({"summary": asdict(summary) | {"other_files": work.others.count, "seconds": seconds}}))
        return
    counts = [f"{summary.done:,} {_PAST[job.verb]}"]
    counts += [f"{summary.kept:,} copied as they were"] if summary.kept else []
    counts += [f"{counted(summary.copied, 'other file')} copied"] if summary.copied else []
    counts += [f"{summary.skipped:,} whole already"] if summary.skipped else []
    counts += [f"{summary.failed:,} failed"] if summary.failed else []
    rate = summary.total / seconds
    noun = _noun(work.media)
    total = counted(summary.total, noun)
    click.echo(f"{total} in {seconds:.1f} s ({rate:.1f} a second): {', '.join(counts)}")
    if summary.bytes_before and job.verb == "encode":
        saved = saving(summary.bytes_before, summary.bytes_after)
        click.echo(f"{summary.bytes_before:,} bytes before, {summary.bytes_after:,} after: {saved}")
    elif summary.bytes_before:
        # What takes more in another format is nothing that decoding could save.
        click.echo(f"{summary.bytes_before:,} bytes of .isth files read, {summary.bytes_after:,} of {noun}s written")
    _name_others(work.others)


def _media(todo: "list[Item]") -> set[str]:
    return {item.medium for item in todo if item.medium}


def _noun(media: set[str]) -> str:
    """What the files are that a job works on."""
    return next(iter(media)) if len(media) == 1 else "file"


def _name_others(others: "Others") -> None:
    """Which files were neither encoded nor copied."""
    if others.count:
        names = some_of(others.names)
        click.echo(f"{counted(others.count, 'other file')} left alone (--copy-others copies): {names}")


@contextmanager
def _progress(verb: str, work: _Work, quiet: bool) -> Iterator[Any]:
    """A bar with files a second and bytes saved, where there is somebody to see it; a count where nobody knows how
    many there are."""
    if quiet or not sys.stderr.isatty():
        yield lambda summary, seconds: None
        return
    if work.length is None:

        def count(summary: "Summary", seconds: float) -> None:
            text = f"{counted(summary.total, _noun(work.media))}, {summary.total / seconds:.1f} a second"
            click.echo(f"\r{text}", file=sys.stderr, nl=False)

        yield count
        click.echo(file=sys.stderr)
        return
    with click.progressbar(length=work.length, file=sys.stderr, item_show_func=lambda text: text) as bar:

        def show(summary: "Summary", seconds: float) -> None:
            saved = f", {(summary.bytes_before - summary.bytes_after) / 1e6:.1f} MB saved" if verb == "encode" else ""
            bar.update(1, f"{summary.total / seconds:.1f} {_noun(work.media)}s/s{saved}")

        yield show


def _refuse_nested(source: str, target: str) -> None:
    if "://" in source or "://" in target:
        return
    inside = Path(target).resolve()
    if inside == Path(source).resolve() or Path(source).resolve() in inside.parents:
        raise click.UsageError(f"{target} lies inside {source}; choose a folder beside it.")
