"""Trees in a store by worker processes: the same as on one machine, and what goes wrong on the way."""

import json
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from distributed import Client

from clusters import COUNT, contents
from isthmus import inspect
from isthmus.batch import stream
from isthmus.batch.inspection import Finding
from isthmus.batch.job import Job, Result
from isthmus.batch.stream import Stream
from isthmus.distributed import fleet, run_tree
from isthmus.distributed.tree import findings, results
from isthmus.errors import InputError, TruncatedError
from isthmus.model.registry import model_named
from stores import BUCKET, Store


def events(report: Path) -> list[dict[str, object]]:
    """The lines of a report, but for those of progress, which a slow machine has."""
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    return [line for line in lines if line["event"] != "progress"]


def test_the_same_bytes_as_alone_with_two_requests_a_picture(
    client: Client,
    source: str,
    target: str,
    expected: dict[str, bytes],
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = tmp_path / "report.jsonl"
    summary = run_tree(client, "encode", source, target, model="fast", report=report)
    requests = store.requests.copy()
    assert (summary.done, summary.total) == (COUNT, COUNT)
    assert contents(target) == expected
    assert (requests["GET"], requests["PUT"]) == (COUNT, COUNT)
    # Two pages of listings, and each worker looks for the bucket once a folder.
    assert requests["LIST"] + requests["HEAD"] <= 4 + 2 * 4
    lines = events(report)
    assert [line["event"] for line in lines] == ["begin", "end"]
    assert (lines[1]["done"], lines[1]["other_files"]) == (COUNT, 1)

    # The first are opened and compared; when so many have passed, all others are told from the listing.
    monkeypatch.setattr(stream, "_PROOFS", 3)
    monkeypatch.setattr(fleet, "_ITEMS", 2)
    store.reset()
    again = run_tree(client, "encode", source, target, model="fast", report=report)
    assert (again.done, again.skipped) == (0, COUNT)
    assert store.requests["PUT"] == 0
    assert 2 * 3 <= store.requests["GET"] <= 2 * 12
    assert [line["event"] for line in events(report)] == ["begin", "end"] * 2


def test_there_and_back_and_what_files_say(client: Client, source: str, target: str) -> None:
    assert run_tree(client, "encode", source, target, model="fast").done == COUNT
    damaged, root = fsspec.core.url_to_fs(target)
    damaged.pipe_file(f"{root}/b/1.isth", damaged.cat_file(f"{root}/b/1.isth")[:-20])
    job = Job("decode", target, target.removesuffix("out") + "back")
    for kind in ("verify", "info"):
        found = dict(findings(client, kind, job))
        assert len(found) == COUNT
        wrong = {name: error for name, error in found.items() if isinstance(error, Exception)}
        assert list(wrong) == [f"{target}/b/1.isth"]
        assert isinstance(wrong[f"{target}/b/1.isth"], TruncatedError)
        said = found[f"{target}/a/0.isth"]
        assert isinstance(said, tuple)
        assert (said[0]["width"], said[0]["height"]) == (96, 64)
        assert "96x64" in said[1]
    seen: list[Result] = []
    summary = run_tree(client, "decode", job.source, job.target, on_result=seen.append)
    assert (summary.done, summary.failed) == (COUNT - 1, 1)
    assert [result.item.name for result in seen if result.state == "failed"] == ["b/1.isth"]
    assert set(contents(job.target)) == {
        name.replace(".isth", ".png") for name in contents(target) if name != "b/1.isth"
    }


def test_a_store_that_fails_now_and_then(
    client: Client, source: str, target: str, expected: dict[str, bytes], store: Store
) -> None:
    count = 0

    def every_eighth(method: str, path: str) -> bool:
        nonlocal count
        count += 1
        return count % 8 == 0

    store.fails = every_eighth
    summary = run_tree(client, "encode", source, target, model="fast")
    store.reset()
    assert (summary.done, summary.failed) == (COUNT, 0)
    assert contents(target) == expected


def test_a_store_that_answers_slowly_or_not_at_all(
    client: Client, source: str, target: str, expected: dict[str, bytes], store: Store
) -> None:
    asked: list[str] = []

    def slowness(method: str, path: str) -> float:
        asked.append(path)
        # Longer than anybody waits, once.
        if path.endswith("/b/1.png") and asked.count(path) == 1:
            return 6
        return 0.03

    store.slowness = slowness
    summary = run_tree(client, "encode", source, target, model="fast")
    assert (summary.done, summary.failed) == (COUNT, 0)
    assert contents(target) == expected
    first = next(path for path in asked if path.endswith("/b/1.png"))
    assert asked.count(first) == 2


def test_errors_are_asked_again_and_then_named(client: Client, source: str, target: str, store: Store) -> None:
    asked: Counter[str] = Counter()

    def fails(method: str, path: str) -> bool:
        asked[f"{method} {path.rpartition('/')[2]}"] += 1
        return path.endswith(("/in/a/0.png", "/out/b/1.isth"))

    store.fails = fails
    seen: list[Result] = []
    summary = run_tree(client, "encode", source, target, model="fast", on_result=seen.append)
    store.reset()
    assert (summary.done, summary.failed) == (COUNT - 2, 2)
    named = {result.item.name: result.message for result in seen if result.state == "failed"}
    assert named == dict.fromkeys(("a/0.png", "b/1.png"), "Service Unavailable")
    # As often as AWS_MAX_ATTEMPTS says; botocore waits twice as long each time, more or less.
    assert (asked["GET 0.png"], asked["PUT 1.isth"], asked["GET 1.png"], asked["PUT 2.isth"]) == (3, 3, 1, 1)
    assert "b/1.isth" not in contents(target)
    again = run_tree(client, "encode", source, target, model="fast")
    assert (again.done, again.skipped) == (2, COUNT - 2)


def test_a_listing_that_fails_ends_the_run_which_goes_on_later(
    client: Client, source: str, target: str, expected: dict[str, bytes], store: Store
) -> None:
    bucket = f"/{BUCKET}"
    store.fails = lambda method, path: method == "GET" and path.rstrip("/") == bucket
    with pytest.raises(OSError, match="Service Unavailable"):
        run_tree(client, "encode", source, target, model="fast")
    store.reset()
    assert run_tree(client, "encode", source, target, model="fast").done == COUNT
    assert contents(target) == expected


def test_what_goes_on_failing_is_named_and_the_rest_is_done(
    client: Client, source: str, target: str, store: Store, tmp_path: Path
) -> None:
    remote, root = fsspec.core.url_to_fs(source)
    remote.pipe_file(f"{root}/a/0.png", b"no picture")
    store.fails = lambda method, path: method == "GET" and path.endswith("/c/2.png")
    report = tmp_path / "report.jsonl"
    summary = run_tree(client, "encode", source, target, model="fast", report=report)
    assert (summary.done, summary.failed) == (COUNT - 2, 2)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    failed = {line["input"]: line["message"] for line in lines if line["event"] == "failed"}
    assert set(failed) == {"a/0.png", "c/2.png"}
    assert "not a picture" in failed["a/0.png"]
    assert failed["c/2.png"] == "Service Unavailable"
    assert not any(name in contents(target) for name in ("a/0.isth", "c/2.isth"))


def test_a_killed_worker_and_a_stopped_run(
    client: Client, source: str, target: str, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # One by one, so that some are left when the run is stopped.
    monkeypatch.setattr(fleet, "_ITEMS", 1)
    ends = results(client, Stream(Job("encode", source, target, model="fast")))
    first = [next(ends) for _ in range(4)]
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    more = [next(ends) for _ in range(4)]
    assert {result.state for result in (*first, *more)} == {"done"}
    ends.close()
    left = contents(target)
    assert left == {name: expected[name] for name in left}
    assert 8 <= len(left) < COUNT
    client.wait_for_workers(2, timeout=30)
    summary = run_tree(client, "encode", source, target, model="fast")
    assert summary.done + summary.skipped == COUNT
    assert summary.skipped >= 8
    assert contents(target) == expected


def test_what_was_made_otherwise_is_refused(client: Client, source: str, target: str) -> None:
    assert run_tree(client, "encode", source, target, model="fast", quality=30).done == COUNT
    assert run_tree(client, "encode", source, target, model="fast").failed == COUNT
    assert run_tree(client, "encode", source, target, model="fast", force=True).done == COUNT


def test_a_model_that_is_not_in_the_package(client: Client, source: str, target: str, other_model: Path) -> None:
    identity, count = model_named(other_model).id, COUNT // 3
    assert run_tree(client, "encode", f"{source}/c", target, model=str(other_model)).done == count
    job = Job("decode", target, "nowhere", model=str(other_model))
    found: list[Finding] = list(findings(client, "info", job))
    assert {said[0]["model_id"] for _, said in found if isinstance(said, tuple)} == {identity.hex()}
    assert len(found) == count
    back = replace(job, target=target.removesuffix("out") + "back")
    assert run_tree(client, "decode", back.source, back.target, model=back.model).done == count


def test_folders_of_this_machine(client: Client, photos: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    assert run_tree(client, "encode", str(photos), str(tmp_path / "out"), model="fast").done == COUNT
    assert contents(str(tmp_path / "out")) == expected


def test_the_second_dial_reaches_the_workers(client: Client, photos: Path, tmp_path: Path, tuned_model: Path) -> None:
    done = run_tree(client, "encode", str(photos / "c"), str(tmp_path), model=str(tuned_model), tune="psnr").done
    tunes = {inspect(data).tune for data in contents(str(tmp_path)).values()}
    assert (done, tunes) == (COUNT // 3, {0})


def test_what_cannot_be_begun(client: Client, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="archives are read here"):
        run_tree(client, "encode", str(tmp_path), "zip://::out.zip")
    with pytest.raises(FileNotFoundError):
        run_tree(client, "encode", f"s3://{BUCKET}/absent", str(tmp_path / "out"))
