"""What is done to one item of a job: it is encoded or decoded, unless an earlier run did that."""

from __future__ import annotations

import io
from collections.abc import Callable

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.resume import FORCE, decoded_before, encoded_before
from isthmus.batch.tools import tools_for
from isthmus.errors import IsthmusError, OutputExistsError
from isthmus.image.files import open_picture, save_picture
from isthmus.rate_control import encode_to_target
from isthmus.text import reason


def process(job: Job, item: Item) -> Result:
    """Encode or decode one picture; every failure becomes a result."""
    work: Callable[[Job, Item], Result] = _encode if job.verb == "encode" else _decode
    return _result(work, job, item)


def foresee(job: Job, item: Item) -> Result:
    """What `process` would find there before it does anything: whole already, in its way, or nothing ("done")."""
    return _result(_foresee, job, item)


def _result(work: Callable[[Job, Item], Result], job: Job, item: Item) -> Result:
    try:
        return work(job, item)
    except (OSError, IsthmusError) as error:
        return Result(item, "failed", message=reason(error))
    except Exception as error:  # whatever is wrong with one picture, the others go on
        return Result(item, "failed", message=f"{type(error).__name__}: {error}")


def _foresee(job: Job, item: Item) -> Result:
    tools = tools_for(job)
    if job.verb == "encode":
        before = encoded_before(job, item, tools)
    else:
        # Inspected in any case: a damaged file is foreseen too.
        info = tools.codec.inspect(tools.source.read(item.name, job.limits.max_file_bytes))
        before = decoded_before(job, item, tools, lambda: info)
    return Result(item, "skipped" if before else "done")


def _encode(job: Job, item: Item) -> Result:
    tools = tools_for(job)
    codec, source, target = tools.codec, tools.source, tools.target
    if encoded_before(job, item, tools):
        return Result(item, "skipped")
    with source.open(item.name, job.limits.max_file_bytes) as stream:
        picture = open_picture(stream, job.limits)
    notes = list(picture.notes)
    if job.aim is None:
        data = codec.encode(picture, job.quality, job.strip)
    else:
        reached = encode_to_target(codec, picture, job.aim, job.strip)
        data = reached.data
        notes += [reached.note] if reached.note else []
    if job.keep_smaller and len(data) >= item.size:
        original = source.read(item.name, job.limits.max_file_bytes)
        if not job.force and target.size(item.name) is not None:
            raise OutputExistsError(f"{item.name} is there already and is another file", hint=FORCE)
        target.write(item.name, original)
        return Result(item, "kept", len(original), f"{len(data)} bytes encoded, not smaller: copied as it is")
    target.write(item.output, data)
    return Result(item, "done", len(data), "; ".join(notes))


def _decode(job: Job, item: Item) -> Result:
    tools = tools_for(job)
    data = tools.source.read(item.name, job.limits.max_file_bytes)
    if decoded_before(job, item, tools, lambda: tools.codec.inspect(data)):
        return Result(item, "skipped")
    buffer = io.BytesIO()
    save_picture(tools.codec.decode_image(data), buffer, "PNG", job.strip)
    tools.target.write(item.output, buffer.getvalue())
    return Result(item, "done", buffer.tell())
