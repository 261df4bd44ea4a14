"""The inference engine keeps to itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import numpy as np
import isthmus

isthmus.decode(isthmus.encode(np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)))
"""


def test_nothing_is_written_to_the_home_or_reported(tmp_path: Path) -> None:
    """From version 1.29 on the engine would keep a device's number and events there, unless told not to."""
    # It behaves where it takes itself to run tests.
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    places = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA")}
    subprocess.run([sys.executable, "-c", SCRIPT], env={**kept, **places}, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_who_wants_reports_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    from isthmus.model.engine import _onnxruntime

    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    _onnxruntime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"
