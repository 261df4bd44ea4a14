"""Efforts are whole numbers from 1 on."""

import numpy as np
import pytest

from isthmus.effort import MAX_EFFORT, effort_of
from isthmus.errors import InputError


def test_efforts() -> None:
    found = [effort_of(value) for value in (1, np.uint8(2), 4.0)]
    assert found == [1, 2, 4]
    assert {type(one) for one in found} == {int}
    assert MAX_EFFORT == 4


@pytest.mark.parametrize("value", [0, MAX_EFFORT + 1, 1.5, "2", True])
def test_others_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="the effort: expected 1 to 4"):
        effort_of(value)
