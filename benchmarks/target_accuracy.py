"""How near `--target-*` comes on the pictures of a folder: median and worst, and how many encodes it took.

    python benchmarks/target_accuracy.py kodak -o docs/results/everyday/target_accuracy.json

A miss is the distance from the target on its safe side: bytes below it in %, dB or points above it.
"""

import statistics
from pathlib import Path
from typing import Any

import figures
from isthmus import Codec
from isthmus.bench.sweep import sources_in
from isthmus.bench.timing import machine
from isthmus.errors import InputError
from isthmus.image.files import open_picture
from isthmus.rate_control import Target, encode_to_target

TARGETS = (Target("bytes", 40_000), Target("psnr", 35), Target("ssimulacra2", 70))
LIMITS = {"bytes": 1.0, "psnr": 0.1, "ssimulacra2": 0.5}


def miss(target: Target, value: float) -> float:
    return 100 * (1 - value / target.value) if target.is_size else value - target.value


def measure(codec: Codec, paths: list[Path], target: Target) -> dict[str, Any]:
    misses, encodes, notes, refused = [], [], [], []
    for path in paths:
        try:
            found = encode_to_target(codec, open_picture(path), target)
        except InputError as error:
            refused.append(f"{path.name}: {error}")
            continue
        encodes.append(found.encodes)
        if found.note:
            notes.append(f"{path.name}: {found.note}")
        else:
            misses.append(miss(target, found.value))
    return {
        "target": f"{target.value:g} {target.unit}",
        "allowed_miss": LIMITS[target.kind],
        "pictures": len(paths),
        "within": sum(1 for value in misses if 0 <= value <= LIMITS[target.kind]),
        "median_miss": round(statistics.median(misses), 3),
        "worst_miss": round(max(misses), 3),
        "median_encodes": statistics.median(encodes),
        "most_encodes": max(encodes),
        "said_otherwise": notes,
        "refused": refused,
    }


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every Nth picture")
    options = parser.parse_args()
    codec = Codec(threads=1)
    paths = [source.path for source in sources_in(options.folder)][:: options.every]
    record = {
        "machine": machine(),
        "set": options.folder.name,
        "model": codec.model.id.hex(),
        "targets": [measure(codec, paths, target) for target in TARGETS],
    }
    figures.show(record, options.output)


if __name__ == "__main__":
    main()
