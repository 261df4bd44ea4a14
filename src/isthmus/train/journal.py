"""What a run leaves to read: a line of JSON for every few steps, TensorBoard's files, and a bar for whoever watches."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from torch import Tensor

from isthmus.plain import json_text
from isthmus.train.curve import Point
from isthmus.train.loop import Progress

LOG, BOARD = "log.jsonl", "tensorboard"
STEPS_PER_LINE = 10
SECONDS_PER_LINE = 30.0
"""Between two lines where there is no terminal to draw a bar on."""

Say = Callable[[str], None]


def time_left(seconds: float) -> str:
    """Rough, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Journal:
    """Writes down a run's course.

    Args:
        folder: where the log and TensorBoard's files go.
        step: the step that the run resumes from; what an interrupted run wrote beyond it is dropped. None for a new
            run: all is dropped.
        say: prints a line for people.
        first: of several processes; the others draw no bar.
    """

    def __init__(self, folder: Path, step: int | None, say: Say, first: bool = True):
        folder.mkdir(exist_ok=True)
        self._path, self._say = folder / LOG, say
        kept = []
        if step is None:
            shutil.rmtree(folder / BOARD, ignore_errors=True)
        elif self._path.exists():
            lines = self._path.read_text().splitlines()
            kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        self._path.write_text("".join(line + "\n" for line in kept))
        self._log = self._path.open("a", buffering=1)
        self._board = _tensorboard(folder / BOARD, step)
        if self._board is None:
            say('TensorBoard is not installed: no files for it (pip install "isthmus[train]")')
        self._bar = _bar() if first else None
        self._last_line = self._last_step = time.perf_counter()
        self._pictures = 0
        self._speed = 0.0

    def step(self, progress: Progress, rate: float, part: float, left: float | None, pictures: int) -> None:
        """After each step: learning rate, part of the budget used, seconds left if known, pictures in the step."""
        self._pictures += pictures
        now = time.perf_counter()
        if progress.step % STEPS_PER_LINE and part < 1:
            return
        self._speed = self._pictures / max(now - self._last_step, 1e-9)
        self._last_step, self._pictures = now, 0
        values = {"loss": progress.loss, "bpp": progress.bpp, "psnr_db": progress.psnr_db}
        self._write("step", progress.step, values | {"learning_rate": rate, "pictures_per_second": self._speed})
        if self._board is not None:
            for key, value in (values | {"learning_rate": rate, "pictures_per_second": self._speed}).items():
                self._board.add_scalar(f"training/{key}", value, progress.step)
        text = (
            f"loss {progress.loss:.3f}, {progress.bpp:.2f} bpp, {progress.psnr_db:.1f} dB, "
            f"{self._speed:.1f} pictures/s" + (f", {time_left(left)} left" if left is not None else "")
        )
        if self._bar is not None:
            self._bar.n = round(1000 * min(part, 1))
            self._bar.set_postfix_str(text)
        elif now - self._last_line > SECONDS_PER_LINE:
            self._last_line = now
            self._say(f"step {progress.step} ({min(part, 1):.0%}): {text}")

    def points(self, step: int, points: Sequence[Point]) -> None:
        """Rate-distortion curves of the held-out pictures, one for each tune."""
        self._write("held out", step, {"points": [asdict(point) for point in points]})
        if self._board is not None:
            for point in points:
                where = f"tune_{point.tune}/quality_{point.quality}"
                self._board.add_scalar(f"held_out_bpp_{where}", point.bpp, step)
                self._board.add_scalar(f"held_out_psnr_db_{where}", point.psnr_db, step)
        for tune, curve in groupby(points, lambda point: point.tune):
            text = "  ".join(f"{p.bpp:.3f} bpp {p.psnr_db:.2f} dB" for p in curve)
            self.say(f"step {step}, held out, tune {tune}: {text}")

    def pictures(self, step: int, name: str, rows: Sequence[Tensor]) -> None:
        """Pictures (3, H, W) uint8 of one height, side by side."""
        if self._board is not None:
            import torch

            self._board.add_image(name, torch.cat([row.cpu() for row in rows], 2), step)

    def note(self, step: int, text: str) -> None:
        """Anything else that happened."""
        self._write("note", step, {"text": text})
        self.say(text)

    def say(self, text: str) -> None:
        """A line for people, above the bar."""
        if self._bar is not None:
            self._bar.clear()
        self._say(text)

    def close(self) -> None:
        """Ends the files and the bar."""
        self._log.close()
        if self._board is not None:
            self._board.close()
        if self._bar is not None:
            self._bar.close()

    def _write(self, kind: str, step: int, values: dict[str, Any]) -> None:
        self._log.write(json_text({"kind": kind, "step": step, **values}) + "\n")


def _tensorboard(folder: Path, step: int | None) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # Purged is what lies at that step or beyond; the log keeps the step that was saved.
    return SummaryWriter(str(folder), purge_step=None if step is None else step + 1)


def _bar() -> Any:
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
    except ImportError:
        return None
    return tqdm(total=1000, bar_format="{percentage:3.0f}% |{bar:20}| {postfix}", leave=True)
