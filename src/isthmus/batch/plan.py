"""Which files of a tree are pictures to encode or files to decode, and the name that each output gets."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.tree import Tree
from isthmus.codec import SUFFIX, is_encoded
from isthmus.image.names import is_picture_name
from isthmus.text import reason


def items(job: Job) -> tuple[list[Item], int, list[Result]]:
    """The pictures of the source tree, how many other files are left alone, and the folders that cannot be read.

    Two pictures that differ only in their suffix keep it: a.png and a.jpg become a.png.isth and a.jpg.isth.

    Raises:
        IsthmusError, OSError: the tree cannot be listed.
    """
    unread: dict[str, OSError] = {}
    files = Tree(job.source).files(unread)
    names = [name for name in files if _wanted(name, job.verb)]
    suffix = SUFFIX if job.verb == "encode" else ".png"
    outputs = {name: str(PurePosixPath(name).with_suffix(suffix)) for name in names}
    # Until no two are alike: whole names never are, so this ends.
    while clashes := {output for output, count in Counter(outputs.values()).items() if count > 1}:
        outputs |= {name: name + suffix for name, output in outputs.items() if output in clashes}
    found = [Item(name, files[name], outputs[name]) for name in names]
    failed = [Result(Item(name, 0, ""), "failed", message=reason(error)) for name, error in unread.items()]
    return found, len(files) - len(found), failed


def _wanted(name: str, verb: str) -> bool:
    if verb == "decode":
        return is_encoded(name)
    return is_picture_name(name) and PurePosixPath(name).suffix.lower() != SUFFIX
