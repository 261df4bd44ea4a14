"""Processor seconds to decode parts of a picture of 105 megapixels: they grow with the crop, not with the picture.

    python benchmarks/crop_time.py --whole -o docs/results/everyday/crop_time.json

Processor seconds, so that other work on the machine does not count; on one thread they are the seconds of an idle one.
Tiles are coded independently, so the file is made of one encoded tile, a photograph, repeated 10 x 10 times.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from PIL import Image
from skimage import data

import figures
from isthmus import Codec
from isthmus.bench.timing import machine
from isthmus.image import container
from isthmus.image.grid import TILE

ACROSS = 10
REPEATS = 3
CROPS = {
    "256x256 inside a tile": (3 * TILE + 300, 4 * TILE + 300, 256, 256),
    "1024x1024, one tile": (3 * TILE, 4 * TILE, TILE, TILE),
    "1024x1024 across four tiles": (3 * TILE + 512, 4 * TILE + 512, TILE, TILE),
    "2048x2048, four tiles": (3 * TILE, 4 * TILE, 2 * TILE, 2 * TILE),
}


def large_file(codec: Codec, across: int) -> bytes:
    photo = Image.fromarray(data.astronaut()).resize((TILE, TILE), Image.Resampling.LANCZOS)
    one = container.parse(codec.encode(photo, 50))
    header = replace(one.header, width=across * TILE, height=across * TILE)
    return container.assemble(header, {}, [], [one.tile(0)] * across**2)


def seconds(work: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return round(statistics.median(taken), 3)


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="time the whole picture as well, once")
    options = parser.parse_args()
    codec = Codec(threads=options.threads)
    small, large = large_file(codec, 4), large_file(codec, ACROSS)
    box = (TILE + 300, TILE + 300, 256, 256)
    codec.decode(small, box)  # loads the weights
    rows = {name: seconds(lambda crop=crop: codec.decode(large, crop), REPEATS) for name, crop in CROPS.items()}
    rows["256x256 of a picture of 17 megapixels"] = seconds(lambda: codec.decode(small, box), REPEATS)
    rows["reading and checking the file alone"] = seconds(lambda: codec.inspect(large), REPEATS)
    rows["preview at 1/16, all tiles"] = seconds(lambda: codec.preview(large), 1)
    if options.whole:
        rows["the whole picture"] = seconds(lambda: codec.decode(large), 1)
    record = {
        "machine": machine(),
        "threads": options.threads,
        "megapixels": (ACROSS * TILE) ** 2 / 1e6,
        "file_bytes": len(large),
        "model": codec.model.id.hex(),
        "processor_seconds": rows,
    }
    figures.show(record, options.output)


if __name__ == "__main__":
    main()
