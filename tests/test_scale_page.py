"""docs/scale.md is what its script makes of the measured figures, none of them by hand."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_is_of_the_figures_that_are_kept() -> None:
    script = runpy.run_path(str(ROOT / "scripts/scale_page.py"))
    results = ROOT / "docs/results/everyday"
    found = [json.loads((results / script[name]).read_text()) for name in ("RUN", "MEMORY", "CLASSIFIER")]
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    assert script["text"](*found) == page
    assert f"| {found[2]['sets']['isth']['accuracy']:.1%} |" in page
