"""What is done to one item of a job: it is encoded or decoded, unless an earlier run did that."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.resume import copied_before, decoded_before, encoded_before
from isthmus.batch.room import ROOM
from isthmus.batch.tools import Tools, tools_for
from isthmus.errors import (
    InputError,
    IsthmusError,
    LimitExceededError,
    MissingExtraError,
    UnsupportedPictureError,
)
from isthmus.media import medium_of_name, parse, why_unread
from isthmus.medium.protocol import Content, Medium
from isthmus.rate_control import encode_to_target
from isthmus.text import reason


def process(job: Job, item: Item) -> Result:
    """Encode or decode one file, or copy another; every failure becomes a result."""
    if item.copied:
        result = _result(_copy, job, item)
        why = why_unread(item.name) if job.verb == "encode" and result.state == "copied" else ""
        return replace(result, message=f"copied as it is: {why}") if why else result
    work: Callable[[Job, Item], Result] = _encode_or_copy if job.verb == "encode" else _decode
    return _result(work, job, item)


def foresee(job: Job, item: Item) -> Result:
    """What `process` would find there before it does anything: whole already, in its way, or nothing ("done")."""
    return _result(_foresee, job, item)


def _result(work: Callable[[Job, Item], Result], job: Job, item: Item) -> Result:
    try:
        return work(job, item)
    except (OSError, IsthmusError) as error:
        return Result(item, "failed", message=reason(error))
    except Exception as error:  # whatever is wrong with one file, the others go on
        return Result(item, "failed", message=f"{type(error).__name__}: {error}")


def _foresee(job: Job, item: Item) -> Result:
    tools = tools_for(job)
    if item.copied:
        return Result(item, "skipped" if copied_before(job, item, tools) else "copied")
    if job.verb == "encode":
        before = encoded_before(job, item, tools)
    else:
        # Inspected in any case: a damaged file is foreseen too.
        medium, parsed = parse(tools.source.read(item.name, job.limits.max_file_bytes), job.limits)
        before = decoded_before(job, item, tools, medium, medium.info(parsed))
    return Result(item, "skipped" if before else "done")


def _encode_or_copy(job: Job, item: Item) -> Result:
    try:
        return _encode(job, item)
    except (UnsupportedPictureError, LimitExceededError, MissingExtraError) as error:
        # Whole, and not for isthmus: what the option is for.
        if not job.copy_others:
            raise
        copied = _copy(job, item)
        return (
            copied if copied.state == "skipped" else replace(copied, state="kept", message=f"copied as it is: {error}")
        )
    except InputError as error:
        # Damaged: nothing is lost, but nobody should take the copy for a picture.
        if not job.copy_others:
            raise
        _copy(job, item)
        return Result(item, "failed", message=f"copied as it is: {error}")


def _encode(job: Job, item: Item) -> Result:
    tools = tools_for(job)
    if encoded_before(job, item, tools):
        return Result(item, "skipped")
    medium = medium_of_name(item.name)
    if medium is None:
        raise InputError(f"{item.name} is nothing that is encoded")
    with ExitStack() as room:
        with tools.source.open(item.name, job.limits.max_file_bytes, item.size) as stream:
            # Opening takes the memory of all samples: whoever waits has read no more than the header.
            room.enter_context(ROOM.taken(medium.facts_of(stream, job.limits)))
            stream.seek(0)
            content = medium.open(stream, job.limits, job.options)
        return _encode_content(job, item, tools, content)


def _encode_content(job: Job, item: Item, tools: Tools, content: Content) -> Result:
    codec = tools.codec
    notes = list(content.notes)
    if job.aim is None:
        data = codec.encode(content, job.quality)
    else:
        reached = encode_to_target(codec, content, job.aim)
        data = reached.data
        notes += [reached.note] if reached.note else []
    if job.keep_smaller and len(data) >= item.size:
        message = f"{len(data)} bytes encoded, not smaller: copied as it is"
        return replace(_copy(job, item), state="kept", message=message)
    tools.target.write(item.output, data)
    return Result(item, "done", len(data), "; ".join(notes))


def _decode(job: Job, item: Item) -> Result:
    tools = tools_for(job)
    data = tools.source.read(item.name, job.limits.max_file_bytes, item.size)
    medium, parsed = parse(data, job.limits)
    info = medium.info(parsed)
    if decoded_before(job, item, tools, medium, info):
        return Result(item, "skipped")
    with ROOM.taken(info.facts):
        return _decode_parsed(job, item, tools, medium, parsed)


def _decode_parsed(job: Job, item: Item, tools: Tools, medium: Medium, parsed: Any) -> Result:
    decoder = tools.codec.decoder_of(medium, parsed)
    buffer = io.BytesIO()
    saved = medium.save(decoder, buffer, medium.format_of(Path(item.output)), job.options)
    tools.target.write(item.output, buffer.getvalue())
    return Result(item, "done", buffer.tell(), "; ".join(saved.notes))


def _copy(job: Job, item: Item) -> Result:
    """The file as it is, under its own name."""
    tools = tools_for(job)
    if copied_before(job, item, tools):
        return Result(item, "skipped")
    data = tools.source.read(item.name, job.limits.max_file_bytes, item.size)
    tools.target.write(item.name, data)
    return Result(item, "copied", len(data))
