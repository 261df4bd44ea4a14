"""What an earlier run left: skipped where it is whole and fits, refused where it is something else."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from batch.helpers import CUP, all_of, states
from isthmus import inspect
from isthmus.batch.job import Job
from isthmus.batch.plan import items
from isthmus.batch.steps import foresee, process
from isthmus.model.registry import load_model
from isthmus.rate_control import Target
from pictures import text


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
    assert "expected quality 30 and tune eye of model" in results["sub/b.jpg"].message
    (tmp_path / "back").mkdir()
    Image.new("RGB", (5, 5)).save(tmp_path / "back/a.png")
    all_of(replace(job, force=True))
    back = all_of(Job("decode", job.target, str(tmp_path / "back")))
    assert "another picture" in back["a.isth"].message


def test_lossless_files_are_told_from_others(job: Job, tmp_path: Path) -> None:
    lossless = replace(job, lossless=True)
    assert set(states(lossless).values()) == {"done"}
    assert set(states(lossless).values()) == {"skipped"}
    results = all_of(job)
    assert {result.state for result in results.values()} == {"failed"}
    assert "got a lossless file" in results["a.png"].message
    (tmp_path / "out/a.isth").unlink()
    assert states(job)["a.png"] == "done"
    assert "expected a lossless file, got quality 50" in all_of(lossless)["a.png"].message
    back = Job("decode", job.target, str(tmp_path / "back"), suffix=".png")
    assert set(states(back).values()) == {"done"}
    with Image.open(tmp_path / "in/sub/b.png") as before, Image.open(tmp_path / "back/sub/b.png.png") as after:
        assert after.tobytes() == before.tobytes()


def test_files_without_a_model_fit_any(job: Job, tmp_path: Path) -> None:
    text(160, 96).save(tmp_path / "in/page.png")
    sharp = replace(job, layers="sharp")
    assert set(states(sharp).values()) == {"done"}
    assert set(states(replace(sharp, model="fast")).values()) == {"skipped"}
    assert states(job)["page.png"] == "skipped"
    assert "expected quality 30 of model 0000" in all_of(replace(sharp, quality=30))["page.png"].message


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
    assert "expected tune eye of model" in found["a.png"].message


def test_files_larger_than_a_target_are_refused(job: Job, tmp_path: Path) -> None:
    assert set(states(job).values()) == {"done"}
    size = (tmp_path / "out/a.isth").stat().st_size
    assert all_of(replace(job, aim=Target("bytes", size)))["a.png"].state == "skipped"
    refused = all_of(replace(job, aim=Target("bytes", size - 1)))["a.png"]
    assert refused.state == "failed"
    assert f"expected at most {size - 1} bytes, got {size}" in refused.message


def test_a_newer_file_is_not_taken_for_damage(job: Job, tmp_path: Path) -> None:
    assert set(states(job).values()) == {"done"}
    path = tmp_path / "out/a.isth"
    newer = bytearray(path.read_bytes())
    newer[4] += 1
    path.write_bytes(newer)
    assert all_of(job)["a.png"].state == "failed"
    assert path.read_bytes() == newer


def test_another_tune_is_refused_whatever_the_target(job: Job, tmp_path: Path, tuned_model: Path) -> None:
    tuned = replace(job, model=str(tuned_model))
    assert set(states(tuned).values()) == {"done"}
    assert {inspect(path.read_bytes()).tune for path in (tmp_path / "out").rglob("*.isth")} == {1}
    # The default is a place like others.
    for same in (tuned, replace(tuned, tune="eye"), replace(tuned, tune=1, aim=Target("bytes", 3000))):
        assert set(states(same).values()) == {"skipped"}
    other = all_of(replace(tuned, tune="psnr"))["a.png"]
    assert other.state == "failed"
    wanted = f"quality 50 and tune {{}} of model {load_model(tuned_model).id.hex()}"
    assert f"expected {wanted.format('psnr')}, got {wanted.format('eye')}" in other.message
    aimed = replace(tuned, tune=0.25, aim=Target("bytes", 3000))
    assert "expected tune 0.25 of model" in all_of(aimed)["a.png"].message
    assert set(states(replace(aimed, force=True)).values()) == {"done"}
    assert set(states(aimed).values()) == {"skipped"}
    assert set(states(tuned).values()) == {"failed"}


@pytest.mark.usefixtures("no_tune")
def test_a_tune_that_the_model_has_no_dial_for(job: Job, tmp_path: Path) -> None:
    found = all_of(replace(job, tune="eye"))
    assert {result.state for result in found.values()} == {"failed"}
    assert "the model best has no second dial, the tune: got eye" in found["a.png"].message
    assert not (tmp_path / "out").exists()
