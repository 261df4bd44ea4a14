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


@pytest.mark.parametrize(
    ("folder", "name"),
    [(folder, name) for folder in ("kodak", "screens", "aerial", "figures") for name in ("best", "fast")],
)
def test_results_of_other_weights_than_those_that_are_shipped_are_said_to_be(
    script: ModuleType, folder: str, name: str
) -> None:
    words = script.read().sets[folder]["codecs"][f"isthmus-{name}"]["settings"].split()
    assert words[:2] == ["model", name]
    if words[2] != release_model(name).id.hex():
        assert "Measured with the first generation of weights" in script.README.read_text(encoding="utf-8")
        first, _, _ = (script.RESULTS / "README.md").read_text(encoding="utf-8").partition("| file |")
        assert words[2] in first


def test_another_figure_is_noticed(script: ModuleType) -> None:
    readme = script.README.read_text(encoding="utf-8")
    for change in (
        lambda figures: figures.present["bd_rate"]["psnr"]["avif-s6"]["isthmus-e4"].update(percent=3),
        lambda figures: figures.sets["screens"]["bd_rate"]["psnr"]["webp"]["isthmus-best"].update(percent=3),
        lambda figures: figures.sets["kodak"]["bd_rate"]["psnr"]["isthmus-best"]["isthmus-fast"].update(percent=3),
        lambda figures: figures.seconds["Zen 3"]["codecs"]["isthmus-fast"].update(decode_s=7),
        lambda figures: figures.large["codecs"]["isthmus"]["encode"].update(peak_mb=7000),
    ):
        figures = script.read()
        change(figures)
        assert script.rewritten(readme, figures) != readme


def test_the_table_is_of_ratios_at_equal_quality(script: ModuleType) -> None:
    figures = script.read()
    for metric, percent in (("psnr", -25.0), ("ssimulacra2", 50.0)):
        figures.sets["aerial"]["bd_rate"][metric]["avif-s6"]["isthmus-best"]["percent"] = percent
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
