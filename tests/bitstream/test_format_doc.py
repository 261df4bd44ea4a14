"""docs/format.md says what the program does: its tables against the code's."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

import doubles
from containers import HEADER
from isthmus.bitstream import chunks, head
from isthmus.image import modes, size
from isthmus.image.chunks import CHUNKS
from isthmus.image.coders.protocol import MEDIUM
from isthmus.image.coders.table import CODERS, NO_CODER
from isthmus.image.grid import TILE
from isthmus.image.header import pack_header
from isthmus.image.limits import Limits
from isthmus.image.modes import as_mode, restored_mode
from isthmus.media import MEDIA

TEXT = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a line that contains ``heading``."""
    lines = TEXT[TEXT.index(heading) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| ---")) + 1
    table = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_modes() -> None:
    for number, mode, decodes in (row for row in rows("**Modes.**")):
        name = mode.split()[0]
        assert modes.MODES[int(number)] == name
        has_alpha = name in ("RGBA", "LA", "PA", "RGBa", "La")
        assert re.match(r"\w+", decodes).group() == restored_mode(name, has_alpha)  # type: ignore[union-attr]
    assert len(rows("**Modes.**")) == len(modes.MODES)


def test_modes_with_alpha() -> None:
    with_alpha = " and ".join(", ".join(modes.ALPHA_MODES).rsplit(", ", 1))
    assert f"{with_alpha} have feature bit 0, files of mode {modes.ALPHA_OPTIONAL_MODES[0]} may have it" in TEXT


def test_luma(rng: np.random.Generator) -> None:
    found = re.search(r"luma of the decoded RGB, \((.*) R \+ (.*) G \+ (.*) B \+ (.*)\) >> (\d+)", TEXT)
    assert found is not None
    *weights, half, bits = map(int, found.groups())
    pixels = rng.integers(0, 256, (100, 1000, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_mode(pixels, "L")[..., 0], (pixels.astype(int) @ weights + half) >> bits)


def end_of(fields: list[list[str]], begin: int) -> int:
    """Where fields end that follow each other."""
    for offset, length, *_ in fields:
        assert int(offset) == begin
        begin += int(length)
    return begin


def test_header_fields_follow_each_other() -> None:
    *known, fields, crc = rows("## Header")
    end = end_of(known, 0)
    assert fields[:2] == [str(end), f"length - {end + int(crc[1])}"]
    assert crc[0] == f"length - {crc[1]}"
    assert end + int(crc[1]) == head.MIN_HEADER_BYTES
    whole = len(pack_header(replace(HEADER, coder=255, tune=None)))
    assert end_of(rows("The fields of a picture:"), end) + int(crc[1]) == whole
    assert f"{head.MIN_HEADER_BYTES} to 65535, for a picture {whole} or more" in TEXT
    own = {int(number): fields for number, _, fields in rows("**Media.**")}
    assert f"{whole - head.MIN_HEADER_BYTES} bytes" in own[MEDIUM]
    assert len(pack_header(HEADER)) == end_of(rows("Coder 2 has one field"), whole - int(crc[1])) + int(crc[1])


def test_media_and_coders() -> None:
    assert {int(number): name for number, name, _ in rows("**Media.**")} == {
        number: load().name for number, load in MEDIA.items()
    }
    assert all(number == load().id for number, load in MEDIA.items())
    described = {int(number): name for number, name, _ in rows("**Coders of pictures.**")}
    assert described.pop(doubles.LosslessCoder().id) == "none"
    assert described.pop(NO_CODER) == ""
    assert described == {number: load().name for number, load in CODERS.items()}
    assert all(number == load().id for number, load in CODERS.items())


def test_numbers() -> None:
    assert head.MAGIC.hex(" ").upper() in TEXT
    assert f"format, version {head.VERSION}\n" in TEXT
    assert str(size.MAX_SIDE) in TEXT
    assert str(chunks.MAX_CHUNK_BYTES) in TEXT
    assert str(Limits().max_pixels) in TEXT
    assert f"coder 2 writes and decodes {TILE} only" in TEXT


def test_chunk_types() -> None:
    kinds = [row[0].strip("`").encode() for row in rows("Upper-case chunks come in this order")]
    assert kinds == [*CHUNKS.metadata, *CHUNKS.payloads, chunks.END]
