"""Inputs as streams of bounded size, outputs whole or not at all."""

import contextlib
import io
import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

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
