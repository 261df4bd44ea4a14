"""Processor seconds and memory to encode and to decode a long sound on one thread.

    python benchmarks/sound_speed.py SOUND --minutes 60 -o docs/results/sound/speed.json

SOUND is repeated until it is so long. The command line does the work, in a process of its own for each direction, whose
seconds and highest memory are those that the system counted, start of Python included (Linux only). Processor seconds,
so that other work on the machine does not count.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import soundfile

import figures
from isthmus.bench.timing import machine


def lengthen(source: Path, target: Path, seconds: float) -> None:
    """A sound again and again, written piece by piece as WAV of 16 bits."""
    samples, rate = soundfile.read(source, dtype="int16", always_2d=True)
    left = round(seconds * rate)
    with soundfile.SoundFile(target, "w", rate, samples.shape[1], "PCM_16") as file:
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)


def run(*words: str | Path) -> tuple[float, float]:
    """Processor seconds and megabytes of `isthmus` with these words."""
    process = subprocess.Popen([sys.executable, "-m", "isthmus", *words, "--threads", "1"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"isthmus {words[0]} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("sound", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[60.0])
    parser.add_argument("--quality", type=float, default=50.0)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        wav, isth = Path(name) / "long.wav", Path(name) / "long.isth"
        for minutes in options.minutes:
            lengthen(options.sound, wav, 60 * minutes)
            encoding = run("encode", wav, "-o", isth, "-q", str(options.quality), "--force")
            decoding = run("decode", isth, "-o", wav, "--force")
            row: dict[str, Any] = {"minutes": minutes, "kbps": round(8 * isth.stat().st_size / 60_000 / minutes, 1)}
            for direction, (seconds, megabytes) in (("encode", encoding), ("decode", decoding)):
                row[direction] = {
                    "processor_seconds": round(seconds, 1),
                    "times_real_time": round(60 * minutes / seconds, 1),
                    "peak_mb": round(megabytes),
                }
            rows.append(row)
            print(row, file=sys.stderr)
    info = soundfile.info(options.sound)
    sound = {"rate": info.samplerate, "channels": info.channels, "quality": options.quality}
    figures.show({"machine": machine(), "threads": 1, **sound, "rows": rows}, options.output)


if __name__ == "__main__":
    main()
