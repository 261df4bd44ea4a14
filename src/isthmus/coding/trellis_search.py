"""The best path through a trellis: the symbols of a pass whose errors and bits together cost least.

The Viterbi algorithm, in pieces of the sequence side by side. In which states the pieces meet is found first, from the
symbols around each joint alone: the code forgets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.coding.trellis import FEEDBACK, FORWARD, MEMORY, SYMBOL_STEP

Float32 = npt.NDArray[np.float32]
UInt32 = npt.NDArray[np.uint32]
Index = npt.NDArray[np.intp]

STATES = 1 << MEMORY
BLOCK = 12
"""Symbols whose parities stand beside the cost of a path in one number."""
PIECE = 21 * BLOCK
"""Symbols of a piece."""
AROUND = 4 * BLOCK
"""Symbols before and behind a joint that say in which state the best path passes it."""
COSTS_PER_BIT = 32
MOST = 24 * COSTS_PER_BIT
"""By which a branch may be dearer than a symbol's cheapest one; beyond, it costs no more."""
LARGEST_ERROR = 1.5
"""Squared steps that `MOST` has room for; where errors are worth too much for that, costs have larger units."""
NEVER = 200 * COSTS_PER_BIT
"""What a path costs at first that begins in another state than it must: more than any way from there to any state."""
_COST = MEMORY + BLOCK
"""Bits of a path below its cost: the state that a block begins in, and the parities of its symbols."""
_STEP = np.float32(SYMBOL_STEP)


def _code() -> tuple[Index, Index]:
    """(4, STATES): the state from which two symbols of the parities p and q lead to each, in row p + 2q; and
    (2 * STATES,): where a symbol leads from each, for twice the state and the parity."""
    state = np.arange(STATES)
    quantizer = state >> (MEMORY - 1)
    fed = state ^ quantizer * (FEEDBACK >> 1)
    before = [(fed ^ parity * (FORWARD >> 1)) * 2 + quantizer for parity in range(2)]
    after = np.empty(2 * STATES, np.intp)
    for parity in range(2):
        after[2 * before[parity] + parity] = state
    return np.stack([before[first].take(before[second]) for second in range(2) for first in range(2)]), after


_BEFORE, _AFTER = _code()
_PAIRS = 4 * np.arange(4)[:, None] + (np.arange(STATES) >> MEMORY - 2)
"""(4, STATES): which of 16 pairs of branches leads to each state, by parities and quantizers."""


class Branches(NamedTuple):
    """What each symbol may become: the best even and the best odd one of either quantizer.

    Attributes:
        symbols: (2, 2, n) float32, by quantizer and parity.
        costs: (2, 2, n) float32, bits with what the error is worth.
        bits: (2, 2, n) float32.
    """

    symbols: Float32
    costs: Float32
    bits: Float32


def branches(x: Float32, scales: npt.NDArray[np.uint8], worth: Float32, bits: Float32) -> Branches:
    """The branches of latents x (n,), in steps from their means.

    Args:
        scales: (n,), their tables.
        worth: (n,), bits that a squared error of a step is worth.
        bits: (tables, 2m + 1): those of the symbols -m..m, about alike for a symbol and its negative.
    """
    n, most = len(x), bits.shape[1] // 2
    sign = np.copysign(np.float32(1), x)
    size = np.abs(x) / _STEP
    row = scales.astype(np.intp) * bits.shape[1] + most
    flat = bits.reshape(-1)
    symbols, costs, spent = (np.empty((2, 2, n), np.float32) for _ in range(3))
    zero_bits = flat.take(row)
    zero = zero_bits + worth * x * x
    for quantizer in range(2):
        # Of the second one symbol k has the value 2k - 1.
        shifted = size + np.float32(0.5 * quantizer)
        below = np.floor(shifted)
        odd_below = below.astype(np.int32) & 1
        for parity in range(2):
            k = below + (odd_below ^ parity)
            value = k - np.float32(0.5 * quantizer) * (k > 0)
            error = (size - value) * _STEP
            at = np.minimum(k, most).astype(np.intp)
            spent[quantizer, parity] = flat.take(row + at)
            costs[quantizer, parity] = spent[quantizer, parity] + worth * error * error
            symbols[quantizer, parity] = k * sign
        nothing = zero < costs[quantizer, 0]
        np.copyto(costs[quantizer, 0], zero, where=nothing)
        np.copyto(spent[quantizer, 0], zero_bits, where=nothing)
        symbols[quantizer, 0][nothing] = 0
    return Branches(symbols, costs, spent)


def _whole(costs: Float32, worth: Float32) -> UInt32:
    """(2, 2, n): costs (2, 2, n) beyond those of each symbol's cheapest branch, in 32nds of a bit; in larger units, for
    all of them alike, where an error is worth (n,) too much for that."""
    beyond = costs - costs.min((0, 1))
    dearest = LARGEST_ERROR * float(worth.max())
    beyond *= MOST / max(dearest, MOST / COSTS_PER_BIT)
    beyond += np.float32(0.5)
    return np.asarray(np.minimum(beyond, MOST, out=beyond), np.uint32)


def _forward(costs: UInt32, total: UInt32) -> UInt32:
    """Goes on in all pieces at once, two symbols at a time.

    The costs `total` (STATES, B) of the best path to each state become those behind the last symbol.

    Cost and parities of a path are one number, so that the lesser of two is the cheaper path with all that it passed.
    The two upper bits of a state are the quantizers of the last two symbols, the later one's first: the code's feedback
    leaves the lower one of them alone.

    Args:
        costs: (steps, 2, 2, B), by parity and quantizer; the steps are whole blocks.

    Returns:
        Of the best path to each state, the state in which it began the block and the parities since, (blocks, STATES,
        B): the lowest bits of a number each.
    """
    steps, pieces = len(costs), total.shape[1]
    branches = costs << _COST
    branches[:, 1] += (1 << MEMORY + np.arange(steps) % BLOCK).astype(np.uint32)[:, None, None]
    first, second = branches[0::2, None, :, None], branches[1::2, :, None, :, None]
    pairs = (first + second).reshape(steps // 2, 16, pieces)
    passed = np.empty((steps // BLOCK, STATES, pieces), np.uint32)
    ways, spent = np.empty((2, 4, STATES, pieces), np.uint32)
    even, odd = ways[:2], ways[2:]
    best, other = even
    own = np.arange(STATES, dtype=np.uint32)[:, None]
    for block, kept in enumerate(passed):
        total -= total.min(0)
        total <<= _COST
        total |= own
        for pair in pairs[block * BLOCK // 2 : (block + 1) * BLOCK // 2]:
            total.take(_BEFORE, 0, out=ways, mode="clip")
            pair.take(_PAIRS, 0, out=spent, mode="clip")
            ways += spent
            np.minimum(even, odd, out=even)
            np.minimum(best, other, out=total)
        np.bitwise_and(total, (1 << _COST) - 1, out=kept)
        total >>= _COST
    return passed


def _back(passed: UInt32, state: Index) -> tuple[Index, UInt32]:
    """From the states (B,) at the end to the beginning: the states (blocks, B) in which the blocks begin, and the
    parities (blocks, B) of their symbols, a bit each."""
    pieces = np.arange(len(state))
    states, parities = np.empty((len(passed), len(state)), np.intp), np.empty((len(passed), len(state)), np.uint32)
    for block in range(len(passed) - 1, -1, -1):
        path = passed[block, state, pieces]
        parities[block] = path >> MEMORY
        states[block] = state = (path & (STATES - 1)).astype(np.intp)
    return states, parities


def _joints(costs: UInt32, begin: Index) -> Index:
    """(B - 1,): the states in which the best path begins all pieces but the first.

    Args:
        costs: (2, 2, n), by parity and quantizer.
        begin: (B,): where the pieces begin.
    """
    at = begin[1:] + np.arange(-AROUND, AROUND)[:, None]
    around = costs.take(at, 2, mode="clip").transpose(2, 0, 1, 3)
    total = np.zeros((STATES, len(begin) - 1), np.uint32)
    passed = _forward(np.ascontiguousarray(around), total)
    states, _ = _back(passed[AROUND // BLOCK :], total.argmin(0))
    return np.asarray(states[0])


class Path(NamedTuple):
    """The best path.

    Attributes:
        symbols: (n,) float32.
        quantizers: (n,) uint8, which of the two each symbol has.
        bits: (n,) float32, what they cost.
        state: in which it ends.
    """

    symbols: Float32
    quantizers: npt.NDArray[np.uint8]
    bits: Float32
    state: int


def best_path(x: Float32, scales: npt.NDArray[np.uint8], worth: Float32, bits: Float32, state: int = 0) -> Path:
    """The symbols of latents whose errors and bits cost least together.

    Args:
        x: (n,), in steps, less their means.
        scales: (n,): the tables of their symbols.
        worth: (n,): bits that a squared error of one step is worth.
        bits: (tables, 2m + 1): bits of the symbols -m..m.
        state: in which the path begins.
    """
    n = len(x)
    if not n:
        nothing = np.empty(0, np.float32)
        return Path(nothing, np.empty(0, np.uint8), nothing, state)
    found = branches(x, scales, worth, bits)
    piece = min(-(-n // BLOCK) * BLOCK, PIECE)
    pieces = -(-n // piece)
    # Beyond the last symbol nothing costs anything, so the last piece ends where that symbol ends best.
    costs = np.zeros((2, 2, pieces * piece), np.uint32)
    costs[:, :, :n] = _whole(found.costs, worth).transpose(1, 0, 2)
    begin = np.arange(0, pieces * piece, piece)
    starts = np.concatenate([[state], _joints(costs, begin)]) if pieces > 1 else np.array([state])
    total = np.full((STATES, pieces), NEVER, np.uint32)
    total[starts, np.arange(pieces)] = 0
    passed = _forward(np.ascontiguousarray(costs.reshape(2, 2, pieces, piece).transpose(3, 0, 1, 2)), total)
    states, branch = _symbol_by_symbol(*_back(passed, np.append(starts[1:], total[:, -1].argmin())))
    at = branch[:n] * n + np.arange(n)
    symbols, spent = (one.reshape(-1).take(at) for one in (found.symbols, found.bits))
    return Path(symbols, (branch[:n] >> 1).astype(np.uint8), spent, int(states[n]))


def _symbol_by_symbol(states: Index, parities: UInt32) -> tuple[Index, Index]:
    """The states before each symbol and after the last, (n + 1,), and the branches taken (n,), as 2 * quantizer +
    parity, from what `_back` returns for pieces that follow each other."""
    passed, taken = (np.empty((*states.T.shape, BLOCK), np.intp) for _ in range(2))
    state, left = states.T, parities.T.astype(np.intp)
    for step in range(BLOCK):
        parity = left >> step & 1
        passed[:, :, step], taken[:, :, step] = state, 2 * (state & 1) + parity
        state = _AFTER.take(2 * state + parity)
    return np.append(passed.reshape(-1), state[-1, -1]), taken.reshape(-1)
