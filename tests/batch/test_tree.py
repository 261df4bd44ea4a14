"""Trees on a disk, in an archive and in memory: names, sizes, reading, writing."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from isthmus.batch.tree import Tree, opened
from isthmus.errors import InputError, LimitExceededError, MissingExtraError


@pytest.fixture(params=["disk", "archive", "memory"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tree]:
    files = {"b.txt": b"bb", "sub/deep/a.txt": b"aaa", "sub/ä b.txt": b""}
    if request.param == "disk":
        for name, data in files.items():
            (tmp_path / "top" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "top" / name).write_bytes(data)
        yield Tree(str(tmp_path / "top"))
    elif request.param == "archive":
        with zipfile.ZipFile(tmp_path / "top.zip", "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        yield Tree(f"zip://::{tmp_path / 'top.zip'}")
    else:
        memory = fsspec.filesystem("memory")
        for name, data in files.items():
            memory.pipe_file(f"/tree-test/{name}", data)
        yield Tree("memory://tree-test")
        memory.rm("/tree-test", recursive=True)


def test_names_and_sizes(tree: Tree) -> None:
    assert tree.files() == {"b.txt": 2, "sub/deep/a.txt": 3, "sub/ä b.txt": 0}
    assert list(tree.files()) == sorted(tree.files())
    assert tree.size("sub/deep/a.txt") == 3
    assert tree.size("absent.txt") is None


def test_reading(tree: Tree) -> None:
    assert tree.read("sub/deep/a.txt", 3) == b"aaa"
    with pytest.raises(LimitExceededError, match="at most 2 bytes, got 3"):
        tree.read("sub/deep/a.txt", 2)
    with pytest.raises(FileNotFoundError):
        tree.read("absent.txt", 9)


@pytest.mark.parametrize("address", ["{}", "memory://tree-writing"])
def test_writing(address: str, tmp_path: Path) -> None:
    tree = Tree(address.format(tmp_path / "new"))
    tree.write("x/y.bin", b"first")
    tree.write("x/y.bin", b"second")
    assert tree.files() == {"x/y.bin": 6}


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        Tree(str(tmp_path)).write("x.bin", "text")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_names_that_lead_out_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.png", b"x")
    with pytest.raises(InputError, match="plain names"):
        Tree(f"zip://::{tmp_path / 'evil.zip'}").files()


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Tree(str(tmp_path / "absent")).files()
    with pytest.raises(InputError, match="nonsense"):
        Tree("nonsense://x")
    with pytest.raises(MissingExtraError, match="backend"):
        Tree("gs://bucket/folder")
    (tmp_path / "broken.zip").write_bytes(b"no archive")
    with pytest.raises(InputError, match="BadZipFile"):
        Tree(f"zip://::{tmp_path / 'broken.zip'}")


@pytest.mark.parametrize("name", ["trip::2024", "file:x", "zip::a.zip", "memory:", "~", "a*b", "#1 & 50%"])
def test_a_folder_is_a_folder_whatever_its_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for address in (name, str(tmp_path / name)):
        tree = Tree(address)
        tree.write("sub::1/file:b", b"bb")
        assert (tmp_path / name / "sub::1" / "file:b").read_bytes() == b"bb"
        assert Tree(address).files() == {"sub::1/file:b": 2}
        assert tree.read("sub::1/file:b", 2) == b"bb"
        assert tree.folder == tmp_path / name


def test_a_folder_that_is_there_goes_before_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "memory:" / "trip").mkdir(parents=True)
    (tmp_path / "memory:" / "trip" / "a").write_bytes(b"a")
    assert Tree("memory://trip").files() == {"a": 1}


def test_a_process_that_was_forked_opens_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = opened(str(tmp_path))
    assert opened(str(tmp_path)) is tree
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 1)
        assert opened(str(tmp_path)) is not tree
