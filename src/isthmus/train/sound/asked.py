"""A run on sounds as the command line asks for one: a budget, an interruption, and the model file at the end."""

from __future__ import annotations

from dataclasses import fields

import torch

from isthmus.errors import InputError
from isthmus.train.journal import Say
from isthmus.train.options import Request
from isthmus.train.signals import Signals
from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.run import SoundRun
from isthmus.train.state import CHECKPOINT, minutes_of

TAKEN = ("folder", "output", "sounds", "minutes", "steps", "resume", "name", "threads", "force")
"""Of what can be asked of a run, that of one on sounds."""


def train_sounds(request: Request, say: Say) -> bool:
    """Does what was asked; whether the model was written: else the run was interrupted, and can be resumed.

    Args:
        request: what is asked; nothing that it would replace is there, or may be replaced.
        say: prints a line for people.

    Raises:
        InputError: what is asked is not for sounds, or there are none.
    """
    for field in fields(request):
        if field.name not in TAKEN and getattr(request, field.name) != field.default:
            option = {"origin": "from", "settings": "set"}.get(field.name, field.name).replace("_", "-")
            raise InputError(f"--{option} is not for a run on sounds", got=getattr(request, field.name))
    checkpoint = request.workspace / CHECKPOINT
    request.workspace.mkdir(parents=True, exist_ok=True)
    if not request.resume:
        checkpoint.unlink(missing_ok=True)
    torch.set_num_threads(request.threads or 1)
    run = SoundRun(request.folder, checkpoint, SoundConfig(), say)
    with Signals(say) as signals:
        if not run.train(minutes_of(request), request.steps, lambda: signals.asked):
            return False
    run.export(request.output, request.name or request.output.stem, {"device": "cpu"})
    return True
