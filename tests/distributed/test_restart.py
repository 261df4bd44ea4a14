"""The scheduler of a run dies in the middle, and comes back at once, or after the command has given up."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

import isthmus
from batch.helpers import CUP, picture
from clusters import free_address, module, scheduler, worker

MANY = 60


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pictures that a run of them can be caught in the middle."""
    folder = tmp_path_factory.mktemp("many")
    for index in range(MANY):
        picture(folder / f"{index % 2}/{index}.png", index)
    return folder


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def encode(many: Path, target: Path, address: str) -> list[str]:
    return ["isthmus", "encode", str(many), "-o", str(target), "--model", "fast", "--cluster", address]


def run_without_scheduler(stack: ExitStack, many: Path, target: Path, address: str) -> "subprocess.Popen[str]":
    """A command whose scheduler has been killed after it had a few outputs."""
    first = stack.enter_context(scheduler(address))
    stack.enter_context(worker(address))
    run = stack.enter_context(module(*encode(many, target, address)))
    end = time.monotonic() + 120
    while len(list(target.rglob("*.isth"))) < 3:
        assert time.monotonic() < end, "nothing was encoded"
        time.sleep(0.02)
    first.kill()
    first.wait()
    assert len(list(target.rglob("*.isth"))) < MANY
    return run


def check(many: Path, target: Path) -> None:
    """All is there, whole, as one process makes it."""
    found = sorted(path.relative_to(target) for path in target.rglob("*.isth"))
    names = [path.relative_to(many).with_suffix(".isth") for path in many.rglob("*.png")]
    assert found == sorted(names)
    for name in found:
        assert isthmus.decode((target / name).read_bytes()).shape == CUP.shape
    with Image.open(many / "1/7.png") as image:
        assert (target / "1/7.isth").read_bytes() == isthmus.encode(image, model="fast")


def test_a_scheduler_that_comes_back_at_once(many: Path, tmp_path: Path, stack: ExitStack) -> None:
    address, target = free_address(), tmp_path / "out"
    run = run_without_scheduler(stack, many, target, address)
    # Whoever runs a cluster starts its workers again too: Dask's end with their scheduler.
    stack.enter_context(scheduler(address))
    stack.enter_context(worker(address))
    said, _ = run.communicate(timeout=240)
    assert run.returncode == 0, said
    assert f"{MANY} pictures in " in said
    assert f": {MANY} encoded\n" in said
    check(many, target)


def test_a_scheduler_that_stays_away(
    many: Path, tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long Dask's client looks for it.
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "3s")
    address, target = free_address(), tmp_path / "out"
    run = run_without_scheduler(stack, many, target, address)
    said, _ = run.communicate(timeout=240)
    assert run.returncode == 1, said
    assert "the scheduler is gone; the same command goes on where this one was" in said
    done = {path: path.stat().st_mtime_ns for path in target.rglob("*.isth")}
    assert 3 <= len(done) < MANY

    stack.enter_context(scheduler(address))
    stack.enter_context(worker(address))
    again = stack.enter_context(module(*encode(many, target, address)))
    said, _ = again.communicate(timeout=240)
    assert again.returncode == 0, said
    assert f": {MANY - len(done)} encoded, {len(done)} whole already\n" in said
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    check(many, target)
