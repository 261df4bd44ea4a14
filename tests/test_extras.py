"""Optional dependencies: what is missing is named with the command that brings it."""

import sys

import pytest

from isthmus.errors import MissingExtraError
from isthmus.extras import require


def test_what_is_here_is_enough() -> None:
    require("bench", ["json", "numpy"], "comparing needs")


def test_every_missing_module_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError) as caught:
        require("train", ["numpy", "torch", "no_such_module"], "model files need", "then begin again")
    assert str(caught.value) == (
        'model files need torch and no_such_module. Install it: pip install "isthmus[train]", then begin again'
    )
    assert isinstance(caught.value, ImportError)


def test_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    require("demo", ["this"], "the demo needs")
    assert "this" not in sys.modules
