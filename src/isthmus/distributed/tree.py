"""A job for a whole tree on a cluster, and reports of the files of a tree."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from distributed import Client

from isthmus.batch.inspection import Finding, Kind, inspected, named
from isthmus.batch.job import Item, Job, Result, Summary
from isthmus.batch.journal import open_journal
from isthmus.batch.steps import process
from isthmus.batch.stream import Stream
from isthmus.batch.tree import Tree, is_address, refuse_read_only
from isthmus.codec import is_encoded
from isthmus.distributed.fleet import Fleet
from isthmus.distributed.workers import model_to_send, models_to_send
from isthmus.errors import InputError

_KILLED = "it ended every worker that had it, perhaps out of memory: give workers more"


def run_tree(
    client: Client,
    verb: Literal["encode", "decode"],
    source: str,
    target: str,
    *,
    report: str | Path | None = None,
    on_result: Callable[[Result], object] | None = None,
    **options: Any,
) -> Summary:
    """Encode or decode all below an address on the workers of a cluster; what is done already is skipped.

    The tree is listed while it is worked on, so memory does not grow with it. A run that ends early goes on when it is
    called again with the same arguments.

    Args:
        client: connected to a cluster whose workers have the same isthmus and reach both addresses.
        verb: encode or decode.
        source, target: folders that all workers share, or addresses that fsspec opens, as in s3://bucket/folder.
        report: a file that gets JSON lines: what failed, progress every ten seconds, the summary.
        on_result: called with the result of every file.
        options: fields of `isthmus.batch.job.Job`: quality, model, strip, keep_smaller, copy_others, force, ...

    Returns:
        How many pictures were done, skipped and failed, and bytes before and after.

    Raises:
        InputError: an option or an address cannot be used, or the workers have no isthmus or another version.
        ModelError, UnknownModelError: there are no such weights.
        ConnectionError: no worker came, or the scheduler is gone for good.
        OSError: the source cannot be listed, or the report cannot be written.

    Example:
        >>> run_tree(Client("tcp://scheduler:8786"), "encode", "s3://bucket/in", "s3://bucket/out")  # doctest: +SKIP
    """
    refuse_read_only(target)
    job, summary = Job(verb, source, target, **options), Summary()
    stream = Stream(job)
    with open_journal(report) as journal:
        journal.begin(job)
        for result in journal.watch(results(client, stream), summary):
            if on_result is not None:
                on_result(result)
        journal.end(summary, stream.others.count)
    return summary


def results(client: Client, stream: Stream, step: Callable[[Job, Item], Result] = process) -> Iterator[Result]:
    """The results of a job's items as they end; arguments and errors as of `run_tree`.

    Args:
        step: what is done to an item: `process`, or `foresee`, which does nothing to it.
    """
    job, models = _for_workers(stream.job)
    fleet = Fleet(client, functools.partial(step, job), _lost, models)
    for result in fleet.results(stream):
        stream.trust.learn(result)
        yield result


def findings(client: Client, kind: Kind, job: Job) -> Iterator[Finding]:
    """What `verify` or `info` say of the .isth files of a job's source, as they end.

    Raises:
        InputError, ConnectionError, OSError: as of `run_tree`.
    """
    sent, models = _for_workers(job)
    # In the reports a folder has the name that it was given, whatever the workers call it.
    work, killed = functools.partial(inspected, kind, sent, job.source), InputError(_KILLED)
    fleet: Fleet[Finding] = Fleet(client, work, lambda item: (named(job.source, item), killed), models)
    return fleet.results(_encoded_below(job.source))


def _encoded_below(source: str) -> Iterator[Item | Finding]:
    unread: dict[str, OSError] = {}
    none = True
    for entry in Tree(source).entries(unread):
        if is_encoded(entry.name):
            none = False
            yield Item(entry.name, entry.size, "")
    for name, error in unread.items():
        yield f"{source}/{name}", error
    if none and not unread:
        yield source, InputError("no .isth files in this folder or below")


def _for_workers(job: Job) -> tuple[Job, tuple[bytes, ...]]:
    """A job in names that mean the same on every machine, and the models that it takes along."""
    model, models = model_to_send(job.model)
    if job.verb == "decode":
        models = tuple(dict.fromkeys((*models_to_send(), *models)))
    return replace(job, model=model, source=_absolute(job.source), target=_absolute(job.target)), models


def _absolute(address: str) -> str:
    return address if is_address(address) else os.path.abspath(address)


def _lost(item: Item) -> Result:
    return Result(item, "failed", message=_KILLED)
