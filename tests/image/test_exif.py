import struct

import pytest
from PIL import Image

from isthmus.image.exif import (
    ARTIST,
    DESCRIPTION,
    ORIENTATION,
    Directory,
    bare,
    resolution_entries,
    resolution_of,
    text_entry,
    upright,
    with_entries,
    without_layout,
)


def block(order: str, *entries: tuple[int, int, bytes, int], tail: bytes = b"", following: int = 0) -> bytes:
    """Of (tag, type, value or offset in 4 bytes, count)."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    rows = b"".join(struct.pack(order + "HHI4s", tag, kind, count, value) for tag, kind, value, count in entries)
    return head + rows + struct.pack(order + "I", following) + tail


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "letter"), [(1, "B3x"), (3, "H2x"), (4, "I")])
def test_only_the_orientation_changes(order: str, kind: int, letter: str) -> None:
    before = block(order, (DESCRIPTION, 2, b"\xfc\xe9\0\0", 3), (ORIENTATION, kind, struct.pack(order + letter, 6), 1))
    after = upright(before)
    changed = [at for at, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert set(changed) <= set(range(22, 34))
    exif = Image.Exif()
    exif.load(after)
    assert exif[ORIENTATION] == 1


def test_the_thumbnail_keeps_its_own_orientation() -> None:
    thumbnail = struct.pack(">HHHIHHI", 1, ORIENTATION, 3, 1, 8, 0, 0)
    before = block(">", (ORIENTATION, 3, b"\0\x08\0\0", 1), tail=thumbnail, following=26)
    after = upright(before)
    assert after[26:] == thumbnail
    assert Directory.of(after).entries[0].data == b"\0\1"


@pytest.mark.parametrize("value", [b"\0\1\0\0", b"\0\0\0\1"])
def test_what_is_upright_stays_as_it_is(value: bytes) -> None:
    kind = 3 if value[1] else 4
    before = block(">", (ORIENTATION, kind, value, 1))
    assert upright(before) == before


@pytest.mark.parametrize("damaged", [b"", b"nonsense", b"MM\0*", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x05"])
def test_what_cannot_be_read_is_left_alone(damaged: bytes) -> None:
    assert upright(damaged) == damaged
    assert resolution_of(damaged) is None
    with pytest.raises(ValueError, match="EXIF block"):
        Directory.of(damaged)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_of_a_layout_are_taken_out_in_place(order: str) -> None:
    described = (DESCRIPTION, 2, struct.pack(order + "I", 54), 6)
    layout = [(tag, 4, struct.pack(order + "I", 5000), 1) for tag in (256, 259)]
    tail = bytes(4) + b"what?\0"
    before = block(order, *layout, described, tail=tail, following=50)
    after = without_layout(before)
    assert len(after) == len(before)
    assert after[50:] == before[50:]
    directory = Directory.of(after)
    assert [(entry.tag, entry.data) for entry in directory.entries] == [(DESCRIPTION, b"what?\0")]
    assert directory.following == 50


def test_a_block_without_a_layout_stays_as_it_is() -> None:
    for kept in (block(">", (531, 3, b"\0\1\0\0", 1), (ORIENTATION, 3, b"\0\1\0\0", 1)), b"nonsense", b""):
        assert without_layout(kept) == kept


def test_the_prefix_is_no_part_of_a_block() -> None:
    assert bare(b"Exif\0\0Exif\0\0MM\0*") == bare(b"Exif\0\0MM\0*") == b"MM\0*"


@pytest.mark.parametrize("order", ["<", ">"])
def test_entries_are_added_behind_what_is_there(order: str) -> None:
    before = block(order, (ARTIST, 2, struct.pack(order + "I", 26), 6), tail=b"Agn\xe8s\0")
    after = with_entries(before, resolution_entries((300, 299.5)) | {ARTIST: text_entry(b"other")})
    assert after[8 : len(before)] == before[8:]
    exif = Image.Exif()
    exif.load(after)
    assert exif[ARTIST] == "Agnès"
    assert resolution_of(after) == (300, 299.5)
    assert [entry.tag for entry in Directory.of(after).entries] == [0x011A, 0x011B, 0x0128, ARTIST]


def test_a_block_is_begun_where_there_is_none() -> None:
    exif = Image.Exif()
    exif.load(with_entries(b"", {DESCRIPTION: text_entry("Grüße".encode())}))
    assert exif[DESCRIPTION].encode("latin-1") == "Grüße".encode()
    assert with_entries(b"", {}) == b""


def test_resolution_in_centimetres() -> None:
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = 100.0, 100.0, 3
    assert resolution_of(bare(exif.tobytes())) == (254, 254)
    exif[0x0128] = 1  # no unit: only a ratio
    assert resolution_of(bare(exif.tobytes())) is None
