"""benchmarks/train_classifier.py from the command line, on three photographs that any network tells apart."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

SCRIPT = Path(__file__).parents[1] / "benchmarks/train_classifier.py"


def test_every_set_is_learned_and_measured(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, colour in (("a", (200, 40, 40)), ("b", (40, 180, 40)), ("c", (60, 60, 200))):
        noise = rng.integers(-20, 20, (96, 96, 3))
        Image.fromarray((np.array(colour) + noise).astype(np.uint8)).save(tmp_path / f"{name}.png")
    few = ["--classes", "3", "--side", "32", "--epochs", "30", "--seeds", "2"]
    # As `python SCRIPT` does it, where PyTorch and the weights are loaded already.
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path), "-o", str(tmp_path / "made.json"), *few])
    monkeypatch.syspath_prepend(SCRIPT.parent)
    threads = torch.get_num_threads()
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        torch.set_num_threads(threads)
    record = json.loads((tmp_path / "made.json").read_text())
    # Nine windows a photograph, of which three are for testing.
    assert record["pictures"] == {"train": 18, "test": 9}
    sets = record["sets"]
    assert list(sets) == ["isth", "jpeg_of_equal_bytes", "jpeg", "png"]
    for one in sets.values():
        assert one["accuracies"] == [1, 1]
        assert one["accuracy"] == 1
        assert one["pictures_per_processor_second"] > 0
    size = sets["isth"]["bytes_per_picture"]
    lowest = min(abs(sets[name]["bytes_per_picture"] - size) for name in ("jpeg_of_equal_bytes", "jpeg"))
    assert abs(sets["jpeg_of_equal_bytes"]["bytes_per_picture"] - size) == pytest.approx(lowest)
    assert sets["png"]["bytes_per_picture"] > max(sets[name]["bytes_per_picture"] for name in list(sets)[:3])
