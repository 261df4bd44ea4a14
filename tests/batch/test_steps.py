"""Trees of pictures: what is written, kept and refused."""

import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import isthmus
from batch.helpers import CUP, all_of, states
from isthmus.batch import steps
from isthmus.batch.job import Item, Job
from isthmus.batch.plan import items
from isthmus.batch.room import BYTES_PER_PIXEL, Room
from isthmus.batch.steps import process
from isthmus.image.medium import PictureMedium
from isthmus.rate_control import Target


def test_the_effort_reaches_the_encoder(job: Job, tmp_path: Path) -> None:
    easy, hard = (replace(job, target=str(tmp_path / name), effort=effort) for name, effort in (("1", 1), ("2", 4)))
    for tried in (easy, hard):
        assert set(states(tried).values()) == {"done"}
    assert (tmp_path / "1/a.isth").read_bytes() != (tmp_path / "2/a.isth").read_bytes()
    assert states(replace(easy, effort=4)) == dict.fromkeys(("a.png", "sub/b.jpg", "sub/b.png"), "skipped")


def test_the_tree_is_made_again(job: Job, tmp_path: Path) -> None:
    found, others, unread = items(job)
    assert not unread
    assert [(item.name, item.output) for item in found] == [
        ("a.png", "a.isth"),
        ("sub/b.jpg", "sub/b.jpg.isth"),
        ("sub/b.png", "sub/b.png.isth"),
    ]
    assert [item.name for item in others] == [".hidden.png", "notes.txt"]
    results = all_of(job)
    for item in found:
        written = (tmp_path / "out" / item.output).read_bytes()
        assert (results[item.name].state, results[item.name].bytes_after) == ("done", len(written))
        assert isthmus.decode(written).shape == CUP.shape


def test_there_and_back(job: Job, tmp_path: Path) -> None:
    all_of(job)
    back = Job("decode", job.target, str(tmp_path / "back"))
    assert set(states(back).values()) == {"done"}
    with Image.open(tmp_path / "back/sub/b.jpg.png") as image:
        assert image.size == CUP.shape[1::-1]
    assert set(states(back).values()) == {"skipped"}


def test_keep_smaller(job: Job, tmp_path: Path) -> None:
    flat = tmp_path / "in/flat.png"
    Image.new("1", (8, 8)).save(flat, optimize=True)
    job = replace(job, keep_smaller=True, quality=100)
    result = all_of(job)["flat.png"]
    assert (result.state, result.bytes_after) == ("kept", flat.stat().st_size)
    assert "not smaller" in result.message
    assert (tmp_path / "out/flat.png").read_bytes() == flat.read_bytes()
    assert not (tmp_path / "out/flat.isth").exists()
    assert set(states(job).values()) == {"skipped"}


def test_notes_travel(job: Job, tmp_path: Path) -> None:
    Image.fromarray(CUP).convert("CMYK").save(tmp_path / "in/a.tif")
    assert "CMYK without a profile" in all_of(job)["a.tif"].message
    missed = all_of(replace(job, aim=Target("bytes", 1_000_000), force=True))["a.png"]
    assert missed.state == "done"
    assert missed.message


def test_failures_are_named(job: Job, tmp_path: Path) -> None:
    (tmp_path / "in/broken.png").write_text("no picture")
    (tmp_path / "in/sub/a.jpg").write_bytes((tmp_path / "in/sub/b.jpg").read_bytes()[:300])
    results = all_of(job)
    assert {name for name, result in results.items() if result.state == "failed"} == {"broken.png", "sub/a.jpg"}
    assert "not a picture" in results["broken.png"].message
    gone = process(job, Item("gone.png", 5, "gone.isth"))
    assert (gone.state, gone.message) == ("failed", "No such file or directory")


def test_even_a_bug_takes_only_its_own_picture(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("isthmus.image.medium.PictureMedium.open", broken)
    assert {result.message for result in all_of(job).values()} == {"ZeroDivisionError: a bug"}


def test_limits_and_targets_travel(job: Job) -> None:
    small = replace(job, limits=isthmus.Limits(max_pixels=100))
    assert all("too large" in result.message for result in all_of(small).values())
    aimed = replace(job, aim=Target("bytes", 1500))
    assert all(result.bytes_after <= 1500 for result in all_of(aimed).values())
    assert set(states(aimed).values()) == {"skipped"}


def test_from_an_archive(job: Job, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "in/a.png", "deep/a.png")
    assert states(replace(job, source=f"zip://::{tmp_path / 'in.zip'}")) == {"deep/a.png": "done"}
    assert (tmp_path / "out/deep/a.isth").exists()


def test_a_large_picture_is_not_opened_while_another_is_in_the_way(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    large = next(item for item in items(job)[0] if item.name == "a.png")
    room, opened = Room(96 * 64 * BYTES_PER_PIXEL), threading.Event()
    monkeypatch.setattr(steps, "ROOM", room)
    open_picture = PictureMedium.open

    def noted(*args: Any) -> Any:
        opened.set()
        return open_picture(*args)

    monkeypatch.setattr(PictureMedium, "open", noted)
    thread = threading.Thread(target=process, args=(job, large))
    with room.taken({"width": 1, "height": 1}):
        thread.start()
        assert not opened.wait(0.5)
    thread.join(60)
    assert opened.is_set()
    assert states(job)["a.png"] == "skipped"
