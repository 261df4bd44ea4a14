"""Which files of a tree are pictures to encode or files to decode, and the name that each output gets."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.tree import Tree
from isthmus.codec import SUFFIX, is_encoded
from isthmus.image.names import is_picture_name, why_unread
from isthmus.text import reason


def items(job: Job) -> tuple[list[Item], list[Item], list[Result]]:
    """The pictures of the source tree, the other files, which are left alone or copied, and what cannot be read:
    folders, and pictures of formats that are not read here, unless they are copied with the others.

    Two pictures that differ only in their suffix keep it: a.png and a.jpg become a.png.isth and a.jpg.isth.

    Raises:
        IsthmusError, OSError: the tree cannot be listed.
    """
    unread: dict[str, OSError] = {}
    files = Tree(job.source).files(unread)
    names = [name for name in files if _wanted(name, job.verb)]
    # What is copied, or may be, has its own name, which is then nobody else's.
    kept = set(files) if job.copy_others else set()
    outputs = _outputs(names, SUFFIX if job.verb == "encode" else job.suffix, kept)
    found = [Item(name, files[name], outputs[name]) for name in names]
    others = [Item(name, files[name], name, copied=True) for name in files if name not in outputs]
    failed = [Result(Item(name, 0, ""), "failed", message=reason(error)) for name, error in unread.items()]
    if job.verb == "encode" and not job.copy_others:
        missed = [(item, why) for item in others if (why := why_unread(item.name))]
        others = [item for item in others if not why_unread(item.name)]
        failed += [Result(item, "failed", message=f"not encoded: {why}") for item, why in missed]
    return found, others, failed


def _outputs(names: list[str], suffix: str, kept: set[str]) -> dict[str, str]:
    """The name that each output gets: no two are alike, and none is among those that are `kept`."""
    outputs = {name: str(PurePosixPath(name).with_suffix(suffix)) for name in names}
    whole = dict.fromkeys(names, 0)
    while True:
        counts = Counter(outputs.values())
        # Whole names with the suffix are never alike; where one is kept, one more suffix, until none is: this ends.
        moved = [name for name, output in outputs.items() if output in kept or (counts[output] > 1 and not whole[name])]
        if not moved:
            return outputs
        for name in moved:
            whole[name] += 1
            outputs[name] = name + suffix * whole[name]


def _wanted(name: str, verb: str) -> bool:
    if verb == "decode":
        return is_encoded(name)
    return is_picture_name(name) and PurePosixPath(name).suffix.lower() != SUFFIX
