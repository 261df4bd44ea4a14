"""How far the synthesis network looks: what a window needs around itself, so that its pixels are those of the whole."""

from __future__ import annotations

from functools import lru_cache

from isthmus.errors import ModelError
from isthmus.image.coders.reach import reach
from isthmus.image.grid import BLOCK
from isthmus.model.graph import operations
from isthmus.model.model import Model

MAX_HALO = 32
"""Latent positions. Half a tile: more than a neighbouring tile is never looked at, and what a model may cost has an
end."""


@lru_cache(maxsize=8)
def halo_of(model: Model) -> int:
    """Latent positions around a window within which the zeros that the network pads with can be felt.

    Raises:
        ModelError: the network is none of which that can be said, or looks too far.
    """
    halo = -(-reach(operations(model.arrays["synthesis.onnx"].tobytes())) // BLOCK)
    if halo > MAX_HALO:
        raise ModelError(
            "the model's synthesis network looks too far around", expected=f"at most {MAX_HALO} blocks", got=halo
        )
    return max(halo, 1)
