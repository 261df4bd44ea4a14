"""README.md says what was measured: its figures are those of docs/results."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from isthmus.cli.compare import RIVALS
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


def test_compare_takes_as_many_codecs_as_it_says(script: ModuleType) -> None:
    assert len(RIVALS.split(",")) == 6
    assert "beside six other codecs" in script.README.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["kodak", "screens", "aerial", "figures"])
def test_results_are_of_the_weights_that_are_shipped(script: ModuleType, folder: str) -> None:
    words = script.read().sets[folder]["codecs"]["isthmus"]["settings"].split()
    assert words[:3] == ["model", "best", release_model("best").id.hex()]


def test_results_of_the_smaller_model_are_of_the_weights_that_are_shipped(script: ModuleType) -> None:
    words = script.read().fast["codecs"]["isthmus"]["settings"].split()
    assert words[:3] == ["model", "fast", release_model("fast").id.hex()]


def test_another_figure_is_noticed(script: ModuleType) -> None:
    readme = script.README.read_text(encoding="utf-8")
    for change in (
        lambda figures: figures.sets["kodak"]["bd_rate"]["psnr"]["avif-s6"]["isthmus-e4"].update(percent=3),
        lambda figures: figures.sets["screens"]["bd_rate"]["psnr"]["webp"]["isthmus-psnr"].update(percent=3),
        lambda figures: figures.fast["bd_rate"]["ssimulacra2"]["avif-s6"]["isthmus"].update(percent=3),
        lambda figures: figures.seconds["codecs"]["isthmus-fast"].update(decode_s=7),
        lambda figures: figures.large["codecs"]["isthmus"]["encode"].update(peak_mb=7000),
    ):
        figures = script.read()
        change(figures)
        assert script.rewritten(readme, figures) != readme


def test_the_table_is_of_ratios_at_equal_quality(script: ModuleType) -> None:
    figures = script.read()
    for metric, codec, percent in (("ssimulacra2", "isthmus", -25.0), ("psnr", "isthmus-psnr", 50.0)):
        figures.sets["aerial"]["bd_rate"][metric]["avif-s6"][codec]["percent"] = percent
    heads, *rows = script.bytes_table(figures.sets)
    assert [row[0] for row in rows] == ["JPEG 4:2:0", "WebP", "JPEG XL", "AVIF speed 6"]
    assert "drone frames" in heads[2]
    assert rows[3][2] == "0.75 / 1.50"


def test_what_is_outside_the_markers_stays(script: ModuleType) -> None:
    text = script.rewritten(f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n", script.read())
    assert text.startswith(f"before\n{script.BEGIN}\n")
    assert text.endswith(f"{script.END}\nafter\n")
    assert "old" not in text.splitlines()


def test_missing_markers_are_an_error(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="figures:begin"):
        script.rewritten("no markers", script.read())


def test_what_the_readme_links_to_is_there(script: ModuleType) -> None:
    targets = re.findall(r"\]\(([^)#]+)", script.README.read_text(encoding="utf-8"))
    assert {"docs/split.webp", "docs/guide.md", "docs/results/kodak/report.html"} <= set(targets)
    for target in targets:
        assert (script.ROOT / target).exists(), target
