"""What `verify` and `info` say of one .isth file, to programs and to people."""

from __future__ import annotations

from typing import Any, Literal

from isthmus.batch.job import Item, Job
from isthmus.batch.tools import tools_for
from isthmus.codec import Codec
from isthmus.errors import InputError, IsthmusError
from isthmus.medium.protocol import Progress

Kind = Literal["verify", "info"]
Said = tuple[dict[str, Any], str]
"""As JSON's types, and in lines."""
Finding = tuple[str, Said | IsthmusError | OSError]
"""The name of a file, and what is said of it, or what is wrong with it."""


def verified(codec: Codec, name: str, data: bytes, progress: Progress | None = None) -> Said:
    """Size and bytes of a file that decodes.

    Raises:
        IsthmusError: it does not.
    """
    found = codec.verify(data, progress)
    text = f"{name}: whole and decodable, {found.extent}, {found.bytes} bytes"
    return {"input": name, "ok": True, **found.facts, "bytes": found.bytes}, text


def described(codec: Codec, name: str, data: bytes) -> Said:
    """What a file says of itself.

    Raises:
        IsthmusError: it is none, or damaged.
    """
    found = codec.inspect(data)
    return {"input": name} | found.as_dict(), f"{name}: {found.text()}"


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
