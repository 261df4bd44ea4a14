"""`verify` and `info` of one file of a tree."""

from __future__ import annotations

from typing import Literal

from isthmus.batch.job import Item, Job
from isthmus.batch.tools import tools_for
from isthmus.errors import InputError, IsthmusError
from isthmus.inspection import Said, described, verified

Kind = Literal["verify", "info"]
Finding = tuple[str, Said | IsthmusError | OSError]
"""The name of a file, and what is said of it, or what is wrong with it."""


def inspected(kind: Kind, job: Job, item: Item) -> Finding:
    """A file of a job's source, looked at; what is wrong with it is returned."""
    tools = tools_for(job)
    name = f"{job.source.rstrip('/')}/{item.name}"
    try:
        data = tools.source.read(item.name, job.limits.max_file_bytes, item.size)
        return name, verified(tools.codec, name, data) if kind == "verify" else described(tools.codec, name, data)
    except (IsthmusError, OSError) as error:
        return name, error
    except Exception as error:  # whatever is wrong with one file, the others go on
        return name, InputError(f"{type(error).__name__}: {error}")
