"""Listings: in the order of whole names, by pages and by folders, and nothing kept."""

import datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from isthmus.batch.listing import Entry, local_entries, store_entries

# In order: a point and a blank stand before the stroke between folders, letters behind it.
NAMES = ["a b/x", "a.k/x.png", "a.png", "a/b.png", "a/b/c.png", "ab", "ä.png", "\U0001f600.png"]


class Pages:
    """A store that lists as s3fs does, two names a page."""

    protocol = ("s3", "s3a")

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def split_path(self, path: str) -> tuple[str, str, None]:
        bucket, _, key = path.partition("/")
        return bucket, key, None

    def call_s3(self, method: str, **asked: str) -> dict[str, Any]:
        assert method == "list_objects_v2"
        self.asked.append(asked)
        start = int(asked.get("ContinuationToken", 0))
        when = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
        every = [*NAMES[:2], "a.k/", *NAMES[2:]]
        page = [{"Key": f"in/{name}", "Size": len(name), "LastModified": when} for name in every[start : start + 2]]
        more = start + 2 < len(every)
        return {"Contents": page, "IsTruncated": more} | ({"NextContinuationToken": str(start + 2)} if more else {})


def test_pages() -> None:
    store = Pages()
    found = store_entries(store, "bucket/in")
    assert next(found) == Entry(NAMES[0], len(NAMES[0]), 1767312000.0)
    assert len(store.asked) == 1
    assert [entry.name for entry in found] == NAMES[1:]
    assert [asked["Prefix"] for asked in store.asked] == ["in/"] * 5


def test_an_empty_page() -> None:
    class Empty(Pages):
        def call_s3(self, method: str, **asked: str) -> dict[str, Any]:
            return {"IsTruncated": False, "KeyCount": 0}

    assert list(store_entries(Empty(), "bucket")) == []


def test_folders_on_a_disk_are_in_the_same_order(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    found = {entry.name: entry for entry in local_entries(tmp_path, None)}
    assert list(found) == sorted([*NAMES, "link", "linked"])
    assert found["a/b/c.png"].size == len("a/b/c.png")
    assert found["a.png"].modified == (tmp_path / "a.png").stat().st_mtime
    assert found["link"] == Entry("link", 0)


def test_other_stores_are_in_the_same_order_and_forget() -> None:
    memory = fsspec.filesystem("memory")
    for name in NAMES:
        memory.pipe_file(f"/listing/{name}", name.encode())
    try:
        found = list(store_entries(memory, "/listing"))
        assert [entry.name for entry in found] == NAMES
        assert [entry.size for entry in found] == [len(name.encode()) for name in NAMES]
        assert list(store_entries(memory, "/listing/absent")) == []
        assert [entry.name for entry in store_entries(memory, "/listing/a.png")] == [""]
    finally:
        memory.rm("/listing", recursive=True)


def test_listings_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("a")
    store = fsspec.filesystem("dir", path=str(tmp_path))
    forgotten: list[str] = []
    store.invalidate_cache = forgotten.append
    assert [entry.name for entry in store_entries(store, "")] == ["a.png"]
    assert forgotten == [""]


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(local_entries(tmp_path / "absent", {}))
