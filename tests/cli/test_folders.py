"""Folders on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isthmus.cli import main
from pictures import photo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in/sub").mkdir(parents=True)
    photo(40, 30).save("in/a.png")
    photo(30, 40).save("in/sub/b.png")
    Path("in/notes.txt").write_text("mine")


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def test_a_folder_and_back() -> None:
    encoded = run("encode", "in", "-o", "out", "--workers", "1")
    assert encoded.exit_code == 0, encoded.output
    assert "2 pictures in " in encoded.stdout
    assert ": 2 encoded\n" in encoded.stdout
    assert " bytes before, " in encoded.stdout
    assert "1 other file left alone" in encoded.stdout
    decoded = run("decode", "out", "-o", "back", "--workers", "1", "--json")
    *lines, last = map(json.loads, decoded.stdout.splitlines())
    assert {line["output"]: line["state"] for line in lines} == {"a.png": "done", "sub/b.png": "done"}
    assert last["summary"]["done"] == 2
    assert Path("back/sub/b.png").exists()


def test_a_failure_is_named_and_ends_in_status_one() -> None:
    Path("in/text.png").write_text("no picture")
    result = run("encode", "in", "-o", "out", "--workers", "1")
    assert result.exit_code == 1
    assert "isthmus: text.png: " in result.stderr
    assert "2 encoded, 1 failed" in result.stdout


def test_notes_and_what_cannot_be_read_are_told(lock_folders: Callable[[str], None]) -> None:
    photo(40, 30).convert("CMYK").save("in/c.tif")
    lock_folders("sub")
    result = run("encode", "in", "-o", "out", "--workers", "1")
    assert result.exit_code == 1
    assert "isthmus: sub: Permission denied" in result.stderr
    assert "c.tif: CMYK without a profile: the colours are approximate" in result.stdout
    assert "2 encoded, 1 failed" in result.stdout


def test_a_dry_run_does_nothing() -> None:
    result = run("encode", "in", "-o", "out", "--dry-run")
    assert result.exit_code == 0
    assert "sub/b.png -> sub/b.isth" in result.stdout
    assert "2 pictures of " in result.stdout
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["encode", "in"], "say with -o"),
        (["encode", "in", "-o", "-"], "say with -o"),
        (["encode", "in", "in/a.png", "-o", "out"], "give it alone"),
        (["encode", "in", "-o", "in/out"], "lies inside"),
        (["encode", "in", "-o", "in"], "lies inside"),
        (["encode", "in/a.png", "--workers", "2"], "for folders"),
        (["encode", "in/a.png", "--keep-smaller"], "for folders"),
        (["encode", "in", "-o", "out", "--keep-smaller", "--strip"], "exclude each other"),
        (["encode", "in/a.png", "-o", "s3://bucket/a.isth"], "is an address: only the output of a folder"),
        (["decode", "in/a.isth", "-o", "s3://bucket/"], "is an address: only the output of a folder"),
        (["decode", "in", "-o", "out", "--scale", "1/16"], "for single files"),
    ],
)
def test_usage_errors(args: list[str], message: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_an_address_that_cannot_be_opened() -> None:
    result = run("encode", "nonsense://x", "-o", "out")
    assert result.exit_code == 1
    assert "nonsense://x cannot be opened" in result.stderr
