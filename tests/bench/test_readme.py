"""README.md says what was measured: its figures are those of docs/results/kodak/results.json."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from isthmus.model.registry import release_model

SCRIPT = Path(__file__).parents[2] / "scripts" / "readme_figures.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_figures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_agrees_with_the_results() -> None:
    run = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("folder", "name"),
    [(folder, name) for folder in ("kodak", "screens", "aerial", "figures") for name in ("best", "fast")],
)
def test_the_results_are_of_the_weights_that_are_shipped(script: ModuleType, folder: str, name: str) -> None:
    record = script.read_json(script.RESULTS.parents[1] / folder / "results.json")
    assert record["codecs"][f"isthmus-{name}"]["settings"] == f"model {name} {release_model(name).id.hex()}"


def test_another_figure_is_noticed(script: ModuleType) -> None:
    readme = script.README.read_text(encoding="utf-8")
    record = script.read_json(script.RESULTS)
    codec = next(iter(record["bd_rate"]["psnr"]["jpeg"]))
    record["bd_rate"]["psnr"]["jpeg"][codec]["percent"] -= 1
    assert script.rewritten(readme, record) != readme


def test_what_is_outside_the_markers_stays(script: ModuleType) -> None:
    record = script.read_json(script.RESULTS)
    text = script.rewritten(f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n", record)
    assert text.startswith(f"before\n{script.BEGIN}\n")
    assert text.endswith(f"{script.END}\nafter\n")
    assert "old" not in text.splitlines()


def test_missing_markers_are_an_error(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="kodak:begin"):
        script.rewritten("no markers", {})


def test_the_plot_and_the_report_are_there(script: ModuleType) -> None:
    folder = script.RESULTS.parent
    assert "<svg" in (folder / "rd_psnr.svg").read_text(encoding="utf-8")
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
