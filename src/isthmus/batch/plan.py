"""Which files of a tree are to be encoded or decoded, and the name that each output gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.tree import Tree
from isthmus.codec import SUFFIX, is_encoded
from isthmus.media import medium_of_name, medium_restored, why_unread
from isthmus.medium.protocol import Medium
from isthmus.text import reason


def items(job: Job) -> tuple[list[Item], list[Item], list[Result]]:
    """The files of the source tree that are encoded or decoded, the others, which are left alone or copied, and what
    cannot be read: folders, and files that are not read here though they hold such things, unless they are copied with
    the others.

    Two that differ only in their suffix keep it: a.png and a.jpg become a.png.isth and a.jpg.isth.

    Raises:
        IsthmusError, OSError: the tree cannot be listed.
    """
    unread: dict[str, OSError] = {}
    tree = Tree(job.source)
    found, others, missed = divided(job, tree, tree.files(unread))
    failed = [Result(Item(name, 0, ""), "failed", message=reason(error)) for name, error in unread.items()]
    return found, others, failed + missed


def divided(job: Job, tree: Tree, files: Mapping[str, int]) -> tuple[list[Item], list[Item], list[Result]]:
    """The files of a source tree that are encoded or decoded, given as name -> bytes, the others, and those that would
    be encoded if this machine could read them.

    The outputs' names depend on no files but those of the same folder with the same name up to its first point:
    a tree can be divided group by group.
    """
    media = {name: medium for name in files if (medium := _medium(job, tree, name))}
    # What is copied, or may be, has its own name, which is then nobody else's.
    kept = set(files) if job.copy_others else set()
    outputs = _outputs({name: _suffix(job, medium) for name, medium in media.items()}, kept)
    found = [Item(name, files[name], outputs[name], medium=medium.name) for name, medium in media.items()]
    others = [Item(name, files[name], name, copied=True) for name in files if name not in outputs]
    if job.verb == "decode" or job.copy_others:
        return found, others, []
    reasons = {item: why for item in others if (why := why_unread(item.name))}
    missed = [Result(item, "failed", message=f"not encoded: {why}") for item, why in reasons.items()]
    return found, [item for item in others if item not in reasons], missed


def _outputs(suffixes: dict[str, str], kept: set[str]) -> dict[str, str]:
    """The name that each output gets, by the suffix of each: no two are alike, and none is among those `kept`."""
    # Cut off as text: stores know names that a path would write otherwise, as a//b.png.
    outputs = {name: name.removesuffix(PurePosixPath(name).suffix) + suffix for name, suffix in suffixes.items()}
    whole = dict.fromkeys(suffixes, 0)
    while True:
        counts = Counter(outputs.values())
        # Whole names with the suffix are never alike; where one is kept, one more suffix, until none is: this ends.
        moved = [name for name, output in outputs.items() if output in kept or (counts[output] > 1 and not whole[name])]
        if not moved:
            return outputs
        for name in moved:
            whole[name] += 1
            outputs[name] = name + suffixes[name] * whole[name]


def _medium(job: Job, tree: Tree, name: str) -> Medium | None:
    """The medium of a file that the job works on; None for the others."""
    if job.verb == "encode":
        # Some media may have a reader for our own files.
        return medium_of_name(name) if PurePosixPath(name).suffix.lower() != SUFFIX else None
    return medium_restored(lambda: tree.open(name, job.limits.max_file_bytes)) if is_encoded(name) else None


def _suffix(job: Job, medium: Medium) -> str:
    """That of the output."""
    return SUFFIX if job.verb == "encode" else job.suffix or medium.default_suffix
