"""The configuration of a training run on sounds: a frozen dataclass, kept whole in every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.coding.definition import Definition
from isthmus.coding.formats import BYTES
from isthmus.coding.kinds import ENVELOPE, lattices_and_boards


@dataclass(frozen=True)
class SoundConfig:
    """What a run does, and the shape of what it trains."""

    groups: tuple[int, ...] = (2, 8, 8, 8, 8)
    """Channels coded together: levels, then coefficients."""
    points: int = 5
    """Quality points between which biases are interpolated."""
    level_width: int = 32
    """Width of the networks of levels."""
    width: int = 48
    """Width of those of coefficients."""
    frames: int = 32
    """Frames of a crop."""
    bands: int = 32
    """Bands of a crop; of lower rates there are fewer, and silence beside them."""
    batch: int = 4
    """Crops a step."""
    learning_rate: float = 4e-3
    """Peak rate of AdamW and Muon."""
    warmup_steps: int = 30
    """Steps of linear warm-up."""
    ema: float = 0.99
    """Decay of the moving average of the weights that is exported."""
    clip: float = 1.0
    """Bound on the gradient's norm."""
    seed: int = 0
    """Of the initial weights, the crops and the qualities."""
    pieces: int = 400
    """Pieces that are held in memory, of all files in turn."""
    piece_seconds: float = 12.0
    """Length of a piece."""
    held_out: int = 12
    """One in so many files is held out for measuring."""
    fit_batches: int = 30
    """Batches on which the probability tables are fitted at the end."""

    @property
    def entropy(self) -> Definition:
        """The entropy model's networks."""
        return lattices_and_boards(self.groups, self.points, self.level_width, self.width, BYTES, ENVELOPE)
