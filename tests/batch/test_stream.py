"""Plans made while a tree is listed: the same as plans of the whole, and what listings say of an earlier run."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.helpers import picture
from isthmus.batch import stream
from isthmus.batch.job import Item, Job, Result
from isthmus.batch.listing import Entry
from isthmus.batch.plan import divided, items
from isthmus.batch.stream import Stream, Trust, groups, start_of
from isthmus.batch.tree import Tree

# Few letters, so that names clash: the same stems with other suffixes, folders named like files.
PARTS = st.text("ab.", min_size=1, max_size=3).filter(lambda part: part.strip("."))
SUFFIXES = st.sampled_from(["", ".png", ".jpg", ".isth", ".png.isth", ".txt"])
NAMES = st.builds(lambda parts, suffix: "/".join(parts) + suffix, st.lists(PARTS, min_size=1, max_size=3), SUFFIXES)


@settings(deadline=None)
@given(st.sets(NAMES, max_size=12), st.sampled_from(["encode", "decode"]), st.booleans())
def test_planned_group_by_group_as_all_at_once(
    names: set[str], verb: Literal["encode", "decode"], copy_others: bool
) -> None:
    job = Job(verb, "in", "out", copy_others=copy_others)
    sizes = {name: len(name) for name in sorted(names)}
    tree = Tree("in")
    found, others, _ = divided(job, tree, sizes)
    parts = [divided(job, tree, {name: sizes[name] for name in files}) for _, files in groups(entries(sizes))]
    by_name = {item.name: item for part, _, _ in parts for item in part}
    assert by_name == {item.name: item for item in found}
    assert {item.name for _, part, _ in parts for item in part} == {item.name for item in others}


@settings(deadline=None)
@given(st.sets(NAMES, max_size=12))
def test_groups_come_in_one_order_whatever_is_in_them(names: set[str]) -> None:
    starts = [start for start, _ in groups(entries(dict.fromkeys(sorted(names), 0)))]
    assert starts == sorted(starts, key=lambda start: start + "\U0010ffff")
    assert set(starts) == {start_of(name) for name in names}


def entries(sizes: dict[str, int]) -> Iterator[Entry]:
    return iter([Entry(name, size) for name, size in sizes.items()])


def walked(job: Job, trust: Trust | None = None) -> tuple[dict[str, Item], dict[str, Result], Stream]:
    """The items to do and the results, by name."""
    stream = Stream(job, trust)
    found = list(stream)
    todo = {one.name: one for one in found if isinstance(one, Item)}
    return todo, {one.item.name: one for one in found if isinstance(one, Result)}, stream


class Trusting(Trust):
    """Takes a listing's word from the beginning."""

    def suffices(self) -> bool:
        return True


def test_nothing_is_there_yet(job: Job) -> None:
    todo, settled, stream = walked(job)
    assert todo == {item.name: replace(item, there=False) for item in items(job)[0]}
    assert settled == {}
    assert (stream.others.count, stream.others.names) == (2, [".hidden.png", "notes.txt"])


def test_what_the_listing_shows(job: Job, tmp_path: Path) -> None:
    picture(tmp_path / "in/older.png")
    for name, data in (("a.isth", b"x"), ("sub/b.jpg.isth", b""), ("sub/c.isth", b"x"), ("older.isth", b"x")):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(data)
    os.utime(tmp_path / "out/older.isth", (1, 1))
    todo, settled, _ = walked(job, Trusting())
    assert {name: result.state for name, result in settled.items()} == {"a.png": "skipped"}
    assert {name: item.there for name, item in todo.items()} == {
        "older.png": True,
        "sub/b.jpg": True,
        "sub/b.png": False,
    }
    assert {item.there for item in walked(replace(job, force=True), Trusting())[0].values()} == {None}
    assert {item.there for item in walked(job)[0].values()} == {True, False}


def test_copies_count_by_their_size(job: Job, tmp_path: Path) -> None:
    whole = replace(job, copy_others=True)
    (tmp_path / "out/sub").mkdir(parents=True)
    (tmp_path / "out/notes.txt").write_text("mine")
    (tmp_path / "out/.hidden.png").write_text("another's")
    (tmp_path / "out/sub/b.png").write_bytes((tmp_path / "in/sub/b.png").read_bytes())
    todo, settled, stream = walked(whole, Trusting())
    assert set(settled) == {"notes.txt", "sub/b.png"}
    assert {name: item.there for name, item in todo.items()} == {
        ".hidden.png": True,
        "a.png": False,
        "sub/b.jpg": False,
    }
    assert stream.others.count == 0


def test_folders_that_cannot_be_read_are_results(job: Job, lock_folders: Callable[[str], None]) -> None:
    lock_folders("sub")
    todo, settled, _ = walked(job)
    assert set(todo) == {"a.png"}
    assert settled["sub"].message == "Permission denied"


def checked(state: Literal["skipped", "failed", "done"], there: bool | None = True) -> Result:
    return Result(Item("a.png", 1, "a.isth", there=there), state)


def test_trust_comes_with_proofs_and_goes_with_a_refusal() -> None:
    trust = Trust()
    for _ in range(15):
        trust.learn(checked("skipped"))
    trust.learn(checked("skipped", there=None))
    trust.learn(checked("failed", there=False))
    assert not trust.suffices()
    trust.learn(checked("skipped"))
    assert trust.suffices()
    assert [trust.suffices() for _ in range(2000)].count(False) == 2
    trust.learn(checked("failed"))
    assert not any(trust.suffices() for _ in range(5))


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        walked(Job("encode", str(tmp_path / "absent"), str(tmp_path / "out")))


def test_a_walk_holds_a_few_names_however_many_there_are(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    class Large:
        """A tree of many pictures; every other one is in the target."""

        def __init__(self, address: str) -> None:
            self.suffix, self.step = (".png", 1) if address == job.source else (".isth", 2)

        def entries(self, failed: dict[str, OSError] | None = None) -> Iterator[Entry]:
            return (Entry(f"{n // 100:02}/{n:05}{self.suffix}", 10, 5.0) for n in range(0, 3000, self.step))

    monkeypatch.setattr(stream, "Tree", Large)
    held, states = [], Counter[str]()
    for number, one in enumerate(Stream(job, Trusting())):
        states[one.state if isinstance(one, Result) else "to do"] += 1
        if number % 1000 == 999:
            held.append(sum(type(thing) in (Entry, Item, Result) for thing in gc.get_objects()))
    assert states == {"skipped": 1500, "to do": 1500}
    assert max(held) < 20
