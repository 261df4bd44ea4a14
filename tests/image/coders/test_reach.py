"""How far a network looks, by its operations."""

import pytest

from isthmus.errors import ModelError
from isthmus.image.coders.reach import reach
from isthmus.model.graph import Operation


def test_what_cannot_be_told_is_refused() -> None:
    for kind in ("Resize", "ConvTranspose"):
        with pytest.raises(ModelError, match="windows of known size"):
            reach([Operation(kind, ("x",), ("y",), {})])
    with pytest.raises(ModelError, match="windows of known size"):
        reach([Operation("Conv", ("x",), ("y",), {})])
    with pytest.raises(ModelError, match="move by 1"):
        reach([Operation("Conv", ("x",), ("y",), {"kernel_shape": (3, 3), "strides": (2, 2)})])


def test_reach_by_hand() -> None:
    network = [
        Operation("Conv", ("x",), ("a",), {"kernel_shape": (3, 5), "dilations": (1, 2)}),
        Operation("DepthToSpace", ("a",), ("b",), {"blocksize": (4,)}),
        Operation("Conv", ("b", "w"), ("c",), {"kernel_shape": (3, 3)}),
        Operation("Add", ("c", "b"), ("d",), {}),
    ]
    assert reach(network) == 4 * 16 + 4
