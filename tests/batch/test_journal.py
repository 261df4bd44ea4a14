"""The report of a run: JSON lines as they come."""

import json
from pathlib import Path

import pytest

from isthmus.batch.job import Item, Job, Result, Summary
from isthmus.batch.journal import open_journal

RESULTS = [
    Result(Item("a.png", 90, "a.isth"), "done", 30),
    Result(Item("b.png", 10, "b.isth"), "failed", message="no picture"),
    Result(Item("c.png", 50, "c.isth"), "done", 20, "no profile"),
]


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_are_there_as_soon_as_they_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, summary = tmp_path / "report.jsonl", Summary()
    with open_journal(path) as report:
        report.begin(Job("encode", "in", "out"))
        assert [(line["event"], line["source"]) for line in written(path)] == [("begin", "in")]
        watched = report.watch(RESULTS, summary)
        assert [next(watched), next(watched)] == RESULTS[:2]
        assert written(path)[1]["message"] == "no picture"
        monkeypatch.setattr(report, "_next", 0.0)
        assert list(watched) == RESULTS[2:]
        report.end(summary, 4)
    begin, failed, note, progress, end = written(path)
    assert (failed["event"], failed["input"], failed["output"]) == ("failed", "b.png", "b.isth")
    assert (note["event"], note["message"]) == ("note", "no profile")
    assert (progress["event"], progress["done"], progress["failed"]) == ("progress", 2, 1)
    assert (end["event"], end["bytes_before"], end["bytes_after"], end["other_files"]) == ("end", 140, 50, 4)
    assert float(str(end["seconds"])) >= float(str(begin["seconds"]))


def test_a_second_run_is_added(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    for _ in range(2):
        with open_journal(path) as report:
            report.begin(Job("decode", "in", "out"))
            report.end(Summary(), 0)
    assert [line["event"] for line in written(path)] == ["begin", "end"] * 2


def test_no_report_still_counts(tmp_path: Path) -> None:
    summary = Summary()
    with open_journal(None) as report:
        report.begin(Job("encode", "in", "out"))
        assert list(report.watch(RESULTS, summary)) == RESULTS
    assert (summary.done, summary.failed) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named() -> None:
    with pytest.raises(OSError, match="No space") as caught, open_journal("/dev/full") as report:
        report.begin(Job("encode", "in", "out"))
    assert caught.value.filename == "/dev/full"
