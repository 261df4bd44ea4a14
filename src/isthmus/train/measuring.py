"""Measures held-out pictures in the course of a run: before the first step, now and then, and at its end."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.text import counted
from isthmus.train.config import TrainConfig
from isthmus.train.curve import Point, means, points_of
from isthmus.train.gain import Gain, gain_of
from isthmus.train.image.evaluation import code, measure, prepare
from isthmus.train.image.windows import Pixels
from isthmus.train.journal import Journal
from isthmus.train.loop import Trainer
from isthmus.train.state import RunState
from isthmus.tune import EYE


class Measuring:
    """Measures, writes down what was found, and keeps it in the run's state.

    Args:
        trainer: its moving average is measured.
        held_out: the pictures.
        names: theirs, for people.
    """

    def __init__(
        self,
        trainer: Trainer,
        held_out: list[Pixels],
        names: Sequence[str],
        config: TrainConfig,
        journal: Journal,
        state: RunState,
    ):
        self._trainer, self._held_out, self._names = trainer, held_out, names
        self._config, self._journal, self._state = config, journal, state

    def before_training(self) -> None:
        """Measures all pictures at every second quality, outside the budget: what is gained is against that.

        Here as everywhere at both ends of tune."""
        self._journal.say(f"measuring {counted(len(self._held_out), 'held-out picture')} before the first step")
        measured = self._measure(self._held_out, self._config.qualities[::2])
        self._state.start = [[point.as_row() for point in points] for points in measured]
        self._state.checks = 1
        self._show(means(points[: self._config.check_pictures] for points in measured))

    def check(self, part: float) -> None:
        """A quick measurement, of a few pictures, whenever its time has come.

        Args:
            part: of the budget that is used, from 0 to 1.
        """
        due = int(part * self._config.checks) + 1
        if self._state.checks < due:
            self._state.checks = due
            few = self._held_out[: self._config.check_pictures]
            self._show(means(self._measure(few, self._config.qualities[::2])))

    def at_the_end(self) -> Gain | None:
        """Measures all pictures at all qualities; returns what was gained, if that can be said."""
        measured = self._measure(self._held_out, self._config.qualities)
        points = means(measured)
        self._journal.points(self._trainer.step, points)
        self._state.last = [point.as_row() for point in points]
        gain = gain_of([points_of(rows) for rows in self._state.start], measured, self._names)
        if gain is not None:
            self._journal.note(self._trainer.step, gain.describe(self._state.origin))
        return gain

    def _measure(self, pictures: list[Pixels], qualities: Sequence[int]) -> list[list[Point]]:
        return measure(self._trainer.average, pictures, qualities, self._trainer.workers.dtype)

    def _show(self, points: list[Point]) -> None:
        self._journal.points(self._trainer.step, points)
        average = self._trainer.average
        pixels = prepare(self._held_out[0], average.context.definition).to(self._trainer.workers.device)
        qualities = sorted({point.quality for point in points})
        shown = [
            code(average, pixels, quality / 100, EYE.share)[0][0]
            for quality in (qualities[0], qualities[len(qualities) // 2])
        ]
        self._journal.pictures(self._trainer.step, "original, lowest and middle quality", [pixels[0], *shown])
