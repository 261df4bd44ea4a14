"""Records and reports: what wins, what loses and where, said as it was measured."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.helpers import isthmus_double
from isthmus.bench.curves import Curve, Point
from isthmus.bench.plots import rd_plot, save_plot, svg_text
from isthmus.bench.report import bd_table, published_table, summary, write_report
from isthmus.bench.results import (
    Record,
    curves_in,
    losing_ranges,
    read_json,
    record_of,
    write_csv,
    write_json,
)
from isthmus.bench.rivals import RIVALS
from isthmus.bench.sweep import Source

LEVELS = (28.0, 31.0, 34.0, 37.0)
RATES = (800, 1600, 3200, 6400)
SOURCES = [Source(name, Path(name), 8000, name, {"width": 100, "height": 80}) for name in ("a.png", "b.png", "c.png")]


def points(factors: dict[str, tuple[float, ...]]) -> list[Point]:
    """Three pictures a codec: its bytes are a factor for each picture times those of the anchor."""
    return [
        Point(source.name, codec, float(level), 8000, round(factor * rate), {"mse": 1.0, "psnr": level})
        for codec, row in factors.items()
        for source, factor in zip(SOURCES, row, strict=True)
        for level, rate in zip(LEVELS, RATES, strict=True)
    ]


def record(own: tuple[float, ...]) -> Record:
    made = points({"isthmus": own, "jpeg": (1, 1, 1)})
    made += [Point(s.name, "png", 100.0, 8000, 12000, {"mse": 0.0, "psnr": math.inf}) for s in SOURCES]
    codecs = [isthmus_double("webp"), RIVALS["jpeg"], RIVALS["png"]]
    beside = [Curve("vtm", (0, 1, 2, 3), (0.8, 1.6, 3.2, 6.4), {"psnr": LEVELS})]
    return record_of("a set", "isthmus bench a", SOURCES, codecs, made, [("JPEG XL", "not installed")], None, beside)


def test_a_gain_is_said_with_its_overlap() -> None:
    (line,) = summary(record((0.8, 0.8, 0.8)))
    assert line == "isthmus beats JPEG 4:2:0: 20.0 % fewer bytes at equal PSNR (28.0 dB to 37.0 dB)."


def test_a_loss_is_said_as_a_loss() -> None:
    (line,) = summary(record((1.25, 1.25, 1.25)))
    assert line.startswith("isthmus loses to JPEG 4:2:0: 25.0 % more bytes at equal PSNR")
    assert line.endswith("It needs more bytes on all 3 pictures.")


def test_pictures_that_lose_are_named_though_the_mean_wins() -> None:
    (line,) = summary(record((0.5, 0.5, 1.5)))
    assert "beats JPEG" in line
    assert "It needs more bytes on 1 of 3 pictures: c.png (+50 %)." in line


def test_losses_come_before_gains() -> None:
    made = record_of(
        "a set",
        "",
        SOURCES,
        [isthmus_double("webp"), RIVALS["jpeg"], RIVALS["avif-s6"]],
        points({"isthmus": (1, 1, 1), "jpeg": (2, 2, 2), "avif-s6": (0.5, 0.5, 0.5)}),
    )
    assert [line.split(":")[0] for line in summary(made)] == [
        "isthmus loses to AVIF speed 6",
        "isthmus beats JPEG 4",
    ]


def curve(codec: str, bpp: list[float]) -> Curve:
    return Curve(codec, tuple(range(len(bpp))), tuple(bpp), {"psnr": LEVELS})


def test_the_levels_at_which_a_winner_loses_are_found() -> None:
    rival = curve("jpeg", [0.1, 0.2, 0.4, 0.8])
    ((low, high),) = losing_ranges(rival, curve("isthmus", [0.05, 0.1, 0.5, 1.0]), "psnr")
    assert 31 < low < 34
    assert high == 37
    assert losing_ranges(rival, curve("isthmus", [0.05, 0.1, 0.3, 0.7]), "psnr") == []
    assert losing_ranges(rival, curve("isthmus", [0.2, 0.3, 0.5, 0.9]), "psnr") == [(28, 37)]


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    made = record((0.8, 0.8, 0.8))
    write_json(made, tmp_path / "results.json")
    assert read_json(tmp_path / "results.json") == json.loads(json.dumps(made))
    curves = curves_in(made)
    assert curves["isthmus"].metrics["psnr"] == LEVELS
    assert curves["jpeg"].rate == (0.8, 1.6, 3.2, 6.4)
    assert made["lossless"]["png"]["bpp"] == 12.0
    assert "png" not in made["curves"]


def test_every_point_is_a_line_of_the_csv(tmp_path: Path) -> None:
    write_csv(points({"jpeg": (1, 1, 1)}), tmp_path / "points.csv")
    lines = (tmp_path / "points.csv").read_text().splitlines()
    assert len(lines) == 1 + 12
    assert lines[0] == "picture,codec,quality,bytes,bpp,mse,psnr"
    assert lines[1] == "a.png,jpeg,28,800,0.800000,1,28"


def test_a_bd_table_prints_its_overlap() -> None:
    assert bd_table(record((0.8, 0.8, 0.8)), "jpeg") == [
        ["Codec", "BD-rate PSNR", "over"],
        ["isthmus", "-20.0 %", "28.0 dB to 37.0 dB"],
    ]


def test_published_curves_are_anchors_too() -> None:
    made = record((0.8, 0.8, 0.8))
    assert published_table(made) == [["Codec", "VTM"], ["isthmus", "-20.0 % (28.0 dB to 37.0 dB)"]]
    assert list(made["published"]["vtm"]["isthmus"]) == ["psnr"]


def test_published_curves_without_psnr_give_no_table() -> None:
    made = record((0.8, 0.8, 0.8))
    for found in made["published"].values():
        found["isthmus"] = {}
    assert published_table(made) == []


def test_published_curves_without_isthmus_give_no_table() -> None:
    made = record((0.8, 0.8, 0.8)) | {"verdicts": {}, "published": {"vtm": {}}}
    assert published_table(made) == []


def test_a_report_has_its_plots_tables_and_absences(tmp_path: Path) -> None:
    write_report(record((0.8, 0.8, 1.2)), tmp_path, "jpeg")
    text = (tmp_path / "report.html").read_text()
    assert text.count("<svg") == 1
    # What one looks for first, then the plots, then sentences.
    assert text.index('class="matrix"') < text.index("<svg") < text.index("In words") < text.index("Points")
    assert "JPEG XL is not here: not installed" in text
    assert "c.png (+20 %)" in text
    assert "InterDigitalInc/CompressAI" in text
    assert (tmp_path / "rd_psnr.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "rd_psnr.svg").read_text()


def test_a_plot_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    def figure() -> str:
        return svg_text(rd_plot([curve("jpeg", [0.1, 0.2, 0.4, 0.8])], {"jpeg": "JPEG"}, "psnr", "a set"))

    assert figure() == figure()
    save_plot(rd_plot([curve("jpeg", [0.1, 0.2, 0.4, 0.8])], {"jpeg": "JPEG"}, "psnr", "a set"), tmp_path / "plot")
    assert (tmp_path / "plot.svg").read_text() == figure()


def test_a_distance_is_drawn_upside_down() -> None:
    some = Curve("jpeg", (0, 1, 2), (0.2, 0.4, 0.8), {"butteraugli": (4.0, 2.0, 1.0)})
    (axes,) = rd_plot([some], {"jpeg": "JPEG"}, "butteraugli", "a set").axes
    bottom, top = axes.get_ylim()
    assert bottom > top
    assert list(axes.lines[0].get_ydata()) == [4, 2, 1]


def test_a_setting_is_told_in_the_codecs_own_words(tmp_path: Path) -> None:
    sources, jxl = SOURCES[:1], replace(RIVALS["jxl"], qualities=(-5.2, -1.1))
    made = [
        Point("a.png", "jxl", quality, 8000, size, {"psnr": level})
        for quality, size, level in ((-5.2, 800, 30.0), (-1.1, 1600, 36.0))
    ]
    write_report(record_of("a set", "", sources, [jxl], made), tmp_path, "jxl")
    text = (tmp_path / "report.html").read_text()
    assert "<td>distance 5.2</td>" in text
    assert "-5.2" not in text


def test_a_share_without_overlap_is_a_dash() -> None:
    made = points({"isthmus": (1, 1, 1)})
    far = [Point(p.source, "jpeg", p.quality, 8000, p.data_bytes, {"mse": 1.0, "psnr": p.quality - 20}) for p in made]
    table = bd_table(record_of("a set", "", SOURCES, [isthmus_double("webp"), RIVALS["jpeg"]], made + far), "jpeg")
    assert table[1][1:] == ["-", "no overlap"]


@pytest.mark.parametrize("name", ["jpeg", "jpeg444", "jpeg-moz", "jpeg2000", "webp", "avif-s6", "avif-s4", "jxl"])
def test_every_lossy_rival_has_a_colour_of_its_own(name: str) -> None:
    from isthmus.bench.plots import COLOURS

    assert len(set(COLOURS.values())) == len(COLOURS)
    assert name in COLOURS
