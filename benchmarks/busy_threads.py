"""Seconds with several threads as ratios to those with one, on a machine that is idle and on one that does other work.

    python benchmarks/busy_threads.py photo.png large.jpg --threads default 2 4 --busy 0 1 -o busy_threads.json
    python benchmarks/busy_threads.py --train FOLDER --threads default 1 2 --busy 0 1 -o busy_training.json

Every round takes each number of threads once, in turn, so that a slow minute falls on all; the median of the rounds
counts. "Busy" is the number of processes beside it that never sleep. Training goes on from the small release model in a
process of its own; its figures are seconds a step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import figures
from isthmus.bench.tables import as_columns
from isthmus.bench.timing import machine
from isthmus.codec import Codec

Threads = int | None
"""None for the default."""


@contextmanager
def other_work(processes: int) -> Iterator[None]:
    """So many processes that take all the time they get."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def in_turn(works: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Median seconds of each work, by its name; each tells its own."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            seconds[name].append(work())
    return {name: statistics.median(found) for name, found in seconds.items()}


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def coding(path: Path, model: str, quality: float, threads: list[Threads], rounds: int) -> dict[str, dict[str, float]]:
    """Seconds by direction and number of threads."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    codecs = {name_of(count): Codec(model, count) for count in threads}
    data = [codec.encode(pixels, quality) for codec in codecs.values()]  # to warm up, too
    assert all(one == data[0] for one in data)
    encoding = {n: lambda c=c: seconds_of(lambda: c.encode(pixels, quality)) for n, c in codecs.items()}
    decoding = {n: lambda c=c: seconds_of(lambda: c.decode(data[0])) for n, c in codecs.items()}
    return {"encode": in_turn(encoding, rounds), "decode": in_turn(decoding, rounds)}


def training(folder: Path, steps: int, threads: list[Threads], rounds: int) -> dict[str, dict[str, float]]:
    """Seconds a step, by number of threads."""

    def step(count: Threads) -> float:
        command = [sys.executable, __file__, "--child", str(folder), str(steps), str(count or 0)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(json.loads(run.stdout))

    return {"step": in_turn({name_of(count): lambda c=count: step(c) for count in threads}, rounds)}


def child(folder: str, steps: int, threads: Threads) -> None:
    """Prints the mean seconds of training steps from the small release model, in this process; trials count."""
    from isthmus.train.config import TrainConfig
    from isthmus.train.image.catalogue import look_through
    from isthmus.train.image.data import Batches
    from isthmus.train.initial import load_weights
    from isthmus.train.loop import Trainer
    from isthmus.train.workers import Workers

    config, weights, _ = load_weights("fast", TrainConfig(), {})
    batches = Batches(look_through(Path(folder), None, config), config, 0)
    workers = Workers("cpu", threads, exact=True)
    trainer = Trainer(config, workers)
    trainer.network.load_state_dict(weights)
    trainer.begin()
    transform = trainer.network.transform.exact()
    trainer.train_step(batches.batch(0, transform), 0.1)
    total = 0.0
    for number in range(1, steps + 1):
        batch = batches.batch(number, transform)
        start = time.perf_counter()
        trainer.train_step(batch, 0.1)
        seconds = time.perf_counter() - start
        workers.took(seconds)
        total += seconds
    batches.close()
    print(json.dumps(total / steps))


def name_of(threads: Threads) -> str:
    return "default" if threads is None else str(threads)


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--train", type=Path, metavar="FOLDER", help="measure training on these pictures instead")
    parser.add_argument("--steps", type=int, default=12, help="of training, in a round")
    parser.add_argument("--threads", nargs="+", default=["default", "2", "4"], help="beside 1")
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1], help="numbers of processes beside it")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--quality", type=float, default=50.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, steps, count = options.child
        child(folder, int(steps), int(count) or None)
        return
    threads: list[Threads] = [1, *(None if name == "default" else int(name) for name in options.threads if name != "1")]
    rows = [["What", "Busy", *map(name_of, threads), "(seconds with one thread, then ratios to it)"]]
    found: list[dict[str, Any]] = []
    for busy in options.busy:
        for what in [options.train] if options.train else options.pictures:
            with other_work(busy):
                if options.train:
                    seconds = training(what, options.steps, threads, options.rounds)
                else:
                    seconds = coding(what, options.model, options.quality, threads, options.rounds)
            for direction, by_threads in seconds.items():
                ratios = {name: round(by_threads[name] / by_threads["1"], 3) for name in by_threads}
                found.append({"what": what.name, "busy": busy, "direction": direction, "ratios": ratios})
                found[-1]["seconds"] = {name: round(value, 4) for name, value in by_threads.items()}
                cells = [f"{by_threads['1']:.3f} s", *(f"{ratios[name_of(count)]:.2f}" for count in threads[1:])]
                rows.append([f"{what.name} {direction}", str(busy), *cells, ""])
    print(as_columns(rows))
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "model": options.model,
        "quality": options.quality,
        "rounds": options.rounds,
        "figures": found,
    }
    figures.write(record, options.output)


if __name__ == "__main__":
    main()
