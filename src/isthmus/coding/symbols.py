"""The choice of symbols: by rate and distortion, pass by pass, given how much an error counts at each position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import Float64, ScaleIndices
from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.range_coder import Int32, SymbolEncoder
from isthmus.coding.trellis import FIRST_SCALE, residuals, values
from isthmus.coding.trellis_search import Path, best_path

Float32 = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]

SKIPPED_SCALES = 4
"""Symbols of the lowest scale indices are almost surely zero, and most symbols are theirs: they are not coded but at
positions that are marked."""
MARKED = 0x80
"""Stands in a payload's byte of skipped scale indices where positions are marked."""
TRELLIS = 0x40
"""Stands there where symbols from scale index `FIRST_SCALE` on are of a trellis."""
MARK_BITS = 6.0
"""About what a mark costs: a position has one in a pass where coding what would be skipped gains more."""


@dataclass(frozen=True)
class Coded:
    """What was coded in one pass.

    Attributes:
        scales: (P, n) uint8.
        residuals: (n * P,), channel by channel: what the symbols stand for, in sixteenths of a step.
    """

    scales: ScaleIndices
    residuals: Int32


@dataclass(frozen=True)
class Importance:
    """Bits that a squared error of one step is worth: at each position, times how much each channel counts.

    Attributes:
        places: (h, w) float64.
        channels: (C,) float64; None where all are alike.
    """

    places: Float64
    channels: Float64 | None = None


@dataclass(frozen=True)
class Staged:
    """Latents of a plane of which those of later groups hang on what the groups before them are decoded to.

    Attributes:
        first: (h, w, n) float32 in steps, those of the first groups.
        rest: rest(decoded first ones (h, w, n) float64) -> the others (h, w, C - n) float32 in steps, and how many
            times more a squared error of one step counts among them at each position, (h, w) or a number for all.
    """

    first: Float32
    rest: Callable[[Float64], tuple[Float32, Float32 | float]]


Latents = Float32 | Staged
"""(h, w, C) float32 in steps, or what becomes that as it is coded."""


def by_channel(scales: ScaleIndices) -> ScaleIndices:
    """(n * P,): the scale indices (P, n) of a pass in the order of coding, every channel in turn.

    Neighbours in the plane stay neighbours in the stream.
    """
    return np.ascontiguousarray(scales.T).reshape(-1)


def is_coded(scales: ScaleIndices, marks: npt.NDArray[np.bool_], skipped: int) -> npt.NDArray[np.bool_]:
    """(n * P,), in the order of coding: which symbols of a pass are coded.

    Args:
        scales: (P, n).
        marks: (P,), positions at which all are.
        skipped: below this scale index others are not.
    """
    return ((scales >= skipped) | marks[:, None]).T.reshape(-1)


class Quantizer:
    """Chooses the symbols of one plane, pass by pass, and codes them by rate and distortion: those of a trellis along
    its best path, the others greedily.

    Args:
        entropy: codes the latents.
        y: (h, w, C) latents in steps.
        importance: what errors in them are worth.
    """

    def __init__(self, entropy: EntropyModel, y: Latents, importance: Importance):
        self._staged = y if isinstance(y, Staged) else None
        first = y.first if isinstance(y, Staged) else y
        self._y = first.reshape(-1, first.shape[2])
        self._importance = importance.places.reshape(-1)
        self._by_channel = importance.channels
        self._decoded = np.zeros(self._y.shape) if self._staged else None
        tables = entropy.tables if entropy.trellis is None else entropy.trellis
        self._encoder = SymbolEncoder(tables)
        self._bits, self._savings = tables.bits, tables.savings
        self._radius = self._bits.shape[1] // 2
        self._zero_bits = self._bits[:, self._radius]
        self._skipped_gain = np.where(np.arange(len(self._bits)) < SKIPPED_SCALES, -self._zero_bits, np.float32(0))
        # Of the trellis before the next pass; None if there is none.
        self._state = None if entropy.trellis is None else 0
        self.coded: list[Coded] = []
        """Pass by pass."""
        self.spent = np.zeros(len(self._y))
        """Bits by position, by the tables."""

    def __call__(self, channels: slice, at: Index, means: Int32, scales: ScaleIndices) -> Int32:
        """Codes one pass; see `isthmus.coding.fixed_point.Code`."""
        if self._staged and channels.start >= self._y.shape[1]:
            self._go_on(self._staged)
        x = self._y[at, channels] - means / MEAN_STEPS
        symbols, bits, marks = self._one_by_one(channels, at, x, scales)
        coded = np.ascontiguousarray(symbols.T, np.int32).reshape(-1)
        ordered = by_channel(scales)
        self.spent[at] += bits.sum(1) + MARK_BITS * marks
        found = residuals(coded, ordered, None)
        if self._state is not None:
            places = np.flatnonzero(ordered >= FIRST_SCALE)
            path = self._along_trellis(channels, at, x, ordered, places, self._state)
            self._state = path.state
            coded[places] = path.symbols
            found[places] = values(coded.take(places), path.quantizers)
        self._encoder.encode_marks(marks)
        self._encoder.encode(coded, ordered, is_coded(scales, marks, SKIPPED_SCALES))
        self.coded.append(Coded(scales, found))
        decoded = found.reshape(x.shape[::-1]).T + means
        if self._decoded is not None:
            self._decoded[at, channels] = decoded / MEAN_STEPS
        return decoded

    def _along_trellis(
        self, channels: slice, at: Index, x: Float64, ordered: ScaleIndices, places: Index, state: int
    ) -> Path:
        """The symbols of a trellis of one pass, at places in the order of coding, as are its scale indices."""
        channel, position = np.divmod(places, len(at))
        worth = self._worth(channels, at, position, channel).astype(np.float32)
        shifts = x[position, channel].astype(np.float32)
        path = best_path(shifts, ordered.take(places), worth, self._bits, state)
        self.spent[at] += np.bincount(position, path.bits, len(at))
        return path

    def _worth(self, channels: slice, at: Index, position: Index, channel: Index) -> Float64:
        """(n,): bits that a squared error of a step is worth at places of a pass."""
        importance = self._importance[at].take(position)
        if self._by_channel is not None:
            importance *= self._by_channel[channels].take(channel)
        return importance

    def _one_by_one(
        self, channels: slice, at: Index, x: Float64, scales: ScaleIndices
    ) -> tuple[Float64, Float32, npt.NDArray[np.bool_]]:
        """Symbols (P, n) of a pass that depend on no other, zero where they are of a trellis, their bits, and which
        positions are marked."""
        symbols = np.rint(x)
        bits = self._zero_bits[scales]
        if self._state is not None:
            of_trellis = scales >= FIRST_SCALE
            symbols[of_trellis] = 0
            bits[of_trellis] = 0
        # Most symbols are zero already, and there is nothing to choose.
        some = np.flatnonzero(symbols != 0)
        x_some, scales_some = x.reshape(-1)[some], scales.reshape(-1)[some]
        importance = self._worth(channels, at, some // x.shape[1], some % x.shape[1])
        chosen, chosen_bits = self._chosen(x_some, symbols.reshape(-1)[some], scales_some, importance)
        # What coding would gain of what is skipped where there is no mark.
        skipped = scales_some < SKIPPED_SCALES
        gain = self._skipped_gain[scales]
        x_skipped, s_skipped = x_some[skipped], chosen[skipped]
        gained = importance[skipped] * (x_skipped**2 - (x_skipped - s_skipped) ** 2)
        gain.reshape(-1)[some[skipped]] = gained - chosen_bits[skipped]
        marks = gain.sum(1) > MARK_BITS
        unmarked = skipped & ~marks[some // x.shape[1]]
        chosen[unmarked] = 0
        chosen_bits[unmarked] = 0
        symbols.reshape(-1)[some] = chosen
        bits.reshape(-1)[some] = chosen_bits
        bits[(scales < SKIPPED_SCALES) & ~marks[:, None]] = 0
        return symbols, bits, marks

    def _go_on(self, staged: Staged) -> None:
        """Asks for the latents that hang on the first ones, all of which are decoded."""
        assert self._decoded is not None
        rest, worth = staged.rest(self._decoded.reshape(staged.first.shape))
        self._y = np.concatenate([self._y, rest.reshape(len(self._y), -1)], 1)
        self._importance = self._importance * np.ravel(worth)
        self._staged = self._decoded = None

    def _chosen(
        self, x: Float64, symbols: Float64, scales: ScaleIndices, importance: Float64
    ) -> tuple[Float64, Float32]:
        """The better of each symbol and the next one towards zero, and its bits; all (n,), none of the symbols 0."""
        smaller = symbols - np.sign(symbols)
        beyond = self._radius + 1
        index = np.clip(symbols, -beyond, beyond).astype(np.intp)
        saved = self._savings[scales, index + beyond]
        better = saved > importance * ((x - smaller) ** 2 - (x - symbols) ** 2)
        chosen = np.where(better, smaller, symbols)
        index = np.clip(chosen, -self._radius, self._radius).astype(np.intp)
        return chosen, self._bits[scales, index + self._radius]

    def finish(self) -> bytes:
        """How scale indices are skipped, a byte, and the coded words."""
        return bytes([MARKED | TRELLIS * (self._state is not None) | SKIPPED_SCALES]) + self._encoder.finish()


def choose(
    entropy: EntropyModel,
    y: Latents,
    quality: int,
    importance: Importance,
    tune: int = 0,
) -> tuple[Quantizer, Int32]:
    """All symbols of a plane, and the decoded latents (h*w, C) as coded, in sixteenths; arguments as of `Quantizer`."""
    height, width = importance.places.shape
    quantizer = Quantizer(entropy, y, importance)
    return quantizer, entropy.context.walk(height, width, quality, quantizer, tune=tune)
