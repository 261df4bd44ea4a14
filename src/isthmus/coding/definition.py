"""The networks of an entropy model as data: passes in coding order, their layers, and the arrays that hold the weights.

The differentiable module (`isthmus.train.context`), the fixed-point runner (`isthmus.coding.fixed_point`), export and
import of weights, the check of model files, the counts of multiplications and the steps of deltas are all read off a
`Definition`: to add a layer is to add a `Block` here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

from isthmus.coding.boards import Board, board_phases, count_phases
from isthmus.coding.formats import WORDS, Format

DC_CHANNELS = 3
"""Channels of the first group, which is coded on lattices: the DC coefficients of three colours."""
LATTICE_WINDOW = (5, 5)
"""Positions around one that a pass over a lattice sees."""

Kind = Literal["lattice", "enter", "window", "pointwise", "output", "linear", "bias", "quality", "exponent", "fixed"]
"""What an array is for: arrays of one kind are rounded alike when a delta is written."""


@dataclass(frozen=True)
class Array:
    """One array of weights in a model file.

    Attributes:
        name: without the prefix `context.`.
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
        window: positions that it sees, (rows, columns), odd.
    """

    name: str
    window: tuple[int, int] = (1, 1)

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
        neighbours: whether it sees the latents of its own group around each position, relative to their mean, instead
            of features of the groups before; a matrix `linear` then leads from them to the means.
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
    neighbours: bool
    width: int
    enter: str
    inputs: tuple[Input, ...]
    blocks: tuple[Block, ...]

    @property
    def slice(self) -> slice:
        """The channels that are coded."""
        return slice(self.first, self.first + self.channels)

    @property
    def ends(self) -> bool:
        """Whether it is the last of its group."""
        return self.phase == board_phases(self.board)[-1]

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

    def arrays(self, points: int, form: Format) -> Iterator[Array]:
        """All arrays of the pass, for so many quality points."""
        words = form.weight_bits is not None
        for layer, kind, parts, outputs in self.matrices():
            for part, rows in parts:
                yield Array(f"{self.name}.{part}.weight", (rows, outputs), kind, "int16" if words else "int8", layer)
            # Scale indices reach 63, beyond what a weight may be.
            wide = not words or layer == "last"
            yield Array(f"{self.name}.{layer}.bias", (outputs,), "bias", "int32" if wide else "int16", layer)
            if not words:
                yield Array(f"{self.name}.{layer}.exponent", (outputs,), "exponent", "int8", layer)
        yield Array(f"{self.name}.quality", (points, self.width), "quality", "int16" if words else "int32", self.enter)
        if self.neighbours:
            # From differences of latents, which are no small numbers, straight to the means.
            shape = (prod(LATTICE_WINDOW) * self.channels, self.channels)
            yield Array(f"{self.name}.linear.weight", shape, "linear", "int16", "linear")

    def macs(self, height: int, width: int) -> int:
        """Multiplications on a plane of so many positions."""
        everywhere, coded = height * width, count_phases(self.board, height, width)[self.phase]
        total = (everywhere if self.everywhere else coded) * self.features * self.width
        for index, block in enumerate(self.blocks):
            total += (everywhere if index < self.spread else coded) * block.taps * self.width**2
        total += coded * self.width * 2 * self.channels
        if self.neighbours:
            total += coded * prod(LATTICE_WINDOW) * self.channels**2
        return total


@dataclass(frozen=True)
class Definition:
    """An entropy model's networks.

    Attributes:
        groups: channels coded together, in order.
        points: quality points between which the biases are interpolated.
        passes: in coding order.
        form: of the numbers.
    """

    groups: tuple[int, ...]
    points: int
    passes: tuple[Pass, ...]
    form: Format = WORDS

    @property
    def latents(self) -> int:
        """Channels in all."""
        return sum(self.groups)

    def arrays(self) -> Iterator[Array]:
        """All arrays of the networks."""
        yield Array("dc.near", (prod(LATTICE_WINDOW),), "fixed")
        for one in self.passes:
            yield from one.arrays(self.points, self.form)

    def macs(self, height: int, width: int) -> int:
        """Multiplications on a plane of so many positions."""
        return sum(one.macs(height, width) for one in self.passes)


def lattices_and_boards(
    groups: tuple[int, ...], points: int, lattice_width: int, width: int, form: Format = WORDS
) -> Definition:
    """The entropy model of pictures: five passes over ever finer lattices for the first group, seen by their known
    neighbours; then for each group two halves of a checkerboard (He et al., "Checkerboard context model", CVPR 2021),
    from all groups before it (Minnen and Singh, ICIP 2020) and, in the second half, from the first.

    Args:
        groups: channels coded together, in order.
        points: quality points.
        lattice_width: width of the networks of the first group.
        width: of the others.
        form: of the numbers.
    """
    taps, n = prod(LATTICE_WINDOW), groups[0]
    passes = [
        Pass(
            name=f"dc.{phase}",
            group=0,
            first=0,
            channels=n,
            board="lattices",
            phase=phase,
            neighbours=True,
            width=lattice_width,
            enter="first",
            inputs=(Input("first", taps * (n + 1)),),
            blocks=(Block("second"),),
        )
        for phase in board_phases("lattices")
    ]
    for group, channels in enumerate(groups[1:], 1):
        before = sum(groups[:group])
        for phase in board_phases("checkerboard"):
            half = (Input("half", 2 * channels),) if phase else ()
            passes.append(
                Pass(
                    name=f"ac.{group}.{phase}",
                    group=group,
                    first=before,
                    channels=channels,
                    board="checkerboard",
                    phase=phase,
                    neighbours=False,
                    width=width,
                    enter="project",
                    inputs=(Input("known", 2 * before), *half),
                    blocks=(Block("spatial", (3, 3)), Block("mix")),
                )
            )
    return Definition(groups, points, tuple(passes), form)


def definition_of(
    groups: tuple[int, ...], points: int, shapes: Mapping[str, tuple[int, ...]], form: Format = WORDS
) -> Definition:
    """The definition of stored networks: their widths are read off the shapes of their arrays, 0 where one is missing.

    Args:
        shapes: by the arrays' names, without the prefix `context.`.
        form: of their numbers.
    """
    widths = [(shapes.get(f"{name}.quality") or (0,))[-1] for name in ("dc.0", "ac.1.0")]
    return lattices_and_boards(groups, points, widths[0], widths[1], form)
