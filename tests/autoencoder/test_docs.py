"""The course runs as it is written: every command, its output within what machines differ in, and every plot."""

import importlib.util
import math
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")
SECONDS = re.compile(r"\d+\.\d s\b")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


DOCS = load(ROOT / "benchmarks" / "autoencoder_docs.py")


def same(found: str, shown: str) -> bool:
    """Whether two outputs have the same words, and numbers that differ by no more than machines make them."""
    found, shown = (SECONDS.sub("s", text) for text in (found, shown))
    if NUMBER.sub("#", found).split() != NUMBER.sub("#", shown).split():
        return False
    pairs = zip(NUMBER.findall(found), NUMBER.findall(shown), strict=True)
    # Errors near 1e-7 are rounding and differ freely; figures of trainings differ by some per cent.
    return all(math.isclose(float(a), float(b), rel_tol=0.15, abs_tol=0.06) for a, b in pairs)


def test_same_tells_figures_apart() -> None:
    assert same("MSE 520.1, 3.4 s", "MSE  526.7, 12.0 s")
    assert not same("MSE 520", "MSE 420")
    assert not same("MSE 520", "PSNR 520")
    assert same("1.0e-08 ok", "6.1e-08 ok")


def test_the_page_runs_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = DOCS.PAGE.read_text()
    names: dict[str, object] = {"__name__": "page"}
    blocks = list(DOCS.BLOCK.finditer(text))
    assert len(blocks) > 10
    wrong = []
    for block in blocks:
        for step in DOCS.steps(block):
            found = DOCS.run(step, names)
            if not same(found, step.shown):
                wrong.append(f"{step.source}\nshown:\n{step.shown}\nfound:\n{found}")
    assert not wrong, "\n".join(wrong)
    for name in DOCS.IMAGE.findall(text):
        with Image.open(tmp_path / name) as drawn, Image.open(DOCS.IMAGES / name) as shown:
            assert drawn.size == shown.size, name


def test_every_section_has_a_command() -> None:
    sections = re.split(r"^## ", DOCS.PAGE.read_text(), flags=re.MULTILINE)[1:]
    without = [section.splitlines()[0] for section in sections if not DOCS.BLOCK.search(section)]
    assert without == ["The file of codes"]


def test_every_plot_of_the_folder_is_shown() -> None:
    shown = set(DOCS.IMAGE.findall(DOCS.PAGE.read_text()))
    assert shown == {path.name for path in DOCS.IMAGES.iterdir()}
