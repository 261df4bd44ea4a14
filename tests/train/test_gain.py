"""What training gained, from how many pictures on a model pays, and what is said of it."""

from dataclasses import replace

import pytest

from isthmus.train.curve import Point
from isthmus.train.gain import gain_of, gained, pays_from, verdict

GAIN = {"percent_more": -5.0, "pictures": 4, "quality": 44, "bytes_per_picture": 20_000}


def test_pays_from() -> None:
    assert pays_from(1_000_000, -5.0, 20_000) == 1000
    assert pays_from(1_000_001, -5.0, 20_000) == 1001
    assert pays_from(1_000_000, 0.0, 20_000) is None
    assert pays_from(1_000_000, 2.0, 20_000) is None


def test_the_verdict() -> None:
    said = verdict({"gain": GAIN}, 1_000_000)
    assert said is not None
    assert "5.0 % fewer bytes than before" in said
    assert "about 1,000 such pictures at quality 44" in said
    shrunk = verdict({"gain": GAIN}, 1_000_000, is_delta=True)
    assert shrunk is not None
    assert "on 4 of the pictures held out, before it was shrunk; its own" in shrunk
    mixed = verdict({"gain": {**GAIN, "worse": 1}}, 1_000_000)
    assert mixed is not None
    assert "on 4 of the pictures held out (more on 1 of them); its own" in mixed
    worse = verdict({"gain": {**GAIN, "percent_more": 3.0}}, 1_000_000)
    assert worse == "3.0 % more bytes than before, at equal PSNR, on 4 of the pictures held out" + (
        ": nothing is saved, and its own 1,000,000 bytes come on top"
    )


@pytest.mark.parametrize(("percent", "expected"), [(-0.1, True), (0.0, False), (3, False), (None, None)])
def test_whether_it_gained(percent: float | None, expected: bool | None) -> None:
    assert gained({"gain": {**GAIN, "percent_more": percent}}) is expected
    assert gained({}) is None


def curves(*factors: float) -> list[list[Point]]:
    """For each quality a point of each picture: some bytes, times the picture's factor."""
    return [
        [Point(quality, factor * 0.01 * quality, 20 + quality / 4) for factor in factors] for quality in (20, 44, 80)
    ]


def test_a_gain_is_against_the_bytes_before() -> None:
    after = [*curves(0.8, 0.9), [Point(95, 1.0, 50.0)] * 2]
    gain = gain_of(curves(1, 1), after, ["a.png", "b.png"])
    assert gain is not None
    assert gain.percent_more == pytest.approx(-15)
    assert gain.describe("best") == "held-out pictures (2) take 15.0 % fewer bytes at equal PSNR than with best"
    # The quality nearest to the middle of the dial: 0.44 bits for each of a million pixels.
    record = {"percent_more": -15.0, "pictures": 2, "worse": 0, "quality": 44, "bytes_per_picture": 55_000}
    assert gain.as_dict(1e6) == pytest.approx(record)
    assert "about 122 such pictures at quality 44" in str(verdict({"gain": gain.as_dict(1e6)}, 1_000_000))


def test_pictures_that_lose_are_named_the_worst_first() -> None:
    gain = gain_of(curves(1, 1, 1), curves(1.1, 0.6, 1.2), ["a.png", "b.png", "c.png"])
    assert gain is not None
    assert [name for name, _ in gain.worse] == ["c.png", "a.png"]
    assert gain.describe("best").endswith("; more on 2 of them: c.png (+20.0 %), a.png (+10.0 %)")
    assert gain.as_dict(1.0)["worse"] == 2


def test_the_curve_under_tune_eye_is_said_as_well() -> None:
    def both(*factors: float) -> list[list[Point]]:
        psnr, eye = curves(factors[0]), curves(factors[1])
        return [*psnr, *([replace(point, tune="eye") for point in points] for points in eye)]

    gain = gain_of(both(1, 1), both(0.8, 0.9), ["a.png"])
    assert gain is not None
    assert (gain.percent_more, gain.eye) == (pytest.approx(-20), pytest.approx(-10))
    assert gain.describe("best").endswith("at equal PSNR than with best (10.0 % fewer bytes under tune eye)")
    record = gain.as_dict(1e6)
    assert record["eye_percent_more"] == -10.0
    said = verdict({"gain": record}, 1_000_000)
    assert said is not None
    assert "on 1 of the pictures held out, 10.0 % fewer bytes under tune eye; its own" in said


def test_no_gain_without_a_common_psnr() -> None:
    assert gain_of([], curves(1.0), ["a.png"]) is None
    higher = [[Point(point.quality, point.bpp, point.psnr_db + 50) for point in points] for points in curves(1)]
    assert gain_of(curves(1.0), higher, ["a.png"]) is None


@pytest.mark.parametrize("gain", [None, "much", {}, {**GAIN, "quality": "high"}, {**GAIN, "percent_more": None}])
def test_no_verdict_without_a_record(gain: object) -> None:
    assert verdict({"gain": gain}, 1_000_000) is None
