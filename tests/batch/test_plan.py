"""Which files of a tree are taken, and the names that they get."""

from collections.abc import Callable
from pathlib import Path

from batch.helpers import picture
from isthmus.batch.job import Job
from isthmus.batch.plan import items


def test_names_that_clash_twice(job: Job, tmp_path: Path) -> None:
    picture(tmp_path / "in/sub/b.png.jpg")
    outputs = [item.output for item in items(job)[0]]
    assert len(set(outputs)) == len(outputs) == 4


def test_folders_that_cannot_be_read_are_named(job: Job, lock_folders: Callable[[str], None]) -> None:
    lock_folders("sub")
    found, _, unread = items(job)
    assert [item.name for item in found] == ["a.png"]
    assert [(result.item.name, result.state, result.message) for result in unread] == [
        ("sub", "failed", "Permission denied")
    ]


def test_videos_and_data_are_left_alone_and_not_named(job: Job, tmp_path: Path) -> None:
    for name in ("clip.mpg", "sub/data.h5", "sub/wind.GRIB", "drawing.wmf", "page.eps"):
        (tmp_path / "in" / name).write_bytes(b"\x00\x00\x01\xb3 whatever it holds")
    found, others, unread = items(job)
    assert [item.name for item in found] == ["a.png", "sub/b.jpg", "sub/b.png"]
    assert [item.name for item in others] == [
        ".hidden.png",
        "clip.mpg",
        "drawing.wmf",
        "notes.txt",
        "page.eps",
        "sub/data.h5",
        "sub/wind.GRIB",
    ]
    assert unread == []
