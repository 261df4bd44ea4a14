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
        (lambda model: model.arrays | {"context.dc.near": -model.arrays["context.dc.near"]}, "no negative weight"),
        (lambda model: model.arrays | {"context.more": np.zeros(1, np.int16)}, "unknown: expected none, got context.m"),
    ],
)
def test_arrays_that_no_decoder_can_take_are_refused(
    change: Callable[[Model], dict[str, Any]], match: str, tmp_path: Path
) -> None:
    old = release_model()
    with pytest.raises(ModelError, match=match):
        save_model(tmp_path / "crafted.isthmodel", change(old), old.metadata)


@pytest.mark.parametrize(
    ("metadata", "match"),
    [
        ({"groups": []}, "lacks its shape"),
        ({"groups": [384]}, "at least 2 groups"),
        ({"points": 1}, "lacks its shape"),
        ({"medium": 0}, "names no medium: expected 1 to 255, got 0"),
        ({"coder": "separable"}, "names no coder"),
        ({"coder": None}, "names no coder: expected 1 to 255$"),
        ({"numbers": "words"}, "another number format: expected bytes, got words"),
        ({"numbers": None}, "another number format: expected bytes$"),
        ({"definition": None}, "another entropy model: expected one of tuned-lattices-and-boards, envelope-and-boards"),
    ],
)
def test_metadata_that_say_no_shape_are_refused(metadata: dict[str, Any], match: str, tmp_path: Path) -> None:
    old = release_model()
    with pytest.raises(ModelError, match=match):
        save_model(tmp_path / "crafted.isthmodel", old.arrays, old.metadata | metadata)
