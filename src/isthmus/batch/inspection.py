"""`verify` and `info` of one file of a tree."""

from __future__ import annotations

from typing import Literal

from isthmus.batch.job import Item, Job
from isthmus.batch.room import ROOM
from isthmus.batch.tools import tools_for
from isthmus.errors import InputError, IsthmusError
from isthmus.inspection import Said, described, verified

Kind = Literal["verify", "info"]
Finding = tuple[str, Said | IsthmusError | OSError]
"""The name of a file, and what is said of it, or what is wrong with it."""


def named(source: str, item: Item) -> str:
    """What reports call a file below a folder or an address."""
    return f"{source.rstrip('/')}/{item.name}"


def inspected(kind: Kind, job: Job, source: str, item: Item) -> Finding:
    """A file of a job's source, looked at; what is wrong with it is returned.

    Args:
        source: what reports call the job's source.
    """
    name = named(source, item)
    try:
        return name, _said(kind, job, name, item)
    except (IsthmusError, OSError) as error:
        return name, error
    except Exception as error:  # whatever is wrong with one file, the others go on
        return name, InputError(f"{type(error).__name__}: {error}")


def _said(kind: Kind, job: Job, name: str, item: Item) -> Said:
    tools = tools_for(job)
    data = tools.source.read(item.name, job.limits.max_file_bytes, item.size)
    if kind == "info":
        return described(tools.codec, name, data)
    with ROOM.taken(tools.codec.inspect(data).facts):
        return verified(tools.codec, name, data)
