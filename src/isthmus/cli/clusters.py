"""Dask clusters on the command line: the option that names one, and reports of the files of a tree that it makes."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.messages import errors_told, remark
from isthmus.cli.options import CodecOptions
from isthmus.cli.reports import Outcome, print_each
from isthmus.cli.streams import STREAM
from isthmus.errors import IsthmusError

if TYPE_CHECKING:
    from isthmus.batch.inspection import Kind

cluster_option = click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Folders: a Dask scheduler whose workers do it, as in tcp://scheduler:8786; local starts some here. "
    "Needs isthmus[distributed].",
)


def refuse_workers(cluster: str | None, workers: int | None) -> None:
    """A usage error where the number of workers is not ours to choose."""
    if cluster not in (None, "local") and workers is not None:
        raise click.UsageError(f"--workers is for processes of this machine: those of {cluster} are what it has.")


@contextmanager
def connected(address: str, workers: int | None = None) -> Iterator[Any]:
    """A client of the cluster; ends the process with status 1 where there is none."""
    from isthmus.extras import require

    with ExitStack() as stack:
        with errors_told():
            require("distributed", ["dask", "distributed"], "--cluster needs")
            from isthmus.distributed.clusters import cluster_client

            client = stack.enter_context(cluster_client(address, workers))
        yield client


def report_each(
    kind: "Kind",
    inputs: tuple[str, ...],
    address: str,
    options: CodecOptions,
    as_json: bool,
    total: str = "",
) -> None:
    """Reports of the .isth files below folders and addresses as a cluster makes them, in no order; exit status 1 if one
    fails. Of several files the last line says how many are `total`."""
    from isthmus.batch.job import Job

    for name in inputs:
        if name == STREAM or os.path.isfile(name):
            raise click.UsageError(f"--cluster is for folders, and {name} is none.")
    count = done = 0

    def outcomes(client: Any) -> Iterator[Outcome]:
        from isthmus.distributed.tree import findings

        nonlocal count, done
        for name in inputs:
            job = Job("decode", name, name, model=options.model, threads=options.threads or 1, limits=options.limits())
            try:
                for outcome in findings(client, kind, job):
                    count, done = count + 1, done + (not isinstance(outcome[1], Exception))
                    yield outcome
            except (IsthmusError, OSError) as error:
                count += 1
                yield name, error

    try:
        with connected(address) as client:
            print_each(outcomes(client), as_json, False)
    except KeyboardInterrupt:
        remark("stopped")
        raise SystemExit(130) from None
    finally:
        if total and count > 1 and not as_json:
            click.echo(f"{done:,} of {count:,} {total}")
