"""Butteraugli by libjxl's tool: what it says is what is told, and without it there is a note. CI must have it."""

import math
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.helpers import photo
from isthmus.bench import butteraugli
from isthmus.bench.cache import Cache
from isthmus.bench.metrics import METRICS
from isthmus.bench.rivals import RIVALS
from isthmus.bench.sweep import sources_in, sweep
from isthmus.errors import IsthmusError, MissingExtraError

INSTALLED = shutil.which(butteraugli.TOOL) is not None
PICTURE = photo("chelsea", 64, 80)


def fake_tool(folder: Path, body: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / butteraugli.TOOL).write_text(f"#!/bin/sh\n{body}\n")
    (folder / butteraugli.TOOL).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of programs in front of all others; whose version is asked for is forgotten."""
    folder = tmp_path / "tools"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(butteraugli, "version", butteraugli.version.__wrapped__)
    return folder


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.environ.get("CI"):
        assert INSTALLED, "these tests need butteraugli_main: apt-get install libjxl-devtools"
    assert (butteraugli.absence() is None) == INSTALLED
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = butteraugli.absence()
    assert reason is not None
    assert "apt install libjxl-devtools" in reason
    with pytest.raises(MissingExtraError, match="libjxl-devtools"):
        butteraugli.butteraugli(PICTURE, PICTURE)


def test_worse_is_farther(tmp_path: Path) -> None:
    if not INSTALLED:
        assert butteraugli.absence() is not None
        return
    decoded = [RIVALS["jpeg"].decode(RIVALS["jpeg"].encode(PICTURE, quality, 1), 1) for quality in (90, 50, 10)]
    found = [butteraugli.butteraugli(PICTURE, picture) for picture in (PICTURE, *decoded)]
    assert found[0] == 0
    assert found == sorted(found)
    assert found[3] > 3 * found[1] > 0
    for name, picture in (("a.png", PICTURE), ("b.png", decoded[1])):
        Image.fromarray(picture).save(tmp_path / name)
    told = subprocess.run(
        [butteraugli.TOOL, tmp_path / "a.png", tmp_path / "b.png"], capture_output=True, text=True, check=True
    )
    assert f"3-norm: {found[2]:.6f}" in told.stdout


def test_the_tool_gets_both_pictures_and_its_norm_is_read(tools: Path, tmp_path: Path) -> None:
    fake_tool(tools, f'cp "$1" {tmp_path}/first; cp "$2" {tmp_path}/second; echo 3.5; echo "3-norm: 1.250000"')
    assert butteraugli.butteraugli(PICTURE, 255 - PICTURE) == 1.25
    for name, picture in (("first", PICTURE), ("second", 255 - PICTURE)):
        with Image.open(tmp_path / name) as image:
            assert np.array_equal(np.asarray(image), picture)


@pytest.mark.parametrize("body", ["echo out of memory >&2; exit 1", "echo 3.5", "echo '3-norm: 1.0'; exit 3"])
def test_a_tool_that_fails_is_an_error(tools: Path, body: str) -> None:
    fake_tool(tools, body)
    with pytest.raises(IsthmusError, match="butteraugli_main failed"):
        butteraugli.butteraugli(PICTURE, PICTURE)


def test_too_small_is_nan() -> None:
    assert math.isnan(butteraugli.butteraugli(PICTURE[:7], PICTURE[:7]))


def test_figures_of_another_tool_are_measured_again(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "butteraugli", replace(METRICS["butteraugli"], version=butteraugli.version))
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(PICTURE).save(folder / "a.png")
    jpeg = replace(RIVALS["jpeg"], qualities=(50.0,))
    cache = Cache(tmp_path / "cache")

    def measured() -> list[tuple[float, int]]:
        progress: list[tuple[int, int]] = []
        names = ("psnr", "butteraugli")
        (point,) = sweep(sources_in(folder), [jpeg], cache, names, 1, lambda *step: progress.append(step))
        return [(point.metrics["butteraugli"], progress[0][0])]

    fake_tool(tools, 'echo "3-norm: 1.5"')
    assert measured() == [(1.5, 0)]
    assert measured() == [(1.5, 1)]
    fake_tool(tools, 'echo "3-norm: 2.5"')
    assert measured() == [(2.5, 0)]
    fake_tool(tools, 'echo "3-norm: 1.5"')
    assert measured() == [(1.5, 1)]
