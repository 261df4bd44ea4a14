"""Arrays that no decoder could take are refused when a model file is written or read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.errors import ModelError
from isthmus.model.file import save_model
from isthmus.model.model import Model
from isthmus.model.registry import release_model


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda model: model.arrays | {"context.dc.0.second.bias": np.zeros((), np.int32)}, "inconsistent"),
        (lambda model: model.arrays | {"compand": np.maximum(model.arrays["compand"], 1)}, "0 first, and within"),
    ],
)
def test_arrays_that_no_decoder_can_take_are_refused(
    change: Callable[[Model], dict[str, Any]], match: str, tmp_path: Path
) -> None:
    old = release_model()
    with pytest.raises(ModelError, match=match):
        save_model(tmp_path / "crafted.isthmodel", change(old), old.metadata)


def test_the_first_group_is_that_of_the_dc_coefficients(tmp_path: Path) -> None:
    old = release_model()
    with pytest.raises(ModelError, match="lacks its shape"):
        save_model(tmp_path / "crafted.isthmodel", old.arrays, old.metadata | {"groups": [4, 12, 48, 112, 208]})
