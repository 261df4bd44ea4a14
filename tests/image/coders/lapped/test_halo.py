"""How far the network looks is found in it."""

from dataclasses import replace

import pytest

from isthmus.errors import ModelError
from isthmus.image.coders.lapped import halo as module
from isthmus.image.coders.lapped.halo import MAX_HALO, halo_of
from isthmus.model.graph import Operation
from isthmus.model.registry import release_model


def test_of_the_release_models() -> None:
    assert (halo_of(release_model("best")), halo_of(release_model("fast"))) == (4, 3)


def test_a_network_that_looks_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    model = release_model("fast")
    monkeypatch.setattr(module, "operations", lambda _: [Operation("Conv", ("x",), ("y",), {"kernel_shape": (99, 99)})])
    with pytest.raises(ModelError, match=f"at most {MAX_HALO} blocks, got 49"):
        halo_of(replace(model))
