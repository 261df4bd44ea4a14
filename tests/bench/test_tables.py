"""Tables of text."""

from isthmus.bench.tables import as_columns, as_markdown


def test_columns_line_up() -> None:
    assert as_columns([["a", "bb"], ["ccc", "d"]]) == "a    bb\nccc   d"


def test_markdown_aligns_figures_to_the_right() -> None:
    assert as_markdown([["Codec", "bpp"], ["JPEG", "1.0"]]) == "| Codec | bpp |\n| --- | ---: |\n| JPEG | 1.0 |"
