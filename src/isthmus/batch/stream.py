"""A tree planned while it is listed: its items one after another, and what an earlier run has done told from listings.

Source and target are listed side by side in the order of names, and never held: of either, memory has a page of the
listing and the files that share a name up to its first point, which is as far as the names of outputs depend on others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.listing import Entry
from isthmus.batch.plan import divided
from isthmus.batch.tree import Tree
from isthmus.text import reason

_END = "\U0010ffff"
_PROOFS = 16
_EVERY = 1000

Group = tuple[str, dict[str, Entry]]
"""What its names begin with, and the files by name."""


@dataclass
class Others:
    """Files that are neither pictures nor copied: how many, and the first names."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.names) < 4:
            self.names.append(name)


class Trust:
    """Whether an output that a listing shows is taken for done.

    A listing says neither quality, tune nor model. So the first outputs are opened and compared with the job as on one
    machine, and one in a thousand later; if one was made otherwise, all are opened from then on, and refused by name.
    """

    def __init__(self) -> None:
        self._passed, self._refused, self._asked = 0, False, 0

    def suffices(self) -> bool:
        """Whether the listing is enough for the next output that it shows."""
        self._asked += 1
        return self._passed >= _PROOFS and not self._refused and self._asked % _EVERY != 0

    def learn(self, result: Result) -> None:
        """Look at what became of an output that was opened."""
        if result.item.there:
            self._passed += result.state == "skipped"
            self._refused |= result.state == "failed"


class Stream:
    """The items of a job, lazily, to be walked once: an `Item` is to be done, a `Result` needs nothing more.

    Args:
        job: what is done; with `force` nothing counts as done before.
        trust: what is known of the target already.

    Attributes:
        trust: whoever does the items lets it learn from their results.
        others: files left alone, as far as the tree has been walked.
        media: of the others that the job works on, their names.
    """

    def __init__(self, job: Job, trust: Trust | None = None) -> None:
        self.job, self.others, self.media = job, Others(), set[str]()
        self.trust = trust or Trust()

    def __iter__(self) -> Iterator[Item | Result]:
        """Raises IsthmusError or OSError where the source cannot be listed, or a target that is there."""
        job, unread = self.job, dict[str, OSError]()
        done = _Follower(groups(_target_entries(job)))
        tree = Tree(job.source)
        for start, files in groups(tree.entries(unread)):
            found, others, missed = divided(job, tree, {name: entry.size for name, entry in files.items()})
            yield from missed
            there = done.at(start)
            self.media |= {item.medium for item in found}
            for item in (*found, *(others if job.copy_others else ())):
                yield self._seen(item, files[item.name], there)
            if not job.copy_others:
                for item in others:
                    self.others.add(item.name)
            yield from _taken(unread)
        yield from _taken(unread)

    def _seen(self, item: Item, source: Entry, there: dict[str, Entry]) -> Item | Result:
        job = self.job
        if job.force:
            return item
        copy = there.get(item.name) if item.copied or job.keep_smaller or job.copy_others else None
        output = None if item.copied else there.get(item.output)
        if copy is None and output is None:
            return replace(item, there=False)
        as_copy = copy is not None and copy.size == item.size
        written = copy if as_copy else output
        whole = written is not None and (as_copy or written.size > 0) and not _older(written, source)
        if whole and self.trust.suffices():
            return Result(item, "skipped")
        return replace(item, there=True)


def _taken(unread: dict[str, OSError]) -> Iterator[Result]:
    """The folders that could not be read, as far as they are known, each once."""
    while unread:
        name, error = unread.popitem()
        yield Result(Item(name, 0, ""), "failed", message=reason(error))


def _older(written: Entry, source: Entry) -> bool:
    return written.modified is not None and source.modified is not None and written.modified < source.modified


def _target_entries(job: Job) -> Iterator[Entry]:
    if job.force:
        return
    try:
        yield from Tree(job.target).entries()
    except FileNotFoundError:
        # Nothing has been written yet.
        return


def start_of(name: str) -> str:
    """A name up to the first point of its last part; all of it where there is none."""
    folder, stroke, last = name.rpartition("/")
    stem, point, _ = last.partition(".")
    return folder + stroke + stem + point


def groups(entries: Iterator[Entry]) -> Iterator[Group]:
    """Files with the same start together, inner groups before those around them; entries are in the order of names."""
    open_groups: list[Group] = []
    for entry in entries:
        # Between a.jpg and a.png may come a whole folder a.k: its groups open and close inside.
        while open_groups and not entry.name.startswith(open_groups[-1][0]):
            yield open_groups.pop()
        start = start_of(entry.name)
        if not open_groups or open_groups[-1][0] != start:
            open_groups.append((start, {}))
        open_groups[-1][1][entry.name] = entry
    while open_groups:
        yield open_groups.pop()


class _Follower:
    """Groups in their order, asked for by starts that come in the same order."""

    def __init__(self, found: Iterator[Group]) -> None:
        self._found = found
        self._next: Group | None = next(found, None)

    def at(self, start: str) -> dict[str, Entry]:
        """The files of this start; none where the groups have none."""
        while self._next is not None and self._next[0] + _END < start + _END:
            self._next = next(self._found, None)
        return self._next[1] if self._next is not None and self._next[0] == start else {}
