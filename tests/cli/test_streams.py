"""Inputs as streams of bounded size, outputs whole or not at all."""

import contextlib
import io
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

import pytest
from PIL import Image

from isthmus import encode_file
from isthmus.cli import COMMANDS, main
from isthmus.cli.streams import STREAM, read_input, write_output
from isthmus.errors import LimitExceededError, OutputExistsError


def test_pipes_are_capped_and_can_be_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def feed(data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            Path("pipe").write_bytes(data)

    os.mkfifo("pipe")
    for data in (b"12345", b"123456"):
        thread = threading.Thread(target=feed, args=(data,))
        thread.start()
        if len(data) > 5:
            with pytest.raises(LimitExceededError, match="pipe is too large"):
                read_input("pipe", 5)
        else:
            with read_input("pipe", 5) as stream:
                assert (stream.seek(2), stream.read()) == (2, b"345")
        thread.join()


def test_a_file_is_capped_by_its_size_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    with read_input(str(tmp_path / "a"), 5) as stream:
        assert stream.read() == b"12345"
    with pytest.raises(LimitExceededError, match="expected at most 4 bytes, got 5"):
        read_input(str(tmp_path / "a"), 4)


def test_a_failure_half_way_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise ValueError("stopped")

    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written))
    for target in (STREAM, str(tmp_path / "a")):
        with pytest.raises(ValueError, match="stopped"):
            write_output(target, False, write)
    assert written.getvalue() == b""
    assert not list(tmp_path.iterdir())


def test_folders_above_an_output_are_made_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a"
    write_output(str(target), False, lambda file: None)
    with pytest.raises(OutputExistsError, match="--force"):
        write_output(str(target), False, lambda file: None)
    write_output(str(target), True, lambda file: None)
    assert target.read_bytes() == b""


def status_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


@pytest.fixture
def full() -> Iterator[TextIO]:
    """A device on which no room is left."""
    stream = open("/dev/full", "w")  # noqa: SIM115
    yield stream
    stream.close()


@pytest.mark.parametrize("verb", [[], *([name] for name in COMMANDS)])
def test_every_verb_says_that_its_output_is_full(
    verb: list[str], full: TextIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", full)
    assert status_of(*verb, "--help") == 1
    said = capsys.readouterr().err
    assert said == "isthmus: standard output cannot be written: No space left on device\n"
    full.flush()  # what is left in it goes nowhere: Python's own last try fails no more


@pytest.mark.parametrize("verb", [[], *([name] for name in COMMANDS)])
def test_every_verb_says_that_its_output_is_closed(
    verb: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert status_of(*verb, "--help") == 1
    said = capsys.readouterr().err
    assert said == "isthmus: standard output is closed. Redirect it to /dev/null to see nothing.\n"


@pytest.mark.parametrize("verb", ["encode", "decode", "info", "verify"])
def test_closed_input(verb: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", None)
    output = ["-o", "-"] if verb in ("encode", "decode") else []
    assert status_of(verb, "-", *output) == 1
    out, said = capfd.readouterr()
    assert said == "isthmus: -: standard input is closed. Pipe or redirect a file into it, or name the file.\n"
    assert out == ""


# In a shell of their own: what Python does at its end shows nowhere else.
CLOSED_INPUT = "standard input is closed. Pipe or redirect a file into it, or name the file."
SHELL = [
    ("info a.isth >&-", 1, "isthmus: standard output is closed. Redirect it to /dev/null to see nothing.\n"),
    ("info a.isth >/dev/full", 1, "isthmus: standard output cannot be written: No space left on device\n"),
    ("encode -f b.png >/dev/full", 1, "isthmus: standard output cannot be written: No space left on device\n"),
    ("encode b.png -o - >/dev/full", 1, "isthmus: b.png: No space left on device\n"),
    ("encode - -o - <&- >out", 1, f"isthmus: -: {CLOSED_INPUT}\n"),
    ("serve --port 0 >/dev/full", 1, "isthmus: standard output cannot be written: No space left on device\n"),
    ("models >/dev/full", 1, "isthmus: standard output cannot be written: No space left on device\n"),
    ("info a.isth 2>&-", 0, ""),
    ("encode -f folder -o there <&-", 0, ""),
    ("info a.isth | true", 0, ""),
]


@pytest.mark.parametrize(("command", "status", "said"), SHELL, ids=[command for command, *_ in SHELL])
def test_in_a_shell(command: str, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As for most users: what is left in a buffer is written, and fails, once more.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    (tmp_path / "folder").mkdir()
    for name in ("b.png", "folder/c.png"):
        Image.new("RGB", (16, 16), "red").save(tmp_path / name)
    encode_file(tmp_path / "b.png", tmp_path / "a.isth", model="fast")
    line = f"{shlex.quote(sys.executable)} -m isthmus {command}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (status, said)


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = """
import os
from isthmus.cli.streams import standard_streams
with standard_streams():
    print(os.open("x", os.O_CREAT))
"""
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} <&- 2>&-"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True)
    assert int(done.stdout) > 2
