"""The matrix at the top of a report: one number a cell, its colour by its sign."""

from bench.test_report import record
from isthmus.bench.matrix import against_anchor, of_isthmus


def test_every_codec_has_a_row_and_every_metric_a_column() -> None:
    made = record((0.8, 0.8, 0.8))
    matrix = against_anchor(made, "jpeg")
    assert matrix.title == "Every codec against JPEG 4:2:0"
    assert matrix.metrics == ("PSNR",)
    (row,) = matrix.rows
    assert (row.label, row.own) == ("isthmus", True)
    assert row.cells[0].text == "-20.0"
    assert row.cells[0].title == "20.0 % fewer bytes at equal quality"


def test_fewer_bytes_are_blue_and_more_are_orange() -> None:
    def channels(factor: float) -> list[int]:
        (row,) = of_isthmus(record((factor,) * 3), "isthmus").rows
        return [int(part) for part in row.cells[0].colour[4:-1].split(",")]

    fewer, more, hardly = channels(0.7), channels(1.4), channels(0.999)
    assert fewer[2] > fewer[0]
    assert more[0] > more[2]
    assert min(hardly) > 245


def test_without_overlap_there_is_a_dash() -> None:
    made = record((1, 1, 1))
    made["verdicts"]["isthmus"]["jpeg"]["psnr"]["mean"]["percent"] = None
    (row,) = of_isthmus(made, "isthmus").rows
    assert row.cells[0].text == "–"
