"""What `verify` and `info` say of one .isth file, as JSON's types."""

from __future__ import annotations

from typing import Any, Literal

from isthmus.batch.job import Item, Job
from isthmus.batch.tools import tools_for
from isthmus.codec import Codec, Progress
from isthmus.errors import InputError, IsthmusError

Kind = Literal["verify", "info"]
Finding = tuple[str, "dict[str, Any] | IsthmusError | OSError"]
"""The name of a file, and what is said of it, or what is wrong with it."""


def verified(codec: Codec, data: bytes, progress: Progress | None = None) -> dict[str, Any]:
    """Size and bytes of a file that decodes.

    Raises:
        IsthmusError: it does not.
    """
    found = codec.verify(data, progress)
    return {"ok": True, "width": found.width, "height": found.height, "bytes": found.bytes}


def described(codec: Codec, data: bytes) -> dict[str, Any]:
    """What a file says of itself.

    Raises:
        IsthmusError: it is none, or damaged.
    """
    return codec.inspect(data).as_dict()


def inspected(kind: Kind, job: Job, item: Item) -> Finding:
    """A file of a job's source, looked at; what is wrong with it is returned."""
    tools = tools_for(job)
    name = f"{job.source.rstrip('/')}/{item.name}"
    try:
        data = tools.source.read(item.name, job.limits.max_file_bytes, item.size)
        found = verified(tools.codec, data) if kind == "verify" else described(tools.codec, data)
    except (IsthmusError, OSError) as error:
        return name, error
    except Exception as error:  # whatever is wrong with one file, the others go on
        return name, InputError(f"{type(error).__name__}: {error}")
    return name, {"input": name} | found
