"""A training run from a folder of pictures to a model file: budget, interruptions, measurements, export."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field, fields
from types import FrameType
from typing import Any

import numpy as np
import torch

from isthmus.coding.tables import Tables
from isthmus.errors import InputError, IsthmusError
from isthmus.files import atomic_output, refuse_existing, refuse_unwritable
from isthmus.text import counted, some_of
from isthmus.train.config import TrainConfig
from isthmus.train.export import export_model
from isthmus.train.gain import change
from isthmus.train.image.data import Batches, Catalogue, Pixels, held_out_pictures, look_through
from isthmus.train.image.evaluation import Point, code, means, measure, percent_more, prepare
from isthmus.train.initial import began_from, load_checkpoint, load_transform, load_weights
from isthmus.train.journal import Journal, Say
from isthmus.train.loop import Trainer, learning_rate
from isthmus.train.options import DEFAULT_MINUTES, Request
from isthmus.train.tables import fit_tables
from isthmus.train.workers import Workers

CHECKPOINT = "checkpoint.pt"
CHECKPOINT_SECONDS = 60.0
RECENT = 100
"""Steps over which the loss is averaged before it is compared with a threshold."""
FINAL_ROUNDS = 2
TRANSFORM = "a lapped cosine transform"
"""What a run starts from where nothing is named."""
COMMON_QUALITY = 50
"""A gain is weighed against the bytes of pictures near this quality."""


@dataclass
class Course:
    """How far a run has come; saved beside the weights."""

    name: str
    origin: str
    pictures: str
    minutes: float | None
    steps: int | None
    stop_loss: float | None
    seconds: float = 0.0
    checks: int = 0
    fits: int = 0
    ended: bool = False
    recent: list[float] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)
    start: list[list[list[float]]] = field(default_factory=list)
    last: list[list[float]] = field(default_factory=list)
    gain: dict[str, Any] | None = None

    def part(self, step: int) -> float:
        """0 to 1 and beyond: how much of the budget is used."""
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        by_steps = step / self.steps if self.steps else 0.0
        return 1.0 if self.ended else max(by_time, by_steps)

    def end_if_good(self) -> bool:
        """Ends the run if the loss is low enough; returns whether it is."""
        good = self.stop_loss is not None and len(self.recent) == RECENT
        self.ended |= good and float(np.mean(self.recent)) <= (self.stop_loss or 0.0)
        return self.ended


class Signals:
    """While entered, an interruption or a request to end is noted instead of obeyed; a second one is obeyed.

    Args:
        say: prints a line for people.
    """

    def __init__(self, say: Say) -> None:
        self.asked = False
        self._say = say
        self._before: dict[int, Any] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(number, self._before[number])
        self._say("stopping after this step, and saving")

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Result:
    """How a run ended: `finished` is False if it was interrupted and can be resumed."""

    finished: bool
    first: tuple[Point, ...] = ()
    last: tuple[Point, ...] = ()


def train(request: Request, say: Say) -> Result:
    """Does what was asked, or as much as there was time for.

    Args:
        say: prints a line for people.

    Raises:
        InputError, ModelError, OutputExistsError, MissingExtraError, OSError
    """
    checkpoint = request.workspace / CHECKPOINT
    if request.resume and not checkpoint.exists():
        raise InputError("nothing to resume", expected=f"a checkpoint {checkpoint}", got="none")
    # A model that is replaced is lost, and with it the files that it wrote: on resuming as well.
    refuse_existing(request.output, request.force)
    if not request.resume and checkpoint.exists() and not request.force:
        raise InputError(f"{request.workspace} holds a run already", hint="Use --resume to continue it, or --force.")
    refuse_unwritable(request.workspace)
    workers = Workers(request.device, request.threads, request.float32)
    try:
        return Run(request, workers, say if workers.first else _nothing).go()
    finally:
        workers.close()


def _nothing(text: str) -> None:
    """What the other processes say."""


class Run:
    """One run; `go` does it."""

    def __init__(self, request: Request, workers: Workers, say: Say):
        self.request, self.workers, self.say = request, workers, say
        self.checkpoint = request.workspace / CHECKPOINT
        saved = load_checkpoint(self.checkpoint) if request.resume else None
        if saved is not None and "course" not in saved:
            raise InputError(f"{self.checkpoint} is no run's checkpoint", expected="its course", got="weights alone")
        config = self._kept(saved) if saved else TrainConfig().changed(dict(request.settings))
        weights, origin = None, TRANSFORM
        if request.origin and not saved:
            config, weights, origin = load_weights(request.origin, config, dict(request.settings))
        config.check_shape()
        self.config = config
        self.catalogue = self._look()
        self.batches = Batches(self.catalogue, config, workers.rank)
        self.trainer = Trainer(config, workers)
        if saved:
            self.trainer.restore(saved)
            self.course = self._resumed(saved["course"])
        else:
            self.course = Course(
                name=request.name or request.output.stem,
                origin=origin,
                pictures=self.catalogue.digest(),
                minutes=request.minutes if request.minutes or request.steps else DEFAULT_MINUTES,
                steps=request.steps,
                stop_loss=request.stop_loss,
            )
            if weights is None:
                load_transform(self.trainer.network, self.batches.pictures(0), config)
            else:
                self.trainer.network.load_state_dict(weights)
            self.trainer.begin()
        self.say(f"{'resuming at step ' + str(self.trainer.step) if saved else 'starting from ' + origin}")
        self.say(f"on {workers.describe()}; {workers.count * config.batch} crops of {config.crop} pixels a step")
        self.saved_step: int | None = self.trainer.step if saved else None
        self.batches.pictures(self.trainer.step)
        self.held_out = held_out_pictures(self.catalogue, config)
        request.workspace.mkdir(parents=True, exist_ok=True)
        if not saved:
            # From here on the folder is this run's: --resume must never continue the one that was there before.
            self._save()
        folder = request.workspace if workers.first else request.workspace / f"worker{workers.rank}"
        self.journal = Journal(folder, self.trainer.step if saved else None, self.say, workers.first)
        self._name_broken()

    def _look(self) -> Catalogue:
        catalogue = look_through(self.request.folder, self.request.held_out, self.config)
        self.say(catalogue.describe())
        self.say(f"held out: {some_of([path.name for path in catalogue.held_out], 6)}")
        return catalogue

    def _name_broken(self) -> None:
        names = self.batches.newly_broken()
        if names:
            reason = "damaged, or of a kind that the codec refuses"
            text = f"{counted(len(names), 'picture')} left out, {reason}: {some_of(names)}"
            self.journal.note(self.trainer.step, text)

    def _kept(self, saved: dict[str, Any]) -> TrainConfig:
        """The configuration of the run that goes on; raises InputError where another one is asked for."""
        config = TrainConfig.from_dict(saved["config"])
        if config.changed(dict(self.request.settings)) != config:
            raise InputError("a resumed run keeps its settings", expected="those it began with", got="other --set")
        recorded = str(saved["course"].get("origin"))
        if self.request.origin and not began_from(self.request.origin, recorded):
            raise InputError("--from", expected=f"{recorded}, which the run began from", got=self.request.origin)
        return config

    def _resumed(self, saved: dict[str, Any]) -> Course:
        try:
            course = Course(**saved)
        except TypeError as error:
            raise InputError(
                "the run is of another version of isthmus",
                got=error,
                hint=f"Begin another one from its weights: --from {self.checkpoint}.",
            ) from error
        if course.pictures != self.catalogue.digest():
            self.say("the folder has changed since the run began: its curve will not be the same")
            # Other pictures than the first measurement's may be held out by now: nothing compares with it any more.
            course.pictures, course.start = self.catalogue.digest(), []
        before = (course.minutes, course.steps, course.stop_loss)
        if self.request.minutes or self.request.steps:
            course.minutes, course.steps = self.request.minutes, self.request.steps
        if self.request.stop_loss is not None:
            course.stop_loss = self.request.stop_loss
        if before != (course.minutes, course.steps, course.stop_loss):
            course.ended, course.tables = False, []
        return course

    def go(self) -> Result:
        """Trains, measures and exports; returns early, with everything saved, when interrupted."""
        try:
            if not self.request.finish:
                self._measure_start()
                with Signals(self.journal.say) as signals:
                    if not self._loop(signals):
                        return self._interrupted()
            self._finish()
        except KeyboardInterrupt:
            return self._interrupted()
        finally:
            self.batches.close()
            self.journal.close()
        return Result(True, tuple(means(map(_points, self.course.start))), _points(self.course.last))

    def _interrupted(self) -> Result:
        self.journal.say(f"interrupted, step {self.saved_step} is saved: the same command with --resume continues")
        return Result(False)

    def _measure_start(self) -> None:
        """Measures all held-out pictures before the first step, outside the budget: what is gained is against that."""
        if self.course.checks:
            return
        self.journal.say(f"measuring {counted(len(self.held_out), 'held-out picture')} before the first step")
        measured = self._measure(self.held_out)
        self.course.start, self.course.checks = [_rows(points) for points in measured], 1
        self._show_check(means(points[: self.config.check_pictures] for points in measured))
        self._save()

    def _measure(self, pictures: list[Pixels]) -> list[list[Point]]:
        return measure(self.trainer.average, pictures, self.config.qualities[::2], self.config, self.workers.dtype)

    def _loop(self, signals: Signals) -> bool:
        """Trains until the budget is used; False if it was interrupted."""
        trainer, course = self.trainer, self.course
        begun, before = time.perf_counter(), course.seconds
        saved_at, resumed_at = begun, course.part(trainer.step)
        while True:
            course.seconds = before + time.perf_counter() - begun
            part, asked = self.workers.agree(course.part(trainer.step), float(signals.asked))
            if asked:
                self._save()
                return False
            if part >= 1:
                self._save()
                return True
            self._check(part)
            self._fit_costs(part)
            batch, quality = self.batches.batch(trainer.step)
            self._name_broken()
            try:
                progress = trainer.train_step(batch, quality, part)
            except ArithmeticError as error:
                raise IsthmusError(
                    "the training diverged", got=error, hint="Try again with --force and --set learning_rate=3e-4."
                ) from error
            course.recent = [*course.recent[1 - RECENT :], progress.loss]
            course.end_if_good()
            now = time.perf_counter()
            course.seconds = before + now - begun
            after = course.part(trainer.step)
            left = (now - begun) * (1 - after) / (after - resumed_at) if 1 > after > resumed_at else None
            rate = learning_rate(part, trainer.step - 1, self.config)
            self.journal.step(progress, rate, after, left, self.workers.count * self.config.batch)
            if now - saved_at > CHECKPOINT_SECONDS:
                self._save()
                saved_at = now

    def _check(self, part: float) -> None:
        """A quick measurement, of a few pictures, whenever its time has come."""
        due = int(part * self.config.checks) + 1
        if self.course.checks < due:
            self.course.checks = due
            self._show_check(means(self._measure(self.held_out[: self.config.check_pictures])))

    def _show_check(self, points: list[Point]) -> None:
        self.journal.points(self.trainer.step, points)
        pixels = prepare(self.held_out[0]).to(self.workers.device)
        shown = [
            code(self.trainer.average, pixels, point.quality / 100, self.config)[0][0]
            for point in (points[0], points[len(points) // 2])
        ]
        self.journal.pictures(self.trainer.step, "original, lowest and middle quality", [pixels[0], *shown])

    def _fit_costs(self, part: float) -> None:
        """Measures the costs of symbols anew whenever its time has come, and trains on with them."""
        done = sum(part >= at for at in self.config.fit_at)
        if self.course.fits >= done:
            return
        self.course.fits = done
        fit_tables(self.trainer.average, self._pictures(), self.config, self.workers.dtype)
        self.trainer.set_costs(self.trainer.average.context.costs)
        self.journal.note(self.trainer.step, f"step {self.trainer.step}: measured the costs of symbols anew")

    def _pictures(self) -> list[Any]:
        return self.batches.pictures(self.trainer.step)

    def _save(self) -> None:
        """Writes the checkpoint so that a kill at any moment leaves the old one or the new one whole."""
        if self.workers.first:
            course = {f.name: getattr(self.course, f.name) for f in fields(Course)}
            try:
                with atomic_output(self.checkpoint, force=True) as stream:
                    torch.save({**self.trainer.state(), "course": course}, stream)
            except (OSError, RuntimeError) as error:
                kept = "nothing is saved yet" if self.saved_step is None else f"step {self.saved_step} is saved"
                raise IsthmusError(
                    f"{self.checkpoint} could not be written: {kept}",
                    got=error,
                    hint="Make room on the disk; the same command with --resume then continues what is saved.",
                ) from error
        self.saved_step = self.trainer.step

    def _finish(self) -> None:
        """Fits the tables, measures all held-out pictures and writes the model file: the first process alone."""
        if not self.workers.first:
            return
        course, network, step = self.course, self.trainer.average, self.trainer.step
        if not course.tables:
            self.journal.note(step, "fitting the probability tables, then measuring")
            tables = fit_tables(network, self._pictures(), self.config, rounds=FINAL_ROUNDS)
            self.trainer.set_costs(network.context.costs)
            measured = measure(network, self.held_out, self.config.qualities, self.config, self.workers.dtype)
            points = means(measured)
            self.journal.points(step, points)
            self._say_what_was_gained(measured)
            course.tables, course.last = tables.pack().tolist(), _rows(points)
            self._save()
        export_model(network, self.request.output, course.name, self._record(), Tables.unpack(np.array(course.tables)))

    def _say_what_was_gained(self, measured: list[list[Point]]) -> None:
        """What the first measurement would be now; its qualities are among those measured."""
        first = [_points(rows) for rows in self.course.start]
        qualities = {points[0].quality for points in first}
        last = [points for points in measured if points[0].quality in qualities]
        before = means(first)
        percent = percent_more(before, means(last))
        self.course.gain = None
        if percent is None:
            return
        each = [
            (path.name, percent_more([points[i] for points in first], [points[i] for points in last]))
            for i, path in enumerate(self.catalogue.held_out)
        ]
        worse = [(name, more) for name, more in each if more is not None and round(more, 1) > 0]
        said = f"held-out pictures ({len(each)}) take {change(percent)} at equal PSNR than with {self.course.origin}"
        if worse:
            named = [f"{name} (+{more:.1f} %)" for name, more in sorted(worse, key=lambda item: -item[1])]
            said += f"; more on {len(worse)} of them: {some_of(named)}"
        self.journal.note(self.trainer.step, said)
        if self.course.origin != TRANSFORM:
            near = min(before, key=lambda point: abs(point.quality - COMMON_QUALITY))
            pixels = float(np.mean([width * height for _, width, height in self.catalogue.training]))
            self.course.gain = {
                "percent_more": round(percent, 2),
                "pictures": len(each),
                "worse": len(worse),
                "quality": near.quality,
                "bytes_per_picture": round(near.bpp * pixels / 8),
            }

    def _record(self) -> dict[str, Any]:
        """The training record in the model's metadata: nothing in it tells where the pictures lie."""
        gain = {} if self.course.gain is None else {"gain": self.course.gain}
        return {
            "training": {
                **gain,
                "config": self.config.as_dict(),
                "steps": self.trainer.step,
                "minutes": round(self.course.seconds / 60, 1),
                "device": self.workers.describe(),
                "from": self.course.origin,
                "pictures": len(self.catalogue.training),
                "held_out": len(self.catalogue.held_out),
                "held_out_points": self.course.last,
            }
        }


def _rows(points: list[Point]) -> list[list[float]]:
    return [[point.quality, round(point.bpp, 5), round(point.psnr_db, 4)] for point in points]


def _points(rows: list[list[float]]) -> tuple[Point, ...]:
    return tuple(Point(int(quality), bpp, psnr) for quality, bpp, psnr in rows)
