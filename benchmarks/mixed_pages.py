"""Pages that hold photographs beside what was drawn: isthmus in both layers, its networks alone, and AVIF.

    python scripts/make_mixed_pages.py measure DATA PAGES
    python benchmarks/mixed_pages.py PAGES -o OUTPUT

Writes results.json and points.csv as `isthmus bench` does, and prints for each page the bytes of isthmus, at equal
quality, over those of AVIF, of its networks alone, and of the better of both; nan where they share no quality.
"""

import argparse
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import isthmus
from isthmus.bench.cache import Cache, default_directory
from isthmus.bench.codec import Weights, isthmus_codec
from isthmus.bench.curves import Curve, bd_rate, curves_of
from isthmus.bench.metrics import Picture
from isthmus.bench.results import record_of, write_csv, write_json
from isthmus.bench.rivals import OWN, RIVALS, Rival
from isthmus.bench.sweep import sources_in, sweep
from isthmus.bench.tables import as_columns

QUALITIES = (40.0, 56.0)
ALONE_QUALITIES = (48.0, 64.0)
"""Of networks alone: about as good as both layers."""
AVIF_QUALITIES = (40.0, 56.0, 71.0)
METRICS = ("mse", "psnr", "ssimulacra2")
COMPARED = ("ssimulacra2", "psnr")


def networks_alone(picture: Picture, quality: float, threads: int) -> bytes:
    """A file without a sharp layer."""
    return isthmus.encode(picture, quality=quality, layers="photo")


def codecs(asked: str) -> tuple[Rival, Rival, Rival]:
    """isthmus, its networks alone, and AVIF, at the points that are measured.

    Args:
        asked: how isthmus is asked, by its name in the bench.
    """
    own = replace(isthmus_codec(Weights(asked=OWN[asked]), asked), qualities=QUALITIES)
    plain = isthmus_codec(Weights())
    alone = replace(
        plain,
        name="isthmus-photo",
        label="isthmus, networks alone",
        settings=f"{plain.settings} layers photo",
        encode=networks_alone,
        qualities=ALONE_QUALITIES,
    )
    return own, alone, replace(RIVALS["avif-s6"], qualities=AVIF_QUALITIES)


def bytes_over(other: Curve, own: Curve, metric: str) -> float:
    """Bytes of isthmus over another's at equal quality; nan where they share no level of it."""
    percent = bd_rate(other, own, metric).percent
    return math.nan if percent is None else 1 + percent / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--codec", choices=("isthmus", "isthmus-e2"), default="isthmus", help="with --effort 2 or not")
    parser.add_argument("--cache", type=Path, default=default_directory())
    parser.add_argument("--processes", type=int)
    arguments = parser.parse_args()
    sources, measured = sources_in(arguments.pages), codecs(arguments.codec)
    progress = partial(print, "points done, in all:", flush=True)
    points = sweep(sources, measured, Cache(arguments.cache), METRICS, arguments.processes, progress)
    arguments.output.mkdir(parents=True, exist_ok=True)
    command = f"python benchmarks/mixed_pages.py mixed --codec {arguments.codec}"
    write_json(record_of("mixed", command, sources, measured, points), arguments.output / "results.json")
    write_csv(points, arguments.output / "points.csv")
    names = tuple(codec.name for codec in measured)
    for metric in COMPARED:
        rows = {}
        for source in sources:
            curves = curves_of(point for point in points if point.source == source.name)
            own, alone, avif = (curves[name] for name in names)
            rates = [bytes_over(other, own, metric) for other in (avif, alone)]
            rows[source.name] = [*rates, float(np.nanmax(rates))]
        means = np.exp(np.nanmean(np.log(list(rows.values())), 0))
        told = [[name, *(f"{rate:.3f}" for rate in row)] for name, row in {**rows, "geometric mean": means}.items()]
        heads = [f"at equal {metric}", "over AVIF", "over networks alone", "over the better"]
        print(as_columns([heads, *told]), end="\n\n")


if __name__ == "__main__":
    main()
