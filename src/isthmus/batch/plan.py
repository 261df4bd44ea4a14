"""Which files of a tree are pictures to encode or files to decode, and the name that each output gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.tree import Tree
from isthmus.codec import SUFFIX, is_encoded
from isthmus.image.names import is_picture_name
from isthmus.text import reason


def items(job: Job) -> tuple[list[Item], list[Item], list[Result]]:
    """The pictures of the source tree, the other files, which are left alone or copied, and the folders that cannot
    be read.

    Two pictures that differ only in their suffix keep it: a.png and a.jpg become a.png.isth and a.jpg.isth.

    Raises:
        IsthmusError, OSError: the tree cannot be listed.
    """
    unread: dict[str, OSError] = {}
    found, others = divided(job, Tree(job.source).files(unread))
    failed = [Result(Item(name, 0, ""), "failed", message=reason(error)) for name, error in unread.items()]
    return found, others, failed


def divided(job: Job, files: Mapping[str, int]) -> tuple[list[Item], list[Item]]:
    """The pictures among files, which are given as name -> bytes, and the others.

    The outputs' names depend on no files but those of the same folder with the same name up to its first point:
    a tree can be divided group by group.
    """
    names = [name for name in files if _wanted(name, job.verb)]
    # What is copied, or may be, has its own name, which is then nobody else's.
    kept = set(files) if job.copy_others else set()
    outputs = _outputs(names, SUFFIX if job.verb == "encode" else job.suffix, kept)
    found = [Item(name, files[name], outputs[name]) for name in names]
    others = [Item(name, files[name], name, copied=True) for name in files if name not in outputs]
    return found, others


def _outputs(names: list[str], suffix: str, kept: set[str]) -> dict[str, str]:
    """The name that each output gets: no two are alike, and none is among those that are `kept`."""
    # Cut off as text: stores know names that a path would write otherwise, as a//b.png.
    outputs = {name: name.removesuffix(PurePosixPath(name).suffix) + suffix for name in names}
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
