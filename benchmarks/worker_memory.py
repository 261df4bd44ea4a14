"""Memory of a Dask worker: over many small pictures, and with large ones beside thumbnails.

    python benchmarks/worker_memory.py PHOTOGRAPH -o docs/results/everyday/worker_memory.json

The same small pictures again and again, by a worker as Dask starts it, which keeps samples of its stacks for a thousand
seconds, and by one that was told not to (`distributed.worker.profile.enabled`). Then two large pictures and some
thumbnails by a worker of two threads with a limit that has room for one of the two. MB are of the worker's process
alone, shared pages left out (Linux only).
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.config
import psutil
from distributed import Client, LocalCluster
from PIL import Image

import figures
from isthmus.batch.job import Summary
from isthmus.batch.room import BYTES_PER_PIXEL
from isthmus.bench.timing import machine
from isthmus.codec import Codec
from isthmus.distributed import run_tree
from isthmus.inspection import described

MODEL = "fast"
SAMPLED = "distributed.worker.profile.enabled"
SMALL = (64, 64)
SPARE = 1.3
"""Of the memory that one large picture takes, what a worker may take for pictures."""
SHARE = 0.6
"""Of a worker's limit, what isthmus takes for pictures."""


@contextmanager
def worker(threads: int = 1, limit_bytes: int = 0) -> Iterator[tuple[Client, psutil.Process]]:
    """A client of a cluster of one worker, and the worker's process."""
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=threads, memory_limit=limit_bytes, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        (pid,) = client.run(os.getpid).values()
        yield client, psutil.Process(pid)


def megabytes(process: psutil.Process) -> float:
    return round(process.memory_full_info().uss / 1e6, 1)


def write(photo: Image.Image, folder: Path, name: str, count: int, size: tuple[int, int]) -> None:
    """So many pictures of a size, each of another part."""
    folder.mkdir(exist_ok=True)
    for index in range(count):
        left = index * (photo.width // 2) // count
        photo.resize(size, box=(left, 0, left + photo.width // 2, photo.height)).save(folder / f"{name}-{index}.jpg")


def encode(client: Client, source: Path, target: Path) -> Summary:
    return run_tree(client, "encode", str(source), str(target), model=MODEL, force=True)


def over_time(folder: Path, rounds: int, sampled: bool) -> list[float]:
    """MB after every round."""
    found = []
    with dask.config.set({SAMPLED: sampled}), worker() as (client, process):
        for _ in range(rounds):
            encode(client, folder, folder.with_name("out"))
            found.append(megabytes(process))
    return found


def beside(photo: Image.Image, folder: Path, megapixels: int) -> dict[str, Any]:
    """Two large pictures among thumbnails."""
    height = round((megapixels * 1e6 * 0.75) ** 0.5)
    large = (height * 4 // 3, height)
    pixels = large[0] * large[1]
    source, target = folder / "mixed", folder / "mixed-out"
    write(photo, source, "large", 2, large)
    write(photo, source, "small", 40, SMALL)
    limit = round(pixels * BYTES_PER_PIXEL * SPARE / SHARE)
    done, most = threading.Event(), [0.0]
    with worker(2, limit) as (client, process):

        def watch() -> None:
            while not done.wait(0.2):
                most.append(megabytes(process))

        before, watcher = megabytes(process), threading.Thread(target=watch)
        watcher.start()
        try:
            summary = encode(client, source, target)
        finally:
            done.set()
            watcher.join()
    codec = Codec()
    said = [described(codec, path.name, path.read_bytes())[0] for path in target.iterdir()]
    return {
        "large": {
            "pictures": 2,
            "pixels": f"{large[0]}x{large[1]}",
            "mb_that_one_takes": pixels * BYTES_PER_PIXEL / 1e6,
        },
        "threads": 2,
        "limit_mb": limit / 1e6,
        "mb_before": before,
        "most_mb": max(most),
        "done": summary.done,
        "failed": summary.failed,
        "large_outputs": sum((one["width"], one["height"]) == large for one in said),
    }


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--pictures", type=int, default=100, help="in a round")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--megapixels", type=int, default=200, help="of a large picture")
    options = parser.parse_args()
    with Image.open(options.photograph) as image, tempfile.TemporaryDirectory() as temporary:
        photo, folder = image.convert("RGB"), Path(temporary)
        write(photo, folder / "few", "small", options.pictures, SMALL)
        record = {
            "machine": machine(),
            "load_of_others_before": round(os.getloadavg()[0], 2),
            "model": MODEL,
            "pictures_of_a_round": options.pictures,
            "pixels": f"{SMALL[0]}x{SMALL[1]}",
            "mb_after_rounds": {
                "sampled": over_time(folder / "few", options.rounds, sampled=True),
                "not_sampled": over_time(folder / "few", options.rounds, sampled=False),
            },
            "large_beside_small": beside(photo, folder, options.megapixels),
        }
    figures.show(record, options.output)


if __name__ == "__main__":
    main()
