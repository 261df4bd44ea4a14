"""Encode 10,000 small pictures as one folder, kill the run at a third, and let it go on: speed and memory.

    python benchmarks/folder_run.py -o docs/results/everyday/folder_run.json

The pictures are windows of the photographs that scikit-image ships. Memory is that of the command and its workers
together, shared pages counted once (Linux only).
"""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

import figures
from isthmus.bench.timing import machine
from isthmus.image.container import parse

SIDE = 48
FOLDERS = 50


def make_pictures(folder: Path, count: int) -> int:
    """Windows of photographs as PNG, spread over subfolders; their bytes."""
    rng = np.random.default_rng(0)
    photos = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    total = 0
    for index in range(count):
        photo = photos[index % len(photos)]
        top, left = (int(rng.integers(side - SIDE)) for side in photo.shape[:2])
        path = folder / f"{index % FOLDERS:02}" / f"{index:05}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(photo[top : top + SIDE, left : left + SIDE]).save(path)
        total += path.stat().st_size
    return total


def memory_mb(pid: int) -> float:
    """Of a process and its children, now."""
    total = 0
    for process in (pid, *children(pid)):
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M)
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total / 1024


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def written(folder: Path) -> list[Path]:
    return list(folder.rglob("*.isth"))


def start(source: Path, target: Path, workers: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "isthmus", "encode", str(source), "-o", str(target), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def watch(run: "subprocess.Popen[str]", target: Path, kill_at: int | None) -> dict[str, Any]:
    """Pictures and memory every two seconds until the run ends, or is killed at so many pictures."""
    begun, cpu = time.perf_counter(), cpu_seconds()
    samples: list[tuple[float, int, float]] = []
    while run.poll() is None:
        done = len(written(target))
        samples.append((time.perf_counter() - begun, done, memory_mb(run.pid)))
        if kill_at is not None and done >= kill_at:
            workers = children(run.pid)
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
            while any(Path(f"/proc/{pid}").exists() for pid in workers):
                time.sleep(0.05)
        time.sleep(2)
    # The first tenth of what this run wrote, by when it is warm, against its last.
    settled = [sample for sample in samples if sample[1] > samples[0][1]]
    tenth = max(len(settled) // 10, 1)
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        # Of a killed run the workers' seconds are nobody's.
        "cpu_seconds": None if run.returncode < 0 else round(cpu_seconds() - cpu, 1),
        "memory_mb_start": round(max(sample[2] for sample in settled[:tenth])),
        "memory_mb_end": round(max(sample[2] for sample in settled[-tenth:])),
        "pictures_per_second_start": _rate(settled[: len(settled) // 3 + 1]),
        "pictures_per_second_end": _rate(settled[-len(settled) // 3 :]),
        "exit_status": run.returncode,
        "said": run.stdout.read().splitlines() if run.stdout else [],
    }


def cpu_seconds() -> float:
    """Of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rate(samples: list[tuple[float, int, float]]) -> float:
    (first, before, _), (last, after, _) = samples[0], samples[-1]
    return round((after - before) / max(last - first, 1e-9), 1)


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        source, target = Path(temporary) / "in", Path(temporary) / "out"
        source.mkdir()
        target.mkdir()
        size = make_pictures(source, options.pictures)
        killed = watch(start(source, target, options.workers), target, options.pictures // 3)
        left = written(target)
        whole = sum(1 for path in left if parse(path.read_bytes()))
        resumed = watch(start(source, target, options.workers), target, None)
        files = written(target)
        record = {
            "machine": machine(),
            "pictures": options.pictures,
            "pixels": f"{SIDE}x{SIDE}",
            "workers": options.workers,
            "bytes_before": size,
            "bytes_after": sum(len(path.read_bytes()) for path in files),
            "until_killed": killed | {"files_left": len(left), "of_them_whole": whole},
            "resumed": resumed | {"files": len(files), "of_them_whole": sum(1 for p in files if parse(p.read_bytes()))},
        }
    figures.show(record, options.output)


if __name__ == "__main__":
    main()
