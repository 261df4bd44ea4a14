"""Comparisons at equal bytes and at equal PSNR, with a rival standing in for isthmus."""

from dataclasses import replace

import pytest

from bench.helpers import isthmus_double, photo
from isthmus.bench.compare import compare
from isthmus.bench.metrics import psnr
from isthmus.bench.nearest import nearest_quality
from isthmus.bench.rivals import RIVALS

SMALL = photo("chelsea", 176, 208)
OTHERS = [RIVALS[name] for name in ("jpeg", "jpeg2000", "avif-s6", "jxl", "png")]


def test_equal_bytes_are_the_nearest_the_dial_gives() -> None:
    own, *others = compare(SMALL, isthmus_double("webp"), OTHERS, 60)
    for outcome in others[:-1]:
        assert outcome.note == ""
        assert len(outcome.data) == pytest.approx(len(own.data), rel=0.06), outcome.rival.name
    assert others[-1].note == "lossless"
    assert others[-1].metrics["mse"] == 0


def test_no_neighbour_on_the_dial_is_nearer() -> None:
    jpeg = RIVALS["jpeg"]
    assert jpeg.dial is not None
    mark = 5000.0
    found = nearest_quality(SMALL, jpeg, jpeg.dial, mark, "bytes", 1)
    at = abs(len(jpeg.encode(SMALL, found.quality, 1)) - mark)
    for neighbour in (found.quality - 1, found.quality + 1):
        assert at <= abs(len(jpeg.encode(SMALL, neighbour, 1)) - mark)


def test_equal_psnr_is_the_nearest_the_dial_gives() -> None:
    own, *others = compare(SMALL, isthmus_double("webp"), OTHERS[:-1], 70, "psnr")
    for outcome in others:
        assert outcome.metrics["psnr"] == pytest.approx(own.metrics["psnr"], abs=0.35), outcome.rival.name


def test_what_is_reported_is_what_was_written() -> None:
    own, jpeg = compare(SMALL, isthmus_double("webp"), OTHERS[:1], 60, threads=2)
    for outcome in (own, jpeg):
        assert outcome.rate == 8 * len(outcome.data) / (176 * 208)
        assert outcome.compression == SMALL.size / len(outcome.data)
        assert outcome.metrics["psnr"] == psnr(SMALL, outcome.rival.decode(outcome.data, 1))
        assert outcome.encode_s > 0
        assert outcome.decode_s > 0


def test_the_end_of_a_dial_is_said() -> None:
    jpeg = RIVALS["jpeg"]
    assert jpeg.dial is not None
    low = nearest_quality(SMALL, jpeg, jpeg.dial, 10.0, "bytes", 1)
    high = nearest_quality(SMALL, jpeg, jpeg.dial, 1e9, "bytes", 1)
    assert (low.quality, low.note) == (1, "cannot go lower")
    assert (high.quality, high.note) == (95, "cannot go higher")


def test_rivals_that_fail_are_told() -> None:
    def broken(*_: object) -> bytes:
        raise ValueError("too wide")

    rival, failed = replace(RIVALS["jpeg"], encode=broken), list[tuple[str, str]]()
    (own,) = compare(SMALL, isthmus_double("webp"), [rival], 60, failed=failed)
    assert own.rival.name == "isthmus"
    assert failed == [("JPEG 4:2:0", "ValueError: too wide")]
    with pytest.raises(ValueError, match="too wide"):
        compare(SMALL, isthmus_double("webp"), [rival], 60)


def test_progress_names_every_codec() -> None:
    labels: list[str] = []
    compare(SMALL, isthmus_double("webp"), OTHERS[:1], 60, progress=labels.append)
    assert labels == ["isthmus", "JPEG 4:2:0"]
