import errno
import io
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from isthmus.errors import InputError, LimitExceededError, OutputExistsError
from isthmus.files import atomic_output, beside, read_capped, write_atomic


def test_writes_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with atomic_output(target) as stream:
        stream.write(b"abc")
        assert not target.exists()
    assert target.read_bytes() == b"abc"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_bytes_are_written_whole_and_counted(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    assert write_atomic(target, b"abc") == 3
    with pytest.raises(OutputExistsError, match="--force"):
        write_atomic(target, b"other")
    assert target.read_bytes() == b"abc"
    assert write_atomic(target, b"other", force=True) == 5
    assert target.read_bytes() == b"other"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_failure_leaves_what_was_there(tmp_path: Path, before: bytes | None) -> None:
    target = tmp_path / "a.bin"
    if before is not None:
        target.write_bytes(before)
    with pytest.raises(RuntimeError), atomic_output(target, force=True) as stream:  # noqa: PT012
        stream.write(b"half")
        raise RuntimeError
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if before is None else [before])


def test_never_overwrites_unasked(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="--force"), atomic_output(target):
        pytest.fail("the block must not run")
    assert target.read_bytes() == b"old"
    with atomic_output(target, force=True) as stream:
        stream.write(b"new")
    assert target.read_bytes() == b"new"


def test_never_overwrites_what_appeared_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with pytest.raises(OutputExistsError), atomic_output(target) as stream:  # noqa: PT012
        stream.write(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_permissions_are_the_usual_ones(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with atomic_output(tmp_path / "ours") as stream:
        stream.write(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("permissions", [0o600, 0o666])
def test_permissions_of_what_is_overwritten_stay(tmp_path: Path, permissions: int) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"")
    target.chmod(permissions)
    with atomic_output(target, force=True) as stream:
        # Never more open than the old file, not even meanwhile.
        assert os.fstat(stream.fileno()).st_mode & 0o777 & ~permissions == 0
    assert target.stat().st_mode & 0o777 == permissions


def test_the_umask_of_the_process_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("other threads would see it"))
    with atomic_output(tmp_path / "a.bin") as stream:
        stream.write(b"")


def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"before")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with atomic_output(tmp_path / "link", force=True) as stream:
        stream.write(b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "kept").read_bytes() == b"after"

    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with atomic_output(tmp_path / "pipe", force=True) as stream:
        stream.write(b"through")
    reader.join(10)
    assert got == [b"through"]
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(OutputExistsError), atomic_output(Path(os.devnull)):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "link", "pipe"}


def test_without_hard_links_nothing_is_overwritten_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with atomic_output(tmp_path / "new") as stream:
        stream.write(b"whole")
    assert (tmp_path / "new").read_bytes() == b"whole"
    output = atomic_output(tmp_path / "taken")
    output.__enter__().write(b"mine")
    (tmp_path / "taken").write_bytes(b"theirs")
    with pytest.raises(OutputExistsError, match="meanwhile"):
        output.__exit__(None, None, None)
    assert (tmp_path / "taken").read_bytes() == b"theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"new", "taken"}


def test_an_error_of_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as failed, atomic_output(tmp_path / "new"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert failed.value.filename == str(tmp_path / "new")
    assert not list(tmp_path.iterdir())
    # Any other error may be of what was read.
    with pytest.raises(OSError, match="Input/output") as failed, atomic_output(tmp_path / "new"):
        raise OSError(errno.EIO, "Input/output error")
    assert failed.value.filename is None


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_folder_has_no_file_beside_it(name: str) -> None:
    assert beside(Path("photo.tar.png"), ".isth") == Path("photo.tar.isth")
    with pytest.raises(InputError, match="expected the name of a file"):
        beside(Path(name), ".isth")


def test_reading_allocates_what_is_there_not_what_may_be(tmp_path: Path) -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 2))

    assert read_capped(Dribble(b"abcdefg"), 7, "x") == b"abcdefg"
    with pytest.raises(LimitExceededError):
        read_capped(Dribble(b"abcdefgh"), 7, "x")
    (tmp_path / "small").write_bytes(b"abc")
    with (tmp_path / "small").open("rb") as stream:
        tracemalloc.start()
        read_capped(stream, 2**30, "small")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**23


def test_read_capped() -> None:
    assert read_capped(io.BytesIO(b"abc"), 3, "x") == b"abc"
    with pytest.raises(LimitExceededError, match="x is too large"):
        read_capped(io.BytesIO(b"abcd"), 3, "x")
