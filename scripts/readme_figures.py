"""Write the Kodak table and plot of README.md from docs/results/kodak/results.json, or check that they agree.

python scripts/readme_figures.py          # rewrite what stands between the markers
python scripts/readme_figures.py --check  # exit status 1 where README.md says something else
"""

import argparse
import re
import sys
from pathlib import Path

from isthmus.bench.report import bd_table, published_table, summary, timing_note, timing_table
from isthmus.bench.results import Record, read_json
from isthmus.bench.tables import as_markdown

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results" / "kodak" / "results.json"
OWN = re.compile("isthmus best (loses|beats)")
SHOWN = re.compile("(AVIF speed [46]|WebP|JPEG XL|JPEG 4:2:0): .* at equal (PSNR|SSIMULACRA2)")
BEGIN, END = "<!-- kodak:begin -->", "<!-- kodak:end -->"


def section(record: Record) -> str:
    """What README.md shows of a record, between the markers and with them."""
    parts = [
        BEGIN,
        "![PSNR over bits per pixel on the Kodak pictures](docs/results/kodak/rd_psnr.svg)",
        "BD-rate against JPEG 4:2:0 on the 24 Kodak pictures: the mean difference in bytes at equal quality, over the "
        "levels that both curves reach. Negative is better.",
        as_markdown(bd_table(record, "jpeg")),
    ]
    if lines := summary(record):
        # The table has every effort and every rival; of the verdicts the default's against the usual are enough.
        shown = [line for line in lines if OWN.match(line) and SHOWN.search(line)]
        parts.append("\n".join(f"- {line}" for line in shown))
    if rows := published_table(record):
        note = "Against curves that others published for the same pictures (BD-rate of isthmus at equal PSNR):"
        parts += [note, as_markdown(rows)]
    if record["timing"]:
        parts += [as_markdown(timing_table(record)), timing_note(record["timing"])]
    parts += [f"[Report](docs/results/kodak/report.html), made by `{record['command']}`.", END]
    return "\n\n".join(parts)


def rewritten(readme: str, record: Record) -> str:
    """README's text with the figures of a record; raises ValueError where the markers are missing."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"expected {BEGIN} and {END} once each in README.md")
    before, rest = readme.split(BEGIN)
    return before + section(record) + rest.split(END)[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where they disagree")
    check = parser.parse_args().check
    before = README.read_text(encoding="utf-8")
    after = rewritten(before, read_json(RESULTS))
    if before == after:
        return 0
    if check:
        print("README.md and docs/results/kodak/results.json disagree: run python scripts/readme_figures.py")
        return 1
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
