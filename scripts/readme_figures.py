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
OWN, LIGHT = "isthmus-best", "isthmus-fast"
RIVALS = ("jpeg", "webp", "jxl", "avif-s6")
SECONDS = {"Zen 5": "seconds.json", "Zen 3": "seconds_zen3.json"}
"""Of Kodak's folder, by processor."""
PRESENT = {
    "isthmus": "as by default",
    "isthmus-e2": "`--effort 2`",
    "isthmus-e4": "`--effort 4`",
    "isthmus-psnr": "`--tune psnr`",
}
"""What the present model is measured at, and how it is asked for."""
KEYS = ("encode_s", "decode_s")
TIMED = (OWN, LIGHT, "avif-s6", "jpeg")
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


@dataclass(frozen=True)
class Figures:
    """All that README.md quotes: the present weights on Kodak; of the first generation records by folder, timings on
    one thread by processor, one large picture."""

    present: Record
    sets: Mapping[str, Record]
    seconds: Mapping[str, Mapping[str, Any]]
    large: Mapping[str, Any]


def read() -> Figures:
    """What is in docs/results."""
    timings = {name: json.loads((RESULTS / "kodak" / file).read_text()) for name, file in SECONDS.items()}
    return Figures(
        read_json(RESULTS / "kodak" / "present" / "results.json"),
        {folder: read_json(RESULTS / folder / "results.json") for folder in SETS},
        {name: next(run for run in runs if run["threads"] == 1) for name, runs in timings.items()},
        json.loads((RESULTS / "large_picture.json").read_text()),
    )


def ratios(record: Record, rival: str, codec: str) -> tuple[str, str]:
    """Bytes of a codec over those of a rival, at equal PSNR and at equal SSIMULACRA2."""
    psnr, eye = (record["bd_rate"][metric][rival][codec]["percent"] for metric in ("psnr", "ssimulacra2"))
    return f"{1 + psnr / 100:.2f}", f"{1 + eye / 100:.2f}"


def bytes_table(sets: Mapping[str, Record]) -> list[list[str]]:
    """A row for each rival, a column for each set; the first row is the heading."""
    linked = [f"[{words}](docs/results/{folder}/report.html)" for folder, words in SETS.items()]
    labels = sets["kodak"]["codecs"]
    rows = [
        [labels[rival]["label"], *(" / ".join(ratios(sets[folder], rival, OWN)) for folder in SETS)] for rival in RIVALS
    ]
    return [["bytes of isthmus over those of", *linked], *rows]


def present_table(record: Record) -> list[list[str]]:
    """A row for each way to ask; the first row is the heading."""
    rows = [[words, *reversed(ratios(record, "avif-s6", codec))] for codec, words in PRESENT.items()]
    return [["[24 Kodak photographs](docs/results/kodak/present/report.html)", "SSIMULACRA2", "PSNR"], *rows]


def seconds_table(seconds: Mapping[str, Mapping[str, Any]], labels: Mapping[str, Any]) -> list[list[str]]:
    """A row for each codec: seconds to encode and to decode, on each processor."""
    heads = [f"{name}, {work}" for name in seconds for work in ("encode", "decode")]
    rows = [
        [label_of(codec, labels), *(f"{run['codecs'][codec][key]:.3f}" for run in seconds.values() for key in KEYS)]
        for codec in TIMED
    ]
    return [["seconds", *heads], *rows]


def label_of(codec: str, labels: Mapping[str, Any]) -> str:
    label: str = labels[codec]["label"]
    return f"`{label.split()[1]}`" if codec.startswith("isthmus") else label


def light_note(record: Record) -> str:
    """What the smaller model costs."""
    rate = record["bd_rate"]["psnr"][OWN][LIGHT]["percent"]
    return f"The model `fast` needs {rate:.0f} % more bytes at equal PSNR."


def large_note(large: Mapping[str, Any]) -> str:
    """Seconds and memory of one large picture."""
    own = large["codecs"]["isthmus"]
    encode, decode = (own[work]["seconds"] for work in ("encode", "decode"))
    peak = max(own[work]["peak_mb"] for work in ("encode", "decode")) / 1000
    return (
        f"A synthetic picture of {large['megapixels']:.0f} megapixels takes `best` {encode:.0f} s to encode and "
        f"{decode:.0f} s to decode on {large['threads']} threads of the Zen 5, in {peak:.1f} GB."
    )


def section(figures: Figures) -> str:
    """What README.md shows, between the markers and with them."""
    kodak = figures.sets["kodak"]
    parts = [
        BEGIN,
        "Bytes of `best` over those of AVIF at speed 6, at equal SSIMULACRA2 and at equal PSNR:",
        as_markdown(present_table(figures.present)),
        "Measured with the first generation of weights, from before the first release (those that travel with the "
        "package are about three times as quick):",
        as_markdown(bytes_table(figures.sets)),
        "The model is `best`. At equal PSNR / at equal SSIMULACRA2, which follows the eye; below 1, isthmus needs "
        f"fewer bytes. {light_note(kodak)}",
        as_markdown(seconds_table(figures.seconds, kodak["codecs"])),
        "Medians for a 768x512 Kodak picture at some 0.75 bits per pixel, on one thread of an AMD EPYC: Zen 5, and "
        f"Zen 3 (2021, no AVX-512). {large_note(figures.large)}",
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
