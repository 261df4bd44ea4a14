"""What an earlier run left of an item: done already, damaged and to be done again, or something else in its way.

Every output is written whole or not at all, so what is there, reads as whole and fits its source is done.
"""

from __future__ import annotations

from isthmus.batch.job import Item, Job
from isthmus.batch.tools import Tools
from isthmus.batch.tree import Tree
from isthmus.errors import BitstreamError, CorruptError, OutputExistsError, TruncatedError
from isthmus.media import medium_of_name, medium_to_open, parse
from isthmus.medium.protocol import Info, Medium
from isthmus.tune import Tune

FORCE = "Use --force to replace it."


def encoded_before(job: Job, item: Item, tools: Tools) -> bool:
    """Whether an earlier run has encoded a file as this job would, or kept it as it was.

    Raises:
        OutputExistsError: something else has the name of the output.
        IsthmusError, OSError: the file or the output cannot be read.
    """
    source, target, most = tools.source, tools.target, job.limits.max_file_bytes
    if job.force or item.there is False:
        return False
    if (job.keep_smaller or job.copy_others) and _is_copy(item, tools, most):
        if job.copy_others:
            # A damaged picture is an error of every run, though its copy is there.
            with source.open(item.name, most, item.size) as stream:
                medium_to_open(item.name, stream).open(stream, job.limits, job.options)
        return True
    if target.size(item.output) is None:
        return False
    try:
        medium, parsed = parse(target.read(item.output, most), job.limits)
    except (TruncatedError, CorruptError):
        # This is what a second run is for.
        return False
    except BitstreamError as error:
        raise OutputExistsError(
            f"{item.output} is there already and is no .isth file that can be read here", got=error, hint=FORCE
        ) from error
    info = medium.info(parsed)
    wanted, found = _wanted(job, tools, medium, info), _found(job, info)
    if wanted != found:
        raise OutputExistsError(f"{item.output} is there already", expected=wanted, got=found, hint=FORCE)
    if job.aim is not None and job.aim.kind == "bytes" and info.bytes > job.aim.value:
        # Of other targets a file says nothing.
        expected = f"at most {job.aim.value:g} bytes"
        raise OutputExistsError(f"{item.output} is there already", expected=expected, got=info.bytes, hint=FORCE)
    with source.open(item.name, most, item.size) as stream:
        fits = _is_of(medium, item) and medium.may_be_source(stream, info, job.options, job.limits)
    if not fits:
        raise OutputExistsError(f"{item.output} is there already and is another {medium.name}", hint=FORCE)
    _refuse_older(item, source, target)
    return True


def _wanted(job: Job, tools: Tools, medium: Medium, info: Info) -> str:
    """What a job makes of a file, in words, where an earlier one made what `info` says."""
    # A file that no model takes part in would be the same by any.
    by_model = bool(int(info.model_id, 16))
    model = tools.codec.model_for(medium).id.hex() if by_model else info.model_id
    tune = tools.codec.tune_for(medium, job.tune) if by_model and not job.lossless else None
    return _made(job, job.lossless, round(job.quality, 2), tune, model)


def _found(job: Job, info: Info) -> str:
    """What a file is, in the same words."""
    tune = None if info.tune is None else Tune.of(info.tune)
    return _made(job, info.lossless, info.quality, tune, info.model_id)


def _made(job: Job, lossless: bool, quality: float, tune: Tune | None, model_id: str) -> str:
    """How a file was made, in words: all that it says of it, and that the job decides."""
    if lossless:
        return "a lossless file"
    dials = [f"quality {quality:g}"] if job.aim is None else []
    dials += [f"tune {tune.text}"] if tune else []
    return f"{' and '.join(dials)} of model {model_id}" if dials else f"model {model_id}"


def _is_of(medium: Medium, item: Item) -> bool:
    """Whether the item's source is encoded as one of a medium."""
    found = medium_of_name(item.name)
    return found is not None and found.id == medium.id


def decoded_before(job: Job, item: Item, tools: Tools, medium: Medium, info: Info) -> bool:
    """Whether an earlier run has decoded a file; raises as `encoded_before`.

    Args:
        medium: that of the .isth file.
        info: what the file says of itself.
    """
    source, target = tools.source, tools.target
    if job.force or item.there is False or target.size(item.output) is None:
        return False
    with target.open(item.output, job.limits.max_file_bytes) as stream:
        if not medium.may_be_restored(stream, info, job.options, job.limits):
            raise OutputExistsError(f"{item.output} is there already and is another {medium.name}", hint=FORCE)
    _refuse_older(item, source, target)
    return True


def copied_before(job: Job, item: Item, tools: Tools) -> bool:
    """Whether the file as it is is there already.

    Raises:
        OutputExistsError: another file has its name.
        IsthmusError, OSError: one of the two cannot be read.
    """
    if job.force or item.there is False or tools.target.size(item.name) is None:
        return False
    if _is_copy(item, tools, job.limits.max_file_bytes):
        return True
    raise OutputExistsError(f"{item.name} is there already and is another file", hint=FORCE)


def _is_copy(item: Item, tools: Tools, most: int) -> bool:
    source, target = tools.source, tools.target
    if target.size(item.name) != item.size:
        return False
    return target.read(item.name, most) == source.read(item.name, most, item.size)


def _refuse_older(item: Item, source: Tree, target: Tree) -> None:
    """Raises OutputExistsError if an output was written before its source, so that it cannot show what that shows."""
    read, written = source.modified(item.name), target.modified(item.output)
    if read is not None and written is not None and read > written:
        raise OutputExistsError(f"{item.output} is there already and is older than {item.name}", hint=FORCE)
