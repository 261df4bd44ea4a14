"""From how many pictures on a model pays, and what is said of it."""

import pytest

from isthmus.train.gain import pays_from, verdict

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
    shrunk = verdict({"gain": GAIN}, 1_000_000, shrunk=True)
    assert shrunk is not None
    assert "on 4 of the pictures held out, before it was shrunk; its own" in shrunk
    mixed = verdict({"gain": {**GAIN, "worse": 1}}, 1_000_000)
    assert mixed is not None
    assert "on 4 of the pictures held out (more on 1 of them); its own" in mixed
    worse = verdict({"gain": {**GAIN, "percent_more": 3.0}}, 1_000_000)
    assert worse == "3.0 % more bytes than before, at equal PSNR, on 4 of the pictures held out"


@pytest.mark.parametrize("gain", [None, "much", {}, {**GAIN, "quality": "high"}, {**GAIN, "percent_more": None}])
def test_no_verdict_without_a_record(gain: object) -> None:
    assert verdict({"gain": gain}, 1_000_000) is None
