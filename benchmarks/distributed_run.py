"""Encode 20,000 small pictures from one S3 folder to another on Dask, with a worker and then the client killed.

    python benchmarks/distributed_run.py PHOTOGRAPHS -o docs/results/everyday/distributed_run.json

The pictures are windows of the photographs below a folder. The store is moto's server on loopback, the cluster a
scheduler and two worker processes on this machine; both take a part of its cores. Before that, 2,000 of the pictures
on one worker and on two. Memory is of each process, shared pages counted once (Linux only). Run it while nothing
else runs; `load_of_others_before` says whether it did.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import psutil
from PIL import Image

import figures
import isthmus
from isthmus.bench.timing import machine
from isthmus.image.container import parse

SIDE = 64
FOLDERS = 100
BUCKET = "pictures"
MODEL = "fast"
SAMPLE = 200
"""Outputs that are made once more, by one process, and compared byte by byte."""


def windows(photographs: list[Path], count: int) -> Iterator[tuple[str, bytes]]:
    """Windows of photographs as PNG, by their names."""
    rng = np.random.default_rng(0)
    each = -(-count // len(photographs))
    for index in range(count):
        if index % each == 0:
            with Image.open(photographs[index // each]) as image:
                photo = np.asarray(image.convert("RGB"))
        top, left = (int(rng.integers(side - SIDE + 1)) for side in photo.shape[:2])
        buffer = io.BytesIO()
        Image.fromarray(photo[top : top + SIDE, left : left + SIDE]).save(buffer, "PNG")
        yield f"{index % FOLDERS:02}/{index:06}.png", buffer.getvalue()


def fill(store: Any, photographs: list[Path], count: int) -> int:
    """Uploads the pictures; their bytes."""
    total, batch = 0, {}
    for name, data in windows(photographs, count):
        total += len(data)
        batch[f"{BUCKET}/in/{name}"] = data
        if len(batch) == 500:
            store.pipe(batch)
            batch = {}
    store.pipe(batch)
    return total


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A Python module that runs as long as the block; what it says goes to a file."""
    with log.open("ab") as stream:
        one = subprocess.Popen([sys.executable, "-m", *command], stdout=stream, stderr=stream)
        try:
            yield one
        finally:
            one.terminate()
            one.wait()


@contextlib.contextmanager
def cluster(workers: int, folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """The address of a scheduler that has so many workers, and the processes by their names."""
    address = f"tcp://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as stack:
        begin = ["distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"]
        scheduler = stack.enter_context(process(begin, folder / "scheduler.log"))
        started = {"scheduler": scheduler.pid}
        for index in range(workers):
            begin = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
            begin += ["--memory-limit", "2GB", "--local-directory", str(folder)]
            nanny = stack.enter_context(process(begin, folder / f"worker-{index}.log"))
            started[f"worker {index}"] = nanny.pid
        yield address, started


def command(source: str, target: str, address: str, report: Path) -> list[str]:
    """The command that is measured."""
    words = ["isthmus", "encode", f"s3://{BUCKET}/{source}", "-o", f"s3://{BUCKET}/{target}"]
    return [*words, "--model", MODEL, "--cluster", address, "--report", str(report)]


def lines(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []


def worker_of(nanny: int) -> int:
    """The worker process that a nanny looks after: the one of its children that is no tracker."""
    below = psutil.Process(nanny).children()
    return next(one.pid for one in below if not any("resource_tracker" in word for word in one.cmdline()))


def sample(client: int, started: dict[str, int]) -> dict[str, int]:
    """MB of every process, now; a worker with its nanny."""
    found = {}
    for name, pid in {"client": client, **started}.items():
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            one = psutil.Process(pid)
            for each in (one, *one.children()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += each.memory_full_info().pss
        found[name] = round(total / 1e6)
    return found


def faults(pictures: int, folder: Path) -> dict[str, Any]:
    """The run: a worker killed at a quarter, the client at a half, then the same command again."""
    report, samples, events = folder / "report.jsonl", [], []
    begun = time.perf_counter()

    def now() -> float:
        return round(time.perf_counter() - begun, 1)

    with cluster(2, folder) as (address, started):
        for attempt in ("killed", "resumed"):
            seen, killed_worker = len(lines(report)), attempt == "resumed"
            with process(command("in", "out", address, report), folder / f"{attempt}.log") as run:
                while run.poll() is None:
                    time.sleep(2)
                    progress = [line for line in lines(report)[seen:] if line["event"] == "progress"]
                    done = progress[-1]["done"] + progress[-1]["skipped"] if progress else 0
                    samples.append({"seconds": now(), "pictures": done, "mb": sample(run.pid, started)})
                    if not killed_worker and done >= pictures / 4:
                        os.kill(worker_of(started["worker 0"]), signal.SIGKILL)
                        events.append({"seconds": now(), "pictures": done, "what": "a worker got SIGKILL"})
                        killed_worker = True
                    if attempt == "killed" and done >= pictures / 2:
                        run.send_signal(signal.SIGKILL)
                        run.wait()
                        events.append({"seconds": now(), "pictures": done, "what": "the client got SIGKILL"})
                events.append({"seconds": now(), "what": f"the client ended with status {run.returncode}"})
    said = (folder / "resumed.log").read_text().splitlines()
    every = max(len(samples) // 60, 1)
    most = {name: max(one["mb"][name] for one in samples) for name in samples[0]["mb"]}
    return {
        "events": events,
        "ends": [line for line in lines(report) if line["event"] == "end"],
        "failed": [line for line in lines(report) if line["event"] == "failed"],
        "said": said,
        "most_mb": most,
        "over_time": samples[::every],
    }


def check(store: Any, photographs: list[Path], pictures: int) -> dict[str, Any]:
    """Counts and checksums of what the run left."""
    found = sorted(store.find(f"{BUCKET}/out"))
    digest, whole, size = hashlib.sha256(), 0, 0
    for first in range(0, len(found), 500):
        for path, data in sorted(store.cat(found[first : first + 500]).items()):
            header = parse(data).header
            whole += (header.width, header.height) == (SIDE, SIDE)
            size += len(data)
            digest.update(path.encode() + hashlib.sha256(data).digest())
    every, same, compared = pictures // SAMPLE, 0, 0
    for index, (name, data) in enumerate(windows(photographs, pictures)):
        if index % every == 0:
            compared += 1
            alone = isthmus.encode(Image.open(io.BytesIO(data)), model=MODEL)
            same += alone == store.cat_file(f"{BUCKET}/out/{name.replace('.png', '.isth')}")
    return {
        "files": len(found),
        "whole": whole,
        "bytes": size,
        "sha256_of_all": digest.hexdigest(),
        "made_again_by_one_process": compared,
        "of_them_the_same": same,
    }


def speed(workers: int, folder: Path, count: int) -> dict[str, Any]:
    """Pictures a second on so many workers, which have their weights already."""
    with cluster(workers, folder) as (address, _):
        for part in ("warm", "few"):
            report = folder / f"{part}-{workers}.jsonl"
            words = command(part, f"{part}-{workers}", address, report)
            subprocess.run([sys.executable, "-m", *words], check=True, stdout=subprocess.DEVNULL)
    ran = lines(report)
    seconds = ran[-1]["seconds"] - ran[0]["seconds"]
    return {"workers": workers, "pictures": ran[-1]["done"], "seconds": seconds, "pictures_per_second": count / seconds}


def requests(log: Path) -> dict[str, int]:
    """What the store was asked, by method; lists apart."""
    found: Counter[str] = Counter()
    for method, path in re.findall(r'"(?:\x1b\[\d+m)*(GET|PUT|HEAD|POST|DELETE) (\S+)', log.read_text()):
        found["LIST" if "list-type" in path else method] += 1
    return dict(found)


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--few", type=int, default=2_000, help="for one worker and two")
    options = parser.parse_args()
    photographs = sorted(path for path in options.photographs.rglob("*") if path.suffix in (".avif", ".png", ".jpg"))
    photographs = photographs[:: max(len(photographs) // 200, 1)][:200]
    port = free_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "OMP_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = folder / "store.log"
        with process(["moto.server", "-H", "127.0.0.1", "-p", str(port)], log):
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.1)
            store = fsspec.filesystem("s3", use_listings_cache=False)
            store.mkdir(BUCKET)
            size = fill(store, photographs, options.pictures)
            names = sorted(store.find(f"{BUCKET}/in"))
            for part, count in (("warm", 100), ("few", options.few)):
                for path in names[:count]:
                    store.pipe_file(path.replace("/in/", f"/{part}/"), store.cat_file(path))
            load = os.getloadavg()[0]
            speeds = [speed(workers, folder, options.few) for workers in (1, 2)]
            log.write_text("")
            ran = faults(options.pictures, folder)
            asked = requests(log)
            record = {
                "machine": machine(),
                "load_of_others_before": round(load, 2),
                "model": MODEL,
                "pictures": options.pictures,
                "pixels": f"{SIDE}x{SIDE}",
                "bytes_before": size,
                "speed": speeds,
                "two_workers_against_one": speeds[1]["pictures_per_second"] / speeds[0]["pictures_per_second"],
                "faults": ran,
                "requests_of_the_run_with_faults": asked,
                "outputs": check(store, photographs, options.pictures),
            }
    figures.show(record, options.output)


if __name__ == "__main__":
    main()
