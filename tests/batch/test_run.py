"""Trees of pictures: what is written, skipped, kept and refused, and what a killed run leaves behind."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import isthmus
from isthmus.batch.run import Item, Job, Result, Summary, foresee, items, process, run
from isthmus.rate_control import Target

CUP = data.coffee()[60:124, 200:296]


def picture(path: Path, step: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.roll(CUP, step, axis=1)).save(path)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    picture(tmp_path / "in/a.png")
    picture(tmp_path / "in/sub/b.jpg", 5)
    picture(tmp_path / "in/sub/b.png", 9)
    (tmp_path / "in/notes.txt").write_text("mine")
    (tmp_path / "in/.hidden.png").write_text("not mine")
    return Job("encode", str(tmp_path / "in"), str(tmp_path / "out"))


def all_of(job: Job) -> dict[str, Result]:
    return {item.name: process(job, item) for item in items(job)[0]}


def states(job: Job) -> dict[str, str]:
    return {name: result.state for name, result in all_of(job).items()}


def test_the_effort_reaches_the_encoder(job: Job, tmp_path: Path) -> None:
    easy, hard = (replace(job, target=str(tmp_path / name), effort=effort) for name, effort in (("1", 1), ("2", 2)))
    for tried in (easy, hard):
        assert set(states(tried).values()) == {"done"}
    assert (tmp_path / "1/a.isth").read_bytes() != (tmp_path / "2/a.isth").read_bytes()
    assert states(replace(easy, effort=2)) == dict.fromkeys(("a.png", "sub/b.jpg", "sub/b.png"), "skipped")


@pytest.mark.parametrize("verb", ["encode", "decode"])
def test_what_would_be_done_is_foreseen(job: Job, tmp_path: Path, verb: str) -> None:
    if verb == "decode":
        assert set(states(job).values()) == {"done"}
        job = replace(job, verb="decode", source=job.target, target=str(tmp_path / "back"))
    found = items(job)[0]
    assert [foresee(job, item).state for item in found] == ["done"] * 3
    assert not Path(job.target).exists()
    process(job, found[0])
    (Path(job.target) / found[1].output).parent.mkdir(parents=True, exist_ok=True)
    (Path(job.target) / found[1].output).write_text("mine")
    assert [foresee(job, item).state for item in found] == ["skipped", "failed", "done"]
    assert [foresee(replace(job, force=True), item).state for item in found] == ["done"] * 3


def test_the_tree_is_made_again(job: Job, tmp_path: Path) -> None:
    found, others, unread = items(job)
    assert not unread
    assert [(item.name, item.output) for item in found] == [
        ("a.png", "a.isth"),
        ("sub/b.jpg", "sub/b.jpg.isth"),
        ("sub/b.png", "sub/b.png.isth"),
    ]
    assert others == 2
    results = all_of(job)
    for item in found:
        written = (tmp_path / "out" / item.output).read_bytes()
        assert (results[item.name].state, results[item.name].bytes_after) == ("done", len(written))
        assert isthmus.decode(written).shape == CUP.shape


def test_names_that_clash_twice(job: Job, tmp_path: Path) -> None:
    picture(tmp_path / "in/sub/b.png.jpg")
    outputs = [item.output for item in items(job)[0]]
    assert len(set(outputs)) == len(outputs) == 4


def test_there_and_back(job: Job, tmp_path: Path) -> None:
    all_of(job)
    back = Job("decode", job.target, str(tmp_path / "back"))
    assert set(states(back).values()) == {"done"}
    with Image.open(tmp_path / "back/sub/b.jpg.png") as image:
        assert image.size == CUP.shape[1::-1]
    assert set(states(back).values()) == {"skipped"}


def test_what_is_whole_is_skipped(job: Job, tmp_path: Path) -> None:
    all_of(job)
    (tmp_path / "out/a.isth").unlink()
    cut = tmp_path / "out/sub/b.png.isth"
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-3])
    assert states(job) == {"a.png": "done", "sub/b.jpg": "skipped", "sub/b.png": "done"}
    assert cut.read_bytes() == whole
    assert set(states(replace(job, force=True)).values()) == {"done"}


def test_what_is_whole_but_different_is_not_replaced(job: Job, tmp_path: Path) -> None:
    all_of(job)
    (tmp_path / "out/a.isth").write_bytes(b"something else")
    results = all_of(replace(job, quality=30))
    assert {result.state for result in results.values()} == {"failed"}
    assert "no .isth file" in results["a.png"].message
    assert "expected quality 30 of model" in results["sub/b.jpg"].message
    (tmp_path / "back").mkdir()
    Image.new("RGB", (5, 5)).save(tmp_path / "back/a.png")
    all_of(replace(job, force=True))
    back = all_of(Job("decode", job.target, str(tmp_path / "back")))
    assert "another picture" in back["a.isth"].message


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


def test_what_is_kept_replaces_nothing(job: Job, tmp_path: Path) -> None:
    flat, theirs = tmp_path / "in/flat.png", tmp_path / "out/flat.png"
    Image.new("1", (8, 8)).save(flat, optimize=True)
    theirs.parent.mkdir()
    job = replace(job, keep_smaller=True, quality=100)
    for content in (b"somebody's own", b"x" * flat.stat().st_size):
        theirs.write_bytes(content)
        result = all_of(job)["flat.png"]
        assert (result.state, "is another file" in result.message) == ("failed", True)
        assert theirs.read_bytes() == content
    assert all_of(replace(job, force=True))["flat.png"].state == "kept"
    assert theirs.read_bytes() == flat.read_bytes()
    assert all_of(job)["flat.png"].state == "skipped"


@pytest.mark.parametrize("verb", ["encode", "decode"])
def test_what_changed_since_is_not_passed_over(job: Job, tmp_path: Path, verb: str) -> None:
    assert set(states(job).values()) == {"done"}
    if verb == "decode":
        job = replace(job, verb="decode", source=job.target, target=str(tmp_path / "back"))
        assert set(states(job).values()) == {"done"}
    assert set(states(job).values()) == {"skipped"}
    name = "a.png" if verb == "encode" else "a.isth"
    later = time.time() + 100
    os.utime(Path(job.source, name), (later, later))
    result = all_of(job)[name]
    assert result.state == "failed"
    assert f"is older than {name}" in result.message


def test_another_picture_of_the_same_name_is_not_passed_over(job: Job, tmp_path: Path) -> None:
    assert set(states(job).values()) == {"done"}
    Image.fromarray(CUP[:50]).save(tmp_path / "in/a.png")
    os.utime(tmp_path / "in/a.png", (0, 0))
    assert "is another picture" in all_of(job)["a.png"].message


def test_another_model_is_refused_whatever_the_target(job: Job) -> None:
    aimed = replace(job, aim=Target("bytes", 3000))
    assert set(states(aimed).values()) == {"done"}
    assert set(states(aimed).values()) == {"skipped"}
    found = all_of(replace(aimed, model="fast"))
    assert {result.state for result in found.values()} == {"failed"}
    assert "expected model" in found["a.png"].message


def test_a_newer_file_is_not_taken_for_damage(job: Job, tmp_path: Path) -> None:
    assert set(states(job).values()) == {"done"}
    path = tmp_path / "out/a.isth"
    newer = bytearray(path.read_bytes())
    newer[4] += 1
    path.write_bytes(newer)
    assert all_of(job)["a.png"].state == "failed"
    assert path.read_bytes() == newer


def test_notes_travel(job: Job, tmp_path: Path) -> None:
    Image.fromarray(CUP).convert("CMYK").save(tmp_path / "in/a.tif")
    assert "CMYK without a profile" in all_of(job)["a.tif"].message
    missed = all_of(replace(job, aim=Target("bytes", 1_000_000), force=True))["a.png"]
    assert missed.state == "done"
    assert missed.message


def test_folders_that_cannot_be_read_are_named(job: Job, lock_folders: Callable[[str], None]) -> None:
    lock_folders("sub")
    found, _, unread = items(job)
    assert [item.name for item in found] == ["a.png"]
    assert [(result.item.name, result.state, result.message) for result in unread] == [
        ("sub", "failed", "Permission denied")
    ]


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

    monkeypatch.setattr("isthmus.batch.run.open_picture", broken)
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


def test_workers_do_the_same(job: Job, tmp_path: Path) -> None:
    alone = {name: (result.state, result.bytes_after) for name, result in all_of(job).items()}
    files = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.isth")}
    found = {
        result.item.name: (result.state, result.bytes_after)
        for result in run(replace(job, force=True), items(job)[0], 2)
    }
    assert found == alone
    assert {path: path.read_bytes() for path in files} == files


def test_the_summary() -> None:
    summary = Summary()
    for state in ("done", "done", "kept", "skipped", "failed"):
        summary.add(Result(Item("a", 100, "b"), state, 40))  # type: ignore[arg-type]
    assert summary == Summary(2, 1, 1, 1, 300, 120)
    assert summary.total == 5


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def until(true: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def started(source: Path, target: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "isthmus", "encode", str(source), "-o", str(target), "--workers", "1"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_killed_run_is_gone_and_goes_on(tmp_path: Path) -> None:
    for index in range(24):
        picture(tmp_path / f"in/{index}.png", index)
    first = started(tmp_path / "in", tmp_path / "out")
    until(lambda: len(list((tmp_path / "out").glob("*.isth"))) >= 3)
    workers = children(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert workers
    until(lambda: not any(map(alive, workers)))
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.isth")}
    assert 3 <= len(left) < 24
    second = started(tmp_path / "in", tmp_path / "out")
    shown = second.communicate()[0].decode()
    assert second.returncode == 0
    assert f"{24 - len(left)} encoded, {len(left)} whole already" in shown
    assert {path: path.stat().st_mtime_ns for path in left} == left
    assert len(list((tmp_path / "out").glob("*.isth"))) == 24


def test_a_worker_that_dies_takes_only_its_pictures_with_it(tmp_path: Path) -> None:
    for index in range(16):
        picture(tmp_path / f"in/{index}.png", index)
    running = started(tmp_path / "in", tmp_path / "out")
    until(lambda: len(list((tmp_path / "out").glob("*.isth"))) >= 1)
    # One of the children only keeps track of shared resources.
    for pid in children(running.pid):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    shown, errors = (stream.decode() for stream in running.communicate())
    assert running.returncode == 1
    failed = errors.count("a worker process died")
    assert 1 <= failed <= 4
    assert f"{16 - failed} encoded, {failed} failed" in shown
