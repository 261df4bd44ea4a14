"""Write the reports of docs/results anew from their results.json, after the pages' templates have changed.

python scripts/render_reports.py
"""

from pathlib import Path

from isthmus.bench.report import write_report
from isthmus.bench.results import read_json

RESULTS = Path(__file__).parents[1] / "docs" / "results"
ANCHOR = "jpeg"
"""As `isthmus bench` takes by itself."""


def main() -> None:
    for report in sorted(RESULTS.glob("*/report.html")):
        write_report(read_json(report.with_name("results.json")), report.parent, ANCHOR)
        print(report.relative_to(RESULTS.parents[1]))


if __name__ == "__main__":
    main()
