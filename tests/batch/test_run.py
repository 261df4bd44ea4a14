"""Worker processes: they do what one process does, and what a killed run leaves behind is gone on with."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from batch.helpers import all_of, picture
from isthmus.batch.job import Job
from isthmus.batch.plan import items
from isthmus.batch.run import run


def test_workers_do_the_same(job: Job, tmp_path: Path) -> None:
    alone = {name: (result.state, result.bytes_after) for name, result in all_of(job).items()}
    files = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.isth")}
    found = {
        result.item.name: (result.state, result.bytes_after)
        for result in run(replace(job, force=True), items(job)[0], 2)
    }
    assert found == alone
    assert {path: path.read_bytes() for path in files} == files


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
