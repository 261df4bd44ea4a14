"""Seconds and memory for one synthetic picture of 100 megapixels: isthmus beside its rivals.

    python benchmarks/large_picture.py --threads 2 -o large_picture.json

Encoding and decoding each run in a process of their own, whose highest resident memory is read when it ends. The
picture itself is 300 MB of that, and so is the decoded one.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import figures
from isthmus.bench.rivals import RIVALS, Rival
from isthmus.bench.tables import as_columns
from isthmus.bench.timing import machine
from isthmus.memory import share_heap

CODECS = ("isthmus", "jpeg", "webp", "avif-s6", "jxl")
QUALITIES = {"isthmus": 50.0, "jpeg": 60.0, "webp": 60.0, "avif-s6": 56.0, "jxl": -2.9}


STATUS = Path("/proc/self/status")


def forget_peak() -> None:
    """Sets this process's highest memory to what it holds now: making the picture takes more than coding it."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def picture(side: int) -> NDArray[np.uint8]:
    """Slow colour gradients with waves and a little noise, (side, side, 3) uint8, the same every time."""
    row = np.arange(side, dtype=np.float32)
    waves = 40 * np.sin(row / 37)[:, None] * np.cos(row / 53)[None, :]
    noise = np.random.default_rng(0).integers(-6, 7, (side, side), dtype=np.int8)
    out = np.empty((side, side, 3), np.uint8)
    for channel in range(3):
        slope = (60 + 40 * channel) * (row[:, None] + row[None, :]) / (2 * side)
        out[..., channel] = np.clip(70 + slope + waves + noise, 0, 255)
    return out


def codec(name: str) -> Rival:
    if name != "isthmus":
        return RIVALS[name]
    from isthmus.bench.codec import Weights, isthmus_codec

    return isthmus_codec(Weights())


def child(task: str, name: str, side: int, threads: int, file: Path) -> None:
    """One task in this process; prints seconds and megabytes as JSON."""
    # As the commands do.
    share_heap()
    rival = codec(name)
    if task == "encode":
        original = picture(side)
        forget_peak()
        start = time.perf_counter()
        data = rival.encode(original, QUALITIES[name], threads)
        seconds = time.perf_counter() - start
        file.write_bytes(data)
    else:
        data = file.read_bytes()
        start = time.perf_counter()
        decoded = rival.decode(data, threads)
        seconds = time.perf_counter() - start
        assert decoded.shape == (side, side, 3)
    peak_mb = next(int(line.split()[1]) for line in STATUS.open() if line.startswith("VmHWM")) / 1024
    print(json.dumps({"seconds": round(seconds, 2), "peak_mb": round(peak_mb), "bytes": len(data)}))


def measured(task: str, name: str, side: int, threads: int, file: Path) -> dict[str, Any]:
    words = [
        sys.executable,
        __file__,
        "--child",
        task,
        name,
        "--side",
        str(side),
        "--threads",
        str(threads),
        "-o",
        file,
    ]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("--side", type=int, default=10_000, help="pixels a side")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--codecs", default=",".join(CODECS))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.side, options.threads, options.output)
        return
    rows = [["Codec", "bpp", "Encode s", "peak MB", "Decode s", "peak MB"]]
    measures: dict[str, Any] = {}
    for name in options.codecs.split(","):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "picture"
            encode = measured("encode", name, options.side, options.threads, file)
            decode = measured("decode", name, options.side, options.threads, file)
        measures[name] = {"quality": QUALITIES[name], "encode": encode, "decode": decode}
        cells = [encode["seconds"], encode["peak_mb"], decode["seconds"], decode["peak_mb"]]
        rows.append([codec(name).label, f"{8 * encode['bytes'] / options.side**2:.3f}", *map(str, cells)])
        print(rows[-1], file=sys.stderr)
    print(as_columns(rows))
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "threads": options.threads,
        "megapixels": options.side**2 / 1e6,
        "codecs": measures,
    }
    figures.write(record, options.output)


if __name__ == "__main__":
    main()
