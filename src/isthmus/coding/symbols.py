"""The choice of symbols: by rate and distortion, pass by pass, given how much an error counts at each position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import Float64, ScaleIndices
from isthmus.coding.range_coder import Int32, SymbolEncoder

Float32 = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]

SKIPPED_SCALES = 4
"""Symbols of the lowest scale indices are almost surely zero, and most symbols are theirs: they are not coded where
that pays."""
LOST_BITS, LOST_SHARE = 100.0, 0.005
"""Skipping is given up where it has lost this much at one position after any pass, or in the end this share of the
whole plane."""


@dataclass(frozen=True)
class Coded:
    """What was coded in one pass.

    Attributes:
        scales: (P, n) uint8.
        symbols: (n * P,) int32, channel by channel; zero where they are skipped.
    """

    scales: ScaleIndices
    symbols: Int32


def by_channel(scales: ScaleIndices) -> ScaleIndices:
    """(n * P,): the scale indices (P, n) of a pass in the order of coding, every channel in turn.

    Neighbours in the plane stay neighbours in the stream.
    """
    return np.ascontiguousarray(scales.T).reshape(-1)


@dataclass(frozen=True)
class Staged:
    """Latents of which those of the later groups hang on what the first ones are decoded to.

    Attributes:
        first: (h, w, n) float32 in steps, those of the first groups.
        shape: (h, w, C), of all.
        rest: rest(decoded first (h, w, n) float64) -> (h, w, C - n) float32 in steps.
    """

    first: Float32
    shape: tuple[int, int, int]
    rest: Callable[[Float64], Float32]


Latents = Float32 | Staged
"""(h, w, C) float32 in steps, or what becomes that on the way."""


class SkippingCostsTooMuch(Exception):
    """Skipping would lose so much at one position that there is no need to look at the rest of the plane."""


class Quantizer:
    """Chooses the symbols of one plane, pass by pass, and codes them: rate-distortion optimised quantization, greedy.

    Args:
        entropy: codes the latents.
        y: (h, w, C) latents in steps.
        importance: (h, w) float64, the price, in bits, of a squared error of one step at each position.
        skipped: symbols of scale indices below this are not coded; they are zero.
    """

    def __init__(
        self,
        entropy: EntropyModel,
        y: Latents,
        importance: npt.NDArray[np.float64],
        skipped: int = SKIPPED_SCALES,
    ):
        self._staged = y if isinstance(y, Staged) else None
        if isinstance(y, Staged):
            self._decoded = np.zeros((y.shape[0] * y.shape[1], y.first.shape[2]))
            self._y = y.first.reshape(self._decoded.shape)
        else:
            self._y = y.reshape(-1, y.shape[2])
        self._importance = importance.reshape(-1)
        self._encoder = SymbolEncoder(entropy.tables)
        self._bits, self._savings = entropy.tables.bits, entropy.tables.savings
        self._radius = self._bits.shape[1] // 2
        self._skipped = skipped
        zero_bits = self._bits[:, self._radius]
        is_skipped = np.arange(len(zero_bits)) < skipped
        self._zero_bits = np.where(is_skipped, np.float32(0), zero_bits)
        self._zero_gain = np.where(is_skipped, -zero_bits, np.float32(0))
        self.coded: list[Coded] = []
        """Pass by pass."""
        self.spent = np.zeros(len(self._y))
        """Bits by position, by the tables."""
        self.lost = np.zeros(len(self._y))
        """Bits, by position, that coding what is skipped would have gained, less what it would have cost."""

    def __call__(self, channels: slice, at: Index, means: Float64, scales: ScaleIndices) -> Float64:
        """Codes one pass; see `isthmus.coding.fixed_point.Code`.

        Raises:
            SkippingCostsTooMuch: symbols are skipped, and that will not do.
        """
        if self._staged and channels.stop > self._y.shape[1]:
            self._go_on(self._staged)
        x = self._y[at, channels] - means
        symbols = np.rint(x)
        bits = self._zero_bits[scales]
        # Most symbols are zero already, and there is nothing to choose.
        some = np.flatnonzero(symbols != 0)
        x_some, scales_some = x.reshape(-1)[some], scales.reshape(-1)[some]
        importance = self._importance[at].take(some // x.shape[1])
        chosen, chosen_bits = self._chosen(x_some, symbols.reshape(-1)[some], scales_some, importance)
        if self._skipped:
            skipped = scales_some < self._skipped
            gain = self._zero_gain[scales]
            x_skipped, s_skipped = x_some[skipped], chosen[skipped]
            gained = importance[skipped] * (x_skipped**2 - (x_skipped - s_skipped) ** 2)
            gain.reshape(-1)[some[skipped]] = gained - chosen_bits[skipped]
            self.lost[at] += gain.sum(1)
            # Most planes that show this do so in the first passes. Skipped zeros of later ones win back a bit or two.
            if self.lost[at].max() > LOST_BITS:
                raise SkippingCostsTooMuch
            chosen[skipped] = 0
            chosen_bits[skipped] = 0
        symbols.reshape(-1)[some] = chosen
        bits.reshape(-1)[some] = chosen_bits
        self.spent[at] += bits.sum(1)
        coded = Coded(scales, np.ascontiguousarray(symbols.T, np.int32).reshape(-1))
        self._encoder.encode(coded.symbols, by_channel(scales), self._skipped)
        self.coded.append(coded)
        decoded = np.asarray(np.add(symbols, means, out=symbols))
        if self._staged:
            self._decoded[at, channels] = decoded
        return decoded

    def _go_on(self, staged: Staged) -> None:
        """Asks for the latents that hang on the first ones, all of which are decoded."""
        height, width, channels = staged.shape
        rest = staged.rest(self._decoded.reshape(height, width, -1))
        self._y = np.concatenate([self._y, rest.reshape(len(self._y), -1)], 1)
        assert self._y.shape[1] == channels
        self._staged = None

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

    def skips_too_much(self) -> bool:
        """True if skipping loses a little everywhere of what should be seen."""
        return bool(self.lost.sum() > LOST_SHARE * self.spent.sum())

    def finish(self) -> bytes:
        """The number of scale indices that are skipped, a byte, and the coded words."""
        return bytes([self._skipped]) + self._encoder.finish()


def choose(
    entropy: EntropyModel, y: Latents, quality: int, importance: npt.NDArray[np.float64]
) -> tuple[Quantizer, Float64]:
    """All symbols of a plane, with the cheapest of what is safe to skip, and the decoded latents (h*w, C)."""
    height, width, _ = y.shape
    quantizer = Quantizer(entropy, y, importance)
    try:
        decoded = entropy.context.walk(height, width, quality, quantizer)
        if not quantizer.skips_too_much():
            return quantizer, decoded
    except SkippingCostsTooMuch:
        pass
    # An unusual plane: coding what would be skipped pays.
    quantizer = Quantizer(entropy, y, importance, skipped=0)
    return quantizer, entropy.context.walk(height, width, quality, quantizer)
