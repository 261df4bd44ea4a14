"""`--cluster` on the command line: what one machine says, writes and answers, a cluster does too."""

import json
import re
from pathlib import Path
from typing import Any

import dask.config
import pytest
from click.testing import CliRunner, Result
from distributed import Client

from clusters import contents, free_address
from isthmus.cli import main
from pictures import photo
from stores import BUCKET, Store

# What one machine says does not hang on how it divides the work.
pytestmark = pytest.mark.usefixtures("folders_in_threads")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures, one with a note, one damaged and one that nobody reads here, and a text."""
    monkeypatch.chdir(tmp_path)
    Path("in/sub").mkdir(parents=True)
    photo(40, 30).save("in/a.png")
    photo(30, 40).effect_spread(9).save("in/sub/b.png")
    photo(40, 30).convert("CMYK").save("in/c.tif")
    Path("in/text.png").write_text("no picture")
    Path("in/sub/raw.CR2").write_bytes(b"not looked at")
    Path("in/notes.txt").write_text("mine")


@pytest.fixture
def here(folder: None, client: Client) -> str:
    """The address of a cluster whose workers look into the same folder."""
    return str(client.scheduler.address)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def words(text: str) -> list[str]:
    """The lines of an output but for times, in an order of their own: a cluster ends files in any."""
    return sorted(re.sub(r"in [\d.]+ s \([\d.]+ a second\)", "in time", line) for line in text.splitlines())


def records(result: Result) -> list[dict[str, Any]]:
    """The same of an output in JSON."""
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for one in found:
        one.get("summary", {}).pop("seconds", None)
    return sorted(found, key=json.dumps)


def said_alike(alone: Result, spread: Result) -> None:
    assert (spread.exit_code, words(spread.stderr)) == (alone.exit_code, words(alone.stderr))
    assert words(spread.stdout) == words(alone.stdout)


def test_folders_there_and_back(here: str) -> None:
    for again in range(2):
        alone = run("encode", "in", "-o", "alone", "--model", "fast", "--workers", "1")
        spread = run("encode", "in", "-o", "spread", "--model", "fast", "--cluster", here)
        said_alike(alone, spread)
        assert spread.exit_code == 1
        assert "isthmus: text.png: " in spread.stderr
        assert "isthmus: sub/raw.CR2: not encoded: camera raw" in spread.stderr
        assert ("3 whole already" if again else "3 encoded") + ", 2 failed" in spread.stdout
        assert "1 other file left alone (--copy-others copies): notes.txt" in spread.stdout
        assert ("c.tif: CMYK" in spread.stdout) is not again
    assert contents("spread") == contents("alone")

    for _ in range(2):
        alone = run("decode", "spread", "-o", "back", "--workers", "1", "--json")
        spread = run("decode", "spread", "-o", "spread-back", "--cluster", here, "--json")
        assert (spread.exit_code, spread.stderr) == (0, "")
        assert records(spread) == records(alone)
    assert records(spread)[-1]["summary"]["skipped"] == 3
    assert contents("spread-back") == contents("back")


@pytest.mark.parametrize(
    "options",
    [
        ("--quality", "30", "--strip", "--max-side", "24", "--effort", "2"),
        ("--target-bytes", "300"),
        ("--keep-smaller", "--copy-others", "--quality", "95"),
    ],
)
def test_options_of_encoding(here: str, options: tuple[str, ...]) -> None:
    for extra in ((), ("--force",), ()):
        encode = ("--model", "fast", "--json", *options, *extra)
        alone = run("encode", "in", "-o", "alone", "--workers", "1", *encode)
        spread = run("encode", "in", "-o", "spread", "--cluster", here, *encode)
        assert (spread.exit_code, spread.stderr) == (alone.exit_code, alone.stderr)
        assert records(spread) == records(alone)
    assert contents("spread") == contents("alone")


def test_options_of_decoding(here: str) -> None:
    assert run("encode", "in/sub", "-o", "small", "--model", "fast", "--workers", "1").exit_code == 1
    options = ("--to", "jpg", "--to-quality", "60", "--max-side", "20")
    said_alike(
        run("decode", "small", "-o", "alone", "--workers", "1", *options),
        run("decode", "small", "-o", "spread", "--cluster", here, *options),
    )
    assert list(contents("spread")) == ["b.jpg"]
    assert contents("spread") == contents("alone")


def test_what_was_made_otherwise_is_refused(here: str) -> None:
    assert run("encode", "in", "-o", "out", "--model", "fast", "--cluster", here).exit_code == 1
    other = ("encode", "in", "-o", "out", "--model", "fast", "--quality", "20")
    spread = run(*other, "--cluster", here)
    assert "isthmus: a.png: a.isth is there already" in spread.stderr
    assert "5 failed" in spread.stdout
    said_alike(run(*other, "--workers", "1"), spread)


def test_a_dry_run_does_nothing(here: str) -> None:
    assert run("encode", "in/sub", "-o", "out/sub", "--model", "fast", "--workers", "1").exit_code == 1
    before = contents("out")
    for form in ((), ("--json",)):
        plan = ("encode", "in", "-o", "out", "--model", "fast", "--dry-run", *form)
        spread = run(*plan, "--cluster", here)
        said_alike(run(*plan), spread)
        # One that cannot be read here; whether a picture is damaged shows when it is opened.
        assert spread.exit_code == 1
    assert contents("out") == before


def test_verify_and_info(here: str) -> None:
    assert run("encode", "in", "-o", "out", "--model", "fast", "--workers", "1").exit_code == 1
    verify = run("verify", "out", "--cluster", here)
    said_alike(run("verify", "out"), verify)
    assert verify.exit_code == 0
    assert "3 of 3 whole and decodable" in verify.stdout
    whole = Path("out/a.isth").read_bytes()
    Path("out/a.isth").write_bytes(whole[:-20])
    Path("empty").mkdir()
    for verb in ("verify", "info"):
        said_alike(run(verb, "out/", "empty"), run(verb, "out/", "empty", "--cluster", here))
        alone, spread = run(verb, "out", "--json"), run(verb, "out", "--json", "--cluster", here)
        assert spread.exit_code == alone.exit_code == 1
        assert records(spread) == records(alone)
        wrong = [line for line in records(spread) if "error" in line]
        assert [(line["input"], line["error"]["type"]) for line in wrong] == [("out/a.isth", "TruncatedError")]


def test_reports_of_a_run(here: str) -> None:
    for option in (("--workers", "1"), ("--cluster", here)):
        target = f"out{option[0]}"
        encode = ("encode", "in", "-o", target, "--model", "fast", "--report", f"{target}.jsonl")
        assert run(*encode, *option).exit_code == 1
    alone, spread = (
        [json.loads(line) for line in Path(f"out{name}.jsonl").read_text().splitlines()]
        for name in ("--workers", "--cluster")
    )
    for lines in (alone, spread):
        lines[:] = [line for line in lines if line["event"] != "progress"]
        for line in lines:
            assert line.pop("time") > 0
            assert line.pop("seconds") >= 0
            line.pop("target", None)
    assert [line["event"] for line in (spread[0], spread[-1])] == ["begin", "end"]
    assert sorted(spread, key=json.dumps) == sorted(alone, key=json.dumps)


def test_buckets(client: Client, source: str, target: str, expected: dict[str, bytes]) -> None:
    cluster = ("--cluster", str(client.scheduler.address))
    result = run("encode", source, "-o", target, "--model", "fast", *cluster)
    assert result.exit_code == 0, result.output
    assert f": {len(expected)} encoded\n" in result.stdout
    assert contents(target) == expected
    verified = run("verify", target, *cluster)
    assert verified.exit_code == 0
    assert f"{target}/a/0.isth: whole and decodable, 96x64" in verified.stdout
    assert f"{len(expected)} of {len(expected)} whole and decodable" in verified.stdout


def test_a_cluster_of_its_own(folder: None) -> None:
    local = ("--cluster", "local", "--workers", "1")
    result = run("encode", "in", "-o", "out", "--model", "fast", *local)
    assert result.exit_code == 1
    assert "3 encoded, 2 failed" in result.stdout
    result = run("info", "out", "--json", "--cluster", "local")
    assert result.exit_code == 0
    assert {line["input"] for line in records(result)} == {"out/a.isth", "out/c.isth", "out/sub/b.isth"}


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("encode", "in/a.png", "--cluster", "local"), 2, "--cluster are for folders"),
        (("encode", "in", "-o", "out", "--cluster", "tcp://there:1", "--workers", "2"), 2, "those of tcp://there:1"),
        (("verify", "in/a.png", "--cluster", "local"), 2, "in/a.png is none"),
        (("info", "-", "--cluster", "local"), 2, "- is none"),
        (("encode", "in", "-o", "out", "--cluster", "nothing://here"), 1, "is no scheduler's address"),
    ],
)
def test_what_cannot_be_begun(folder: None, args: tuple[str, ...], status: int, message: str) -> None:
    result = run(*args)
    assert result.exit_code == status, result.output
    assert message in " ".join(result.stderr.split())
    assert not Path("out").exists()


def test_nobody_answers(folder: None) -> None:
    address = free_address()
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        result = run("verify", "in", "--cluster", address)
    assert (result.exit_code, result.stderr) == (1, f"isthmus: no scheduler answers at {address}\n")


def test_a_source_that_cannot_be_listed(client: Client, store: Store) -> None:
    cluster = ("--cluster", str(client.scheduler.address))
    result = run("encode", f"s3://{BUCKET}/absent", "-o", f"s3://{BUCKET}/out", *cluster)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"isthmus: s3://{BUCKET}/absent: No such folder\n"
    result = run("verify", f"s3://{BUCKET}/absent", *cluster)
    assert result.exit_code == 1
    assert f"isthmus: s3://{BUCKET}/absent: " in result.stderr
