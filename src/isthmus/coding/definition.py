"""The networks of an entropy model as data: passes in coding order, their layers, and the arrays that hold the weights.

The differentiable module (`isthmus.train.context`), the fixed-point runner (`isthmus.coding.fixed_point`), export and
import of weights, the check of model files, the counts of multiplications and the steps of deltas are all read off a
`Definition`; `isthmus.coding.kinds` has those that there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import lcm, prod
from typing import Literal, TypeVar

from isthmus.coding.boards import Board, count_phases
from isthmus.coding.formats import Format

T = TypeVar("T")
Window = tuple[int, int]
"""Positions around one: (rows, columns), odd."""

RESERVED = ("last", "linear", "quality", "tuned")
"""Names of layers and arrays that every pass has, or may have."""

Kind = Literal["lattice", "enter", "window", "pointwise", "output", "linear", "bias", "quality", "exponent", "fixed"]
"""What an array is for: arrays of one kind are rounded alike when a delta is written."""


@dataclass(frozen=True)
class Array:
    """One array of weights in a model file.

    Attributes:
        name: without the definition's prefix.
        shape: matrices are (inputs, outputs), for row vectors on their left.
        kind: what it is for.
        dtype: of the integers in the file; `isthmus.coding.weights` says what they count.
        layer: name of the layer that it belongs to, where it has one.
    """

    name: str
    shape: tuple[int, ...]
    kind: Kind
    dtype: Literal["int8", "int16", "int32"] = "int16"
    layer: str = ""


@dataclass(frozen=True)
class Input:
    """Features that enter a pass, and the matrix that takes them.

    Attributes:
        name: of the matrix.
        size: features a position.
    """

    name: str
    size: int


@dataclass(frozen=True)
class Block:
    """A residual layer: x + leaky(W x + b), x taken from a window of positions.

    Attributes:
        name: of its matrix and bias.
        window: positions that it sees.
    """

    name: str
    window: Window = (1, 1)

    @property
    def taps(self) -> int:
        """Positions in the window."""
        return prod(self.window)


@dataclass(frozen=True)
class Neighbourhood:
    """What passes see of their own group: the latents around a position that the group's earlier passes have coded.

    Attributes:
        near: name of the array of whole numbers by which the known ones are weighed in their mean, (taps,).
        window: where they lie.
        highpass: around a position, where the mean is taken that is taken off the group's latents before they become
            features of the groups after it; None where they become features as they are.
    """

    near: str
    window: Window
    highpass: Window | None

    def __post_init__(self) -> None:
        if any(side % 2 == 0 for side in (*self.window, *(self.highpass or ()))):
            raise ValueError(f"{self.near}: expected windows of odd sides, found {self.window} and {self.highpass}")

    @property
    def taps(self) -> int:
        """Positions in the window."""
        return prod(self.window)


@dataclass(frozen=True)
class Pass:
    """Latents that are coded at once, and the network that predicts their means and scale indices.

    Attributes:
        name: before the names of its arrays.
        group: the group of channels that is coded, by number.
        first, channels: the first of them, and how many.
        board: how positions are divided among passes.
        phase: which of those this pass codes.
        neighbours: where it sees the latents of its own group around each position, relative to their mean; a matrix
            `linear` then leads from them to the means. None where it sees features of the groups before instead, and
            of its own group at the positions that are coded already.
        width: outputs of every layer but the last.
        enter: name of the first layer, whose matrix may be stored in parts.
        inputs: those parts, in the order of the features.
        blocks: the layers that follow.
    """

    name: str
    group: int
    first: int
    channels: int
    board: Board
    phase: int
    neighbours: Neighbourhood | None
    width: int
    enter: str
    inputs: tuple[Input, ...]
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        layers = [self.enter, *(block.name for block in self.blocks), *RESERVED]
        if len(set(layers)) < len(layers):
            raise ValueError(f"{self.name}: expected layers of different names, none of {RESERVED}, found {layers}")
        for block in self.blocks:
            if any(side % 2 == 0 for side in block.window) or (self.neighbours and block.taps > 1):
                expected = "1x1, since only what is coded is computed" if self.neighbours else "odd sides"
                raise ValueError(f"{self.name}.{block.name}: expected a window of {expected}, found {block.window}")

    @property
    def slice(self) -> slice:
        """The channels that are coded."""
        return slice(self.first, self.first + self.channels)

    @property
    def ends(self) -> bool:
        """Whether it is the last of its group."""
        return self.phase == self.board.phases[-1]

    @property
    def features(self) -> int:
        """What enters at a position."""
        return sum(part.size for part in self.inputs)

    @property
    def spread(self) -> int:
        """How many of the blocks must be run at all positions, for the last block with a window to be run at one."""
        return max([i for i, block in enumerate(self.blocks) if block.taps > 1], default=0)

    @property
    def everywhere(self) -> bool:
        """Whether features are needed at all positions, not at those alone that are coded."""
        return any(block.taps > 1 for block in self.blocks)

    def matrices(self) -> Iterator[tuple[str, Kind, list[tuple[str, int]], int]]:
        """(layer, kind, parts of its matrix by name and rows, outputs) of every layer that has a bias."""
        within: Kind = "lattice" if self.neighbours else "pointwise"
        inputs = [(part.name, part.size) for part in self.inputs]
        yield self.enter, "lattice" if self.neighbours else "enter", inputs, self.width
        for block in self.blocks:
            kind: Kind = "window" if block.taps > 1 else within
            yield block.name, kind, [(block.name, block.taps * self.width)], self.width
        yield "last", "output", [("last", self.width)], 2 * self.channels

    def arrays(self, points: int, tuned: bool = False) -> Iterator[Array]:
        """All arrays of the pass, for so many quality points; tuned or not as `Definition` says."""
        for layer, kind, parts, outputs in self.matrices():
            for part, rows in parts:
                yield Array(f"{self.name}.{part}.weight", (rows, outputs), kind, "int8", layer)
            yield Array(f"{self.name}.{layer}.bias", (outputs,), "bias", "int32", layer)
            yield Array(f"{self.name}.{layer}.exponent", (outputs,), "exponent", "int8", layer)
        for name in ("quality", "tuned")[: 1 + tuned]:
            yield Array(f"{self.name}.{name}", (points, self.width), "quality", "int32", self.enter)
        if self.neighbours:
            # From differences of latents, which are no small numbers, straight to the means.
            shape = (self.neighbours.taps * self.channels, self.channels)
            yield Array(f"{self.name}.linear.weight", shape, "linear", "int16", "linear")

    def macs(self, height: int, width: int) -> int:
        """Multiplications on a plane of so many positions."""
        everywhere, coded = height * width, count_phases(self.board, height, width)[self.phase]
        total = (everywhere if self.everywhere else coded) * self.features * self.width
        for index, block in enumerate(self.blocks):
            total += (everywhere if index < self.spread else coded) * block.taps * self.width**2
        total += coded * self.width * 2 * self.channels
        if self.neighbours:
            total += coded * self.neighbours.taps * self.channels**2
        return total


@dataclass(frozen=True)
class Definition:
    """An entropy model's networks.

    Attributes:
        name: of its kind, which stands in model files.
        groups: channels coded together, in order.
        points: quality points between which the biases are interpolated.
        passes: in coding order: of every group, one for each phase of its board.
        form: of the numbers.
        tuned: whether every pass has a second set of biases, which count as far as the dial of tune is turned.
        prefix: before the names of its arrays in model files.
    """

    name: str
    groups: tuple[int, ...]
    points: int
    passes: tuple[Pass, ...]
    form: Format
    tuned: bool = False
    prefix: str = "context."

    def __post_init__(self) -> None:
        coded = [(group, list(passes)) for group, passes in groupby(self.passes, lambda one: one.group)]
        if [group for group, _ in coded] != list(range(len(self.groups))):
            raise ValueError(f"{self.name}: expected passes for {len(self.groups)} groups in turn")
        for group, passes in coded:
            board = passes[0].board
            if any(one.board != board for one in passes) or [one.phase for one in passes] != list(board.phases):
                raise ValueError(f"{passes[0].name}: expected a pass for each phase of one board, in order")
            for one in passes:
                self._check_features(one, sum(self.groups[:group]), self.groups[group])
        if len({one.neighbours for one in self.passes if one.neighbours}) > 1:
            raise ValueError(f"{self.name}: expected one neighbourhood")

    def _check_features(self, one: Pass, before: int, channels: int) -> None:
        if (one.first, one.channels) != (before, channels):
            raise ValueError(f"{one.name}: expected {channels} channels from {before}, found {one.channels}")
        # Of every channel: its companded latent and that one's magnitude.
        seen = one.neighbours.taps * (channels + 1) if one.neighbours else 2 * (before + channels * (one.phase > 0))
        if one.features != seen or not seen:
            raise ValueError(f"{one.name}: expected {seen or 'some'} features, found {one.features}")

    @property
    def latents(self) -> int:
        """Channels in all."""
        return sum(self.groups)

    @property
    def neighbours(self) -> Neighbourhood | None:
        """What passes see of their own group, if some do."""
        return next((one.neighbours for one in self.passes if one.neighbours), None)

    @property
    def multiple(self) -> tuple[int, int]:
        """Rows and columns of which a plane in training has a multiple: a board is then split into equal phases."""
        boards = [one.board for one in self.passes if not one.neighbours]
        return lcm(*(board.rows for board in boards)), lcm(*(board.columns for board in boards))

    def arrays(self) -> Iterator[Array]:
        """All arrays of the networks."""
        if self.neighbours:
            yield Array(self.neighbours.near, (self.neighbours.taps,), "fixed")
        for one in self.passes:
            yield from one.arrays(self.points, self.tuned)

    def own(self, stored: Mapping[str, T]) -> dict[str, T]:
        """Of the arrays of a model file those of the networks, by their names without the prefix."""
        return {key.removeprefix(self.prefix): one for key, one in stored.items() if key.startswith(self.prefix)}

    def stored(self, own: Mapping[str, T]) -> dict[str, T]:
        """Arrays of the networks by their names in a model file."""
        return {self.prefix + key: one for key, one in own.items()}

    def macs(self, height: int, width: int) -> int:
        """Multiplications on a plane of so many positions."""
        return sum(one.macs(height, width) for one in self.passes)
