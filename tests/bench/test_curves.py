"""Curves and BD-rates: known shifts, gaps and folds, and a table that another program made."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from isthmus.bench.curves import Curve, Point, bd_rate, curves_of, level_of
from isthmus.bench.published import SHOWN, published_curves
from isthmus.bench.results import shown_level

TABLE = Path(__file__).parent / "data" / "bd_published.tsv"
ANCHORS = {"against_jpeg": "jpeg", "against_bpg": "bpg_444_x265_ycbcr", "against_vtm": "vtm"}


def rows() -> list[dict[str, str]]:
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def curve(codec: str, bpp: list[float], psnr: list[float]) -> Curve:
    return Curve(codec, tuple(range(len(bpp))), tuple(bpp), {"psnr": tuple(psnr)})


def point(picture: str, quality: float, data_bytes: int, psnr: float, codec: str = "x") -> Point:
    return Point(picture, codec, quality, 8000, data_bytes, {"psnr": psnr})


def test_the_table_has_the_codecs_it_should() -> None:
    names = {row["curve"] for row in rows()}
    assert names >= {"jpeg", "webp", "bpg_444_x265_ycbcr", "av1", "vtm"}
    assert len(names) >= 8  # and three learned codecs


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["curve"])
@pytest.mark.parametrize("column", ANCHORS)
def test_published_bd_rates_come_out_within_half_a_point(row: dict[str, str], column: str) -> None:
    curves = published_curves()
    found = bd_rate(curves[ANCHORS[column]].curve, curves[row["curve"]].curve)
    assert found.percent == pytest.approx(float(row[column]), abs=0.5)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["curve"])
def test_published_overlaps_come_out(row: dict[str, str]) -> None:
    curves = published_curves()
    found = bd_rate(curves["vtm"].curve, curves[row["curve"]].curve)
    assert found.low == pytest.approx(float(row["vtm_overlap_low_db"]), abs=0.06)
    assert found.high == pytest.approx(float(row["vtm_overlap_high_db"]), abs=0.06)


@pytest.mark.parametrize("method", ["pchip", "akima"])
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.25])
def test_a_constant_factor_is_its_own_bd_rate(factor: float, method: str) -> None:
    bpp = [0.1, 0.2, 0.4, 0.8, 1.5, 2.5]
    psnr = [26.0, 29.0, 31.5, 34.5, 38.0, 41.0]
    found = bd_rate(curve("a", bpp, psnr), curve("b", [factor * r for r in bpp], psnr), method=method)
    assert found.percent == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (found.low, found.high, found.overlap) == (26.0, 41.0, 1.0)


def test_curves_without_common_levels_have_no_bd_rate() -> None:
    found = bd_rate(curve("a", [0.1, 0.2], [20, 25]), curve("b", [0.1, 0.2], [30, 35]))
    assert math.isnan(found.percent)
    assert found.overlap == 0


def test_a_point_that_costs_more_and_gives_less_is_left_out() -> None:
    clean = curve("b", [0.1, 0.2, 0.4, 0.8], [26, 29, 32, 35])
    folded = curve("b", [0.1, 0.2, 0.3, 0.4, 0.8], [26, 29, 28.5, 32, 35])
    anchor = curve("a", [0.2, 0.4, 0.8, 1.6], [26, 29, 32, 35])
    assert bd_rate(anchor, folded).percent == bd_rate(anchor, clean).percent


def test_a_curve_is_the_mean_over_pictures() -> None:
    curves = curves_of([point("a", 1, 100, 30), point("b", 1, 300, 34), point("a", 2, 200, 33), point("b", 2, 600, 39)])
    assert curves["x"].qualities == (1, 2)
    assert curves["x"].rate == (0.2, 0.4)
    assert curves["x"].metrics["psnr"] == (32, 36)


def test_a_mean_over_different_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match=r"quality 2 of x, found none of b"):
        curves_of([point("a", 1, 100, 30), point("b", 1, 300, 34), point("a", 2, 200, 33)])


def test_ms_ssim_is_compared_in_decibels() -> None:
    assert level_of("ms_ssim", [0.9, 0.99]) == pytest.approx([10, 20])
    assert np.isinf(level_of("ms_ssim", [1.0])[0])
    assert level_of("psnr", [30.0])[0] == 30


def test_published_curves_name_their_sources() -> None:
    curves = published_curves()
    assert set(SHOWN) <= set(curves)
    for name, published in curves.items():
        assert published.source, name
        assert published.curve.metrics, name
        for values in published.curve.metrics.values():
            assert len(values) == len(published.curve.rate), name


def test_a_distance_is_compared_the_right_way_round() -> None:
    # Half the bytes at every distance: 50 % fewer, though the metric falls as the bytes rise.
    distances = (4.0, 2.0, 1.0, 0.5)
    anchor, test = (
        Curve(name, (0, 1, 2, 3), rates, {"butteraugli": distances})
        for name, rates in (("a", (0.2, 0.4, 0.8, 1.6)), ("b", (0.1, 0.2, 0.4, 0.8)))
    )
    found = bd_rate(anchor, test, "butteraugli")
    assert found.percent == pytest.approx(-50)
    assert found.overlap == 1
    assert (shown_level("butteraugli", found.low), shown_level("butteraugli", found.high)) == ("4.00", "0.50")
    assert np.isinf(level_of("butteraugli", [0.0])[0])
