"""Write the figures of README.md from docs/results, or check that they agree.

python scripts/readme_figures.py          # rewrite what stands between the markers
python scripts/readme_figures.py --check  # exit status 1 where README.md says something else
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.bench.results import Record, read_json
from isthmus.bench.tables import as_markdown

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results"
SETS = {"kodak": "photographs", "aerial": "drone frames", "figures": "textbook figures", "screens": "screenshots"}
"""Folders of results, and what the pictures are."""
TIMED = {"isthmus-best": "`best`", "isthmus-fast": "`fast`", "avif-s6": "AVIF speed 6", "jpeg": "JPEG 4:2:0"}
RIVALS = ("jpeg", "webp", "jxl", "avif-s6")
BY_TUNE = {"ssimulacra2": "isthmus", "psnr": "isthmus-psnr"}
"""By what is equal, how isthmus was asked."""
PRESENT = {
    "isthmus": "as by default",
    "isthmus-e2": "`--effort 2`",
    "isthmus-e4": "`--effort 4`",
    "isthmus-psnr": "`--tune psnr`",
}
"""What the present model is measured at, and how it is asked for."""
KEYS = ("encode_s", "decode_s")
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


@dataclass(frozen=True)
class Figures:
    """All that README.md quotes: records of `best` by set, one of `fast` on Kodak, timings on one thread, one large
    picture."""

    sets: Mapping[str, Record]
    fast: Record
    seconds: Mapping[str, Any]
    large: Mapping[str, Any]


def read() -> Figures:
    """What is in docs/results."""
    kodak = RESULTS / "kodak"
    return Figures(
        {folder: read_json(RESULTS / folder / "results.json") for folder in SETS},
        read_json(kodak / "fast" / "results.json"),
        next(run for run in json.loads((kodak / "seconds.json").read_text()) if run["threads"] == 1),
        json.loads((RESULTS / "large_picture.json").read_text()),
    )


def ratio(record: Record, metric: str, rival: str, codec: str) -> str:
    """Bytes of a codec over those of a rival, where a metric is equal."""
    return f"{1 + record['bd_rate'][metric][rival][codec]['percent'] / 100:.2f}"


def bytes_table(sets: Mapping[str, Record]) -> list[list[str]]:
    """A row for each rival, a column for each set; the first row is the heading."""
    linked = [f"[{words}](docs/results/{folder}/report.html)" for folder, words in SETS.items()]
    labels = sets["kodak"]["codecs"]
    rows = [
        [
            labels[rival]["label"],
            *(" / ".join(ratio(sets[name], metric, rival, own) for metric, own in BY_TUNE.items()) for name in SETS),
        ]
        for rival in RIVALS
    ]
    return [["bytes of isthmus over those of", *linked], *rows]


def present_table(record: Record, fast: Record) -> list[list[str]]:
    """A row for each way to ask; the first row is the heading."""
    asked = [(words, record, codec) for codec, words in PRESENT.items()] + [("`--model fast`", fast, "isthmus")]
    rows = [[words, *(ratio(found, metric, "avif-s6", codec) for metric in BY_TUNE)] for words, found, codec in asked]
    return [["[24 Kodak photographs](docs/results/kodak/report.html)", "SSIMULACRA2", "PSNR"], *rows]


def seconds_table(seconds: Mapping[str, Any]) -> list[list[str]]:
    """A row for each codec: seconds to encode and to decode."""
    rows = [[label, *(f"{seconds['codecs'][codec][key]:.3f}" for key in KEYS)] for codec, label in TIMED.items()]
    return [["seconds", "encode", "decode"], *rows]


def large_note(large: Mapping[str, Any]) -> str:
    """Seconds and memory of one large picture."""
    own = large["codecs"]["isthmus"]
    encode, decode = (own[work]["seconds"] for work in ("encode", "decode"))
    peak = max(own[work]["peak_mb"] for work in ("encode", "decode")) / 1000
    return (
        f"A synthetic picture of {large['megapixels']:.0f} megapixels takes `best` {encode:.0f} s to encode and "
        f"{decode:.0f} s to decode on {large['threads']} threads, in {peak:.1f} GB."
    )


def section(figures: Figures) -> str:
    """What README.md shows, between the markers and with them."""
    kodak = figures.sets["kodak"]
    parts = [
        BEGIN,
        "Bytes of isthmus (`best`) over those of AVIF at speed 6, at equal SSIMULACRA2, which follows the eye, and at "
        "equal PSNR; below 1, isthmus needs fewer:",
        as_markdown(present_table(kodak, figures.fast)),
        "Other sets, at equal SSIMULACRA2 as by default / at equal PSNR by `--tune psnr`:",
        as_markdown(bytes_table(figures.sets)),
        as_markdown(seconds_table(figures.seconds)),
        "Medians for a 768x512 Kodak picture at some 0.75 bits per pixel, on one thread of an AMD EPYC (Zen 4). "
        f"{large_note(figures.large)}",
        END,
    ]
    return "\n\n".join(parts)


def rewritten(readme: str, figures: Figures) -> str:
    """README's text with these figures; raises ValueError where the markers are missing."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"expected {BEGIN} and {END} once each in README.md")
    before, rest = readme.split(BEGIN)
    return before + section(figures) + rest.split(END)[1]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where they disagree")
    check = parser.parse_args(arguments).check
    before = README.read_text(encoding="utf-8")
    after = rewritten(before, read())
    if before == after:
        return 0
    if check:
        print("README.md and docs/results disagree: run python scripts/readme_figures.py")
        return 1
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
