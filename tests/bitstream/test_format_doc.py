"""docs/format.md says what the program does: its tables against the code's."""

import re
from pathlib import Path

import numpy as np

from isthmus.bitstream import container
from isthmus.image.coders import lapped as tiles
from isthmus.image.picture import as_mode, restored_mode

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
        assert container.MODES[int(number)] == name
        has_alpha = name in ("RGBA", "LA", "PA", "RGBa", "La")
        assert re.match(r"\w+", decodes).group() == restored_mode(name, has_alpha)  # type: ignore[union-attr]
    assert len(rows("**Modes.**")) == len(container.MODES)


def test_modes_with_alpha() -> None:
    with_alpha = " and ".join(", ".join(container.ALPHA_MODES).rsplit(", ", 1))
    assert f"{with_alpha} have feature bit 0, files of mode {container.ALPHA_OPTIONAL_MODES[0]} may have it" in TEXT


def test_luma(rng: np.random.Generator) -> None:
    found = re.search(r"luma of the decoded RGB, \((.*) R \+ (.*) G \+ (.*) B \+ (.*)\) >> (\d+)", TEXT)
    assert found is not None
    *weights, half, bits = map(int, found.groups())
    pixels = rng.integers(0, 256, (100, 1000, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_mode(pixels, "L")[..., 0], (pixels.astype(int) @ weights + half) >> bits)


def test_header_fields_follow_each_other() -> None:
    end = 0
    for offset, size, *_ in rows("## Header"):
        assert int(offset) == end
        end += int(size)
    assert end == container.HEADER_BYTES


def test_numbers() -> None:
    assert container.MAGIC.hex(" ").upper() in TEXT
    assert f"format, version {container.VERSION}" in TEXT
    assert str(container.MAX_SIDE) in TEXT
    assert str(container.MAX_CHUNK_BYTES) in TEXT
    assert str(container.Limits().max_pixels) in TEXT
    assert f"this version writes and decodes {tiles.TILE} only" in TEXT


def test_chunk_types() -> None:
    kinds = [row[0].strip("`").encode() for row in rows("Upper-case chunks come in this order")]
    assert kinds == [*container.METADATA, container.ALPHA, container.TILE, container.END]
