"""Whether a model is one of sounds: what it must be beside an entropy model that can be computed."""

from __future__ import annotations

from isthmus.errors import ModelError
from isthmus.model.check import check_spec
from isthmus.model.model import Model
from isthmus.sound.analysis import LATENTS, PAIR
from isthmus.sound.header import CODER, MEDIUM


def check_model(model: Model) -> None:
    """Raise ModelError unless a model is one of the coder of sounds."""
    if (model.medium, model.coder) != (MEDIUM, CODER):
        raise ModelError(
            f"model {model.name} cannot code sounds",
            expected=f"medium {MEDIUM}, coder {CODER}",
            got=f"medium {model.medium}, coder {model.coder}",
            hint="Leave --model out, or name one that was trained on sounds.",
        )
    first, *_ = groups = model.definition.groups
    if (first, sum(groups)) != (PAIR, LATENTS):
        expected = f"{PAIR} levels first, and {LATENTS} latents in all"
        raise ModelError(f"model {model.name} does not fit the coder of sounds", expected=expected, got=groups)
    check_spec(model, {})
