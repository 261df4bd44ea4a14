"""A training run from a folder of pictures or sounds to a model file: budget, interruptions, measurements, export."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from isthmus.coding.tables import Tables
from isthmus.errors import InputError, IsthmusError
from isthmus.files import refuse_existing, refuse_unwritable
from isthmus.text import counted, some_of
from isthmus.train.config import TrainConfig
from isthmus.train.curve import Point, means, points_of
from isthmus.train.export import export_model
from isthmus.train.image.catalogue import Catalogue, look_through
from isthmus.train.image.data import Batches, held_out_pictures
from isthmus.train.initial import begin_from_nothing, load_weights, require_same_parameters
from isthmus.train.journal import Journal, Say
from isthmus.train.loop import Trainer, learning_rate
from isthmus.train.measuring import Measuring
from isthmus.train.options import Request
from isthmus.train.record import training_record
from isthmus.train.signals import Signals
from isthmus.train.state import CHECKPOINT, kept_config, load_run, new_state, resumed_state, save_run
from isthmus.train.tables import fit_tables
from isthmus.train.workers import Workers

__all__ = ["Result", "train"]

CHECKPOINT_SECONDS = 60.0
"""Between two checkpoints."""
FINAL_ROUNDS = 2
"""In which the tables are fitted at the end."""
TRANSFORM = "a lapped cosine transform"
"""What a run starts from where nothing is named."""


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        finished: False if it was interrupted and can be resumed.
        first: mean rate-distortion points of the held-out pictures before the first step.
        last: those at the end.
    """

    finished: bool
    first: tuple[Point, ...] = ()
    last: tuple[Point, ...] = ()


def train(request: Request, say: Say) -> Result:
    """Does what was asked, or as much as there was time for.

    Args:
        request: what is asked, and the budget.
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
    if request.sounds:
        from isthmus.train.sound.asked import train_sounds

        return Result(train_sounds(request, say))
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
        saved = load_run(self.checkpoint) if request.resume else None
        config = kept_config(saved, request) if saved else TrainConfig().changed(dict(request.settings))
        weights, origin = None, TRANSFORM
        if request.origin and not saved:
            config, weights, origin = load_weights(request.origin, config, dict(request.settings))
        config.check_shape()
        self.config = config
        self.catalogue = self._look()
        self.batches = Batches(self.catalogue, config, workers.rank)
        self.trainer = Trainer(config, workers)
        if saved:
            require_same_parameters(saved["network"], self.trainer.network, self.checkpoint)
            self.trainer.restore(saved)
            self.state = resumed_state(saved, request, self.catalogue.digest(), self.checkpoint, say)
            self.say(f"resuming at step {self.trainer.step}")
        else:
            self.state = new_state(request, origin, self.catalogue.digest())
            if weights is None:
                begin_from_nothing(self.trainer.network, self.batches.pictures(0), config)
            else:
                self.trainer.network.load_state_dict(weights)
            self.trainer.begin()
            self.say(f"starting from {origin}")
        self.say(f"on {workers.describe()}; {workers.count * config.batch} crops of {config.crop} pixels a step")
        self.saved_step: int | None = self.trainer.step if saved else None
        self.batches.pictures(self.trainer.step)
        held_out = held_out_pictures(self.catalogue, config)
        request.workspace.mkdir(parents=True, exist_ok=True)
        if not saved:
            # From here on the folder is this run's: --resume must never continue the one that was there before.
            self._save()
        folder = request.workspace if workers.first else request.workspace / f"worker{workers.rank}"
        self.journal = Journal(folder, self.trainer.step if saved else None, self.say, workers.first)
        names = [path.name for path in self.catalogue.held_out]
        self.measuring = Measuring(self.trainer, held_out, names, config, self.journal, self.state)
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

    def go(self) -> Result:
        """Trains, measures and exports; returns early, with everything saved, when interrupted."""
        try:
            if not self.request.finish:
                if not self.state.checks:
                    self.measuring.before_training()
                    self._save()
                with Signals(self.journal.say) as signals:
                    if not self._loop(signals):
                        return self._interrupted()
            self._finish()
        except KeyboardInterrupt:
            return self._interrupted()
        finally:
            self.batches.close()
            self.journal.close()
        return Result(True, tuple(means(map(points_of, self.state.start))), points_of(self.state.last))

    def _interrupted(self) -> Result:
        self.journal.say(f"interrupted, step {self.saved_step} is saved: the same command with --resume continues")
        return Result(False)

    def _loop(self, signals: Signals) -> bool:
        """Trains until the budget is used; False if it was interrupted."""
        trainer, state = self.trainer, self.state
        transform = trainer.network.transform.exact()
        begun, before = time.perf_counter(), state.seconds
        saved_at, resumed_at = begun, state.part(trainer.step)
        while True:
            state.seconds = before + time.perf_counter() - begun
            part, asked = self.workers.agree(state.part(trainer.step), float(signals.asked))
            if asked:
                self._save()
                return False
            if part >= 1:
                self._save()
                return True
            self.measuring.check(part)
            self._fit_costs(part)
            batch = self.batches.batch(trainer.step, transform)
            self._name_broken()
            step_begun = time.perf_counter()
            try:
                progress = trainer.train_step(batch, part)
            except ArithmeticError as error:
                raise IsthmusError(
                    "the training diverged", got=error, hint="Try again with --force and --set learning_rate=3e-4."
                ) from error
            state.add_loss(progress.loss)
            now = time.perf_counter()
            self.workers.took(now - step_begun)
            state.seconds = before + now - begun
            after = state.part(trainer.step)
            left = (now - begun) * (1 - after) / (after - resumed_at) if 1 > after > resumed_at else None
            rate = learning_rate(part, trainer.step - 1, self.config)
            self.journal.step(progress, rate, after, left, self.workers.count * self.config.batch)
            if now - saved_at > CHECKPOINT_SECONDS:
                self._save()
                saved_at = now

    def _fit_costs(self, part: float) -> None:
        """Measures the costs of symbols anew whenever its time has come, and trains on with them."""
        done = sum(part >= at for at in self.config.fit_at)
        if self.state.fits >= done:
            return
        self.state.fits = done
        pictures = self.batches.pictures(self.trainer.step)
        fit_tables(self.trainer.average, pictures, self.config, self.workers.dtype)
        self.trainer.set_costs(self.trainer.average.context.costs)
        self.journal.note(self.trainer.step, f"step {self.trainer.step}: measured the costs of symbols anew")

    def _save(self) -> None:
        if self.workers.first:
            save_run(self.checkpoint, self.trainer.state(), self.state, self.saved_step)
        self.saved_step = self.trainer.step

    def _finish(self) -> None:
        """Fits the tables, measures all held-out pictures and writes the model file: the first process alone."""
        if not self.workers.first:
            return
        state, network, step = self.state, self.trainer.average, self.trainer.step
        if not len(state.tables):
            self.journal.note(step, "fitting the probability tables, then measuring")
            tables = fit_tables(network, self.batches.pictures(step), self.config, rounds=FINAL_ROUNDS)
            self.trainer.set_costs(network.context.costs)
            gain = self.measuring.at_the_end()
            # A run from nothing replaces no model whose files were larger: its bytes have nothing to make up for.
            pixels = float(np.mean([width * height for _, width, height in self.catalogue.training]))
            state.gain = None if gain is None or state.origin == TRANSFORM else gain.as_dict(pixels)
            state.tables = torch.from_numpy(tables.pack())
            self._save()
        record = training_record(state, self.config, self.catalogue, step, self.workers.describe())
        tables = Tables.unpack(state.tables.numpy())
        export_model(network, self.request.output, state.name, {"training": record}, tables)
