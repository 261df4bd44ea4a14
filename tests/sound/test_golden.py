"""The sounds of every model of the package decode for ever."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

import isthmus
from isthmus.model.registry import packaged_model, releases
from isthmus.sound.header import MEDIUM

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("identity", [one for one in releases() if packaged_model(one).medium == MEDIUM])
def test_golden_sounds(identity: str) -> None:
    data = (GOLDEN / f"sound_{identity}.isth").read_bytes()
    expected, rate = soundfile.read(GOLDEN / f"sound_{identity}.flac", always_2d=True)
    found = isthmus.decode(data)
    assert found.shape == expected.shape == (rate // 4, 2)
    # Floating point may differ in the last places, and rounding by one 16-bit level.
    assert abs(np.rint(found * 32768) - expected * 32768).max() <= 1
    info = isthmus.verify(data)
    assert info.as_dict()["tags"] == {"title": "golden"}
