"""docs/scale.md is what its script makes of the measured figures, none of them by hand."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts/scale_page.py"))


def test_the_page_is_of_the_figures_that_are_kept(script: dict[str, Any]) -> None:
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    assert page == script["text"](ROOT / "docs/results/everyday")


def test_no_figures_no_page(script: dict[str, Any], tmp_path: Path) -> None:
    assert script["text"](tmp_path) == ""


def test_a_worker_by_itself(script: dict[str, Any]) -> None:
    large = {"pictures": 2, "pixels": "400x300", "mb_that_one_takes": 1.08}
    beside = {
        "large": large,
        "threads": 2,
        "limit_mb": 300.4,
        "mb_before": 120.2,
        "most_mb": 222.7,
        "done": 42,
        "failed": 0,
    }
    measured = {
        "machine": "Z80, 1 core",
        "load_of_others_before": 0.5,
        "pictures_of_a_round": 100,
        "mb_after_rounds": {"sampled": [120.4, 125.0, 131.2], "not_sampled": [119.0, 119.2, 119.4]},
        "large_beside_small": beside,
    }
    page = script["memory_part"](measured)
    assert "| | after the first 100 | 200 pictures later |" in page
    assert "| a worker as Dask starts it | 120 MB | 131 MB |" in page
    assert "=False` | 119 MB | 119 MB |" in page
    assert "2 of\n400x300 pixels, some 1 MB each while they are encoded, and 40 thumbnails" in page
    assert "it took 223 MB at most,\n120 MB of that before it began; 42 were encoded, 0 failed" in page


def test_training(script: dict[str, Any]) -> None:
    one = {
        "bytes_per_picture": 1234.4,
        "pictures_per_processor_second": 35.2,
        "accuracy": 0.6,
        "accuracies": [0.5, 0.7],
    }
    made = {
        "machine": "Z80, 1 core",
        "classes": 40,
        "pixels": "96x96",
        "pictures": {"train": 1020, "test": 480},
        "epochs": 15,
        "seeds": 2,
        "sets": {"isth": one | {"quality": 50}, "png": one},
    }
    page = script["classifier_part"](made)
    assert "| .isth, quality 50 | 1,234 | 35 | 60.0% | 50.0% to 70.0% |" in page
    assert "| PNG | 1,234 | 35 | 60.0% | 50.0% to 70.0% |" in page
    assert "1,020 to learn from, 480 others to test" in page
    assert "Chance is 2.5%" in page
