"""An entropy model: the context networks that predict latents, and the tables that code what the prediction leaves."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.coding.fixed_point import ContextModel
from isthmus.coding.tables import Tables


@dataclass(frozen=True, eq=False)
class EntropyModel:
    """All that turns latents into bytes and back.

    Attributes:
        context: predicts mean and scale index of every latent, pass by pass.
        tables: one probability table a scale index.
        trellis: the same where symbols are of a trellis, see `isthmus.coding.trellis`; None if its symbols never are.
    """

    context: ContextModel
    tables: Tables
    trellis: Tables | None = None
