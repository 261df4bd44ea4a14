"""A training run from a folder of sounds to a model file: steps, checkpoints, tables, export."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.coding.tables import Tables
from isthmus.errors import InputError
from isthmus.model.file import FORMAT, save_model
from isthmus.model.model import Model
from isthmus.sound.analysis import IMPORTANCE
from isthmus.sound.header import CODER, MEDIUM
from isthmus.train.context import ContextModel
from isthmus.train.context_arrays import entropy_arrays, entropy_metadata
from isthmus.train.muon import Muon
from isthmus.train.parameters import follow, set_rate
from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.costs import coefficient_bits, level_bits
from isthmus.train.sound.pieces import Piece, make_batch, read_pieces, sound_files
from isthmus.train.state import Budget, load_run, save_run, saved_state
from isthmus.train.tables import SymbolCounts, fitted, laplace_tables, training_costs

Say = Callable[[str], None]
FIRST_SCALES = {True: 24.0, False: 18.0}
"""Scale indices that training starts from, of levels and of coefficients."""
READOUT_SPREAD = 0.25
"""Standard deviation of the weights that lead to scale indices, at the start: indices are no small numbers."""
SIGNED_SHARE = 0.05
"""Of the usual first weights of coefficients with their signs, which say next to nothing about magnitudes."""
READOUT_RATES = {"weight": 4.0, "bias": 20.0}
"""Learning rates of what leads to scale indices, relative to the others': the indices span 0 to 63."""
COMMON_BITS = 2.0
"""Bits of a position that are added where a crop's cost is divided by itself."""
CHECKPOINT_STEPS = 50
REPORT_STEPS = 25


class SoundRun:
    """One run.

    Args:
        folder: of sounds.
        checkpoint: the file that it is kept in; a run that is there goes on.
        config: what it does; of one that goes on, what it began with.
        say: prints a line for people.

    Raises:
        InputError: there are no sounds, or the checkpoint is of another run.
    """

    def __init__(self, folder: Path, checkpoint: Path, config: SoundConfig, say: Say):
        torch.manual_seed(config.seed)
        self.config, self.checkpoint, self.say = config, checkpoint, say
        self.training, self.held_out = sound_files(folder, config.held_out)
        self.context, self.average = begun(config), ContextModel(config.entropy)
        self.average.load_state_dict(self.context.state_dict())
        self.optimizers = _optimizers(self.context, config)
        self.budget, self.step = Budget(), 0
        self.saved_step: int | None = None
        if checkpoint.exists():
            self._restore()
        say(f"{len(self.training)} sounds to train on, {len(self.held_out)} held out")
        self.pieces = read_pieces(self.training, config.pieces, config, 0)

    def train(self, minutes: float | None, steps: int | None = None, stop: Callable[[], bool] = lambda: False) -> bool:
        """Trains until so many minutes or steps are used, those of earlier parts of the run included, or `stop` says
        so; whether the budget is used."""
        self.budget.minutes, self.budget.steps = minutes, steps
        begun_at, before, lately = time.perf_counter(), self.budget.seconds, []
        while True:
            self.budget.seconds = before + time.perf_counter() - begun_at
            part = self.budget.part(self.step)
            if part >= 1 or stop():
                break
            lately.append(self._step(part))
            if self.step % REPORT_STEPS == 0:
                levels, coefficients = np.mean(lately, 0)
                self.say(
                    f"step {self.step}, {100 * part:.0f} %: "
                    f"{levels:.2f} + {coefficients:.2f} bits a position, levels and coefficients"
                )
                lately.clear()
            if self.step % CHECKPOINT_STEPS == 0:
                self._save()
        self._save()
        return part >= 1

    def _step(self, part: float) -> tuple[float, float]:
        config = self.config
        y, weights = make_batch(self.pieces, config, self.step)
        rate = config.learning_rate * min(1.0, (self.step + 1) / max(1, config.warmup_steps))
        # Down to nothing over the last four fifths.
        rate *= min(1.0, 1.25 * (1 - part) + 0.01)
        set_rate(self.optimizers, rate)
        positions = y.shape[2] * y.shape[3]
        levels = level_bits(self.context, y, weights) / positions
        coefficients = coefficient_bits(self.context, y, weights) / positions
        # Divided by the cost itself, so that high rates do not drown low ones.
        loss = levels.mean() + (coefficients / (coefficients.detach() + COMMON_BITS)).mean()
        self.context.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.context.parameters(), config.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        follow(self.average, self.context, min(config.ema, (1 + self.step) / (4 + self.step)))
        return float(levels.detach().mean()), float(coefficients.detach().mean())

    def export(self, path: Path, name: str, record: dict[str, Any]) -> Model:
        """Fits the probability tables, measures the held-out sounds, and writes the model file.

        Args:
            path: the `.isthmodel`.
            name: the model's.
            record: what else its training record says.
        """
        tables = fit_tables(self.average, self.pieces, self.config)
        held_out = read_pieces(self.held_out, 2 * len(self.held_out), self.config, 1)
        record = record | {
            "config": asdict(self.config),
            "steps": self.step,
            "minutes": round(self.budget.seconds / 60, 1),
            "sounds": len(self.training),
            "held_out": len(self.held_out),
            "held_out_bits_a_position": round(measured(self.average, held_out, self.config), 3),
        }
        metadata = {"medium": MEDIUM, "coder": CODER, **entropy_metadata(self.config.entropy), "training": record}
        return save_model(path, entropy_arrays(self.average, tables), {"format": FORMAT, "name": name, **metadata})

    def _save(self) -> None:
        weights = {
            "config": asdict(self.config),
            "context": self.context.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
        }
        save_run(self.checkpoint, weights, self.budget, self.saved_step)
        self.saved_step = self.step

    def _restore(self) -> None:
        saved = load_run(self.checkpoint)
        if saved.get("config") != asdict(self.config):
            raise InputError(f"{self.checkpoint} is of a run with other settings", hint="Name another checkpoint.")
        self.context.load_state_dict(saved["context"])
        self.average.load_state_dict(saved["average"])
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.budget = saved_state(saved, Budget, self.checkpoint)
        self.step = self.saved_step = saved["step"]
        self.say(f"going on at step {self.step}")


def begun(config: SoundConfig) -> ContextModel:
    """Networks whose scale indices begin where most of them will be, and see magnitudes first."""
    context = ContextModel(config.entropy)
    for one in context.definition.passes:
        network = context.network(one)
        readout, bias = network.last.weight.data, network.last.bias
        assert bias is not None
        readout[one.channels :] = READOUT_SPREAD * torch.randn(one.channels, one.width, 1, 1)
        bias.data[one.channels :] = FIRST_SCALES[one.neighbours is not None]
        if one.neighbours is None:
            readout[: one.channels] = 0
            entering = network.layer(one.enter).weight.data
            at = 0
            for group, channels in enumerate([*config.groups[: one.group], *([one.channels] if one.phase else [])]):
                # The signs of levels are those of logarithms, and say much.
                entering[:, at : at + channels] *= SIGNED_SHARE if group else 1.0
                at += 2 * channels
    return context


def _optimizers(context: ContextModel, config: SoundConfig) -> list[torch.optim.Optimizer]:
    """Muon for the coefficients' matrices, AdamW for all else, faster where scale indices are read out."""
    matrices, rest = [], []
    readouts: dict[str, list[Tensor]] = {"weight": [], "bias": []}
    for name, parameter in context.named_parameters():
        if ".last." in name:
            readouts[name.rpartition(".")[2]].append(parameter)
        elif name.startswith("passes.ac") and parameter.ndim > 2:
            matrices.append(parameter)
        else:
            rest.append(parameter)
    groups: list[dict[str, Any]] = [{"params": rest, "scale": 1.0}]
    groups += [{"params": readouts[key], "scale": scale} for key, scale in READOUT_RATES.items()]
    adam = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0)
    return [adam, Muon([{"params": matrices, "scale": 1.0}], torch.float32, config.learning_rate)]


def fit_tables(context: ContextModel, pieces: list[Piece], config: SoundConfig) -> Tables:
    """Tables from the symbols that the whole model chooses in the coder's order, and their costs put into it."""
    counts = SymbolCounts()
    with torch.no_grad():
        for step in range(config.fit_batches):
            y, weights = make_batch(pieces, config, -1 - step & 0xFFFFFF)
            context(y, weights, _importance(y), counts)
    tables = fitted(laplace_tables(), counts.histograms())
    context.costs.copy_(training_costs(tables))
    return tables


def measured(context: ContextModel, pieces: list[Piece], config: SoundConfig) -> float:
    """Bits a position, the mean over pieces and the dial, as the coder spends them."""
    found = []
    with torch.no_grad():
        for step in range(max(4, config.fit_batches // 2)):
            y, weights = make_batch(pieces, config, step)
            _, bits = context(y, weights, _importance(y))
            found.append(float(bits.sum()) / (len(y) * y.shape[2] * y.shape[3]))
    return float(np.mean(found))


def _importance(y: Tensor) -> Tensor:
    return torch.full((len(y), 1, *y.shape[2:]), IMPORTANCE)
