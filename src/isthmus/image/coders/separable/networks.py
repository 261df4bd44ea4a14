"""The synthesis networks of a model: which arrays they consist of, how far they look.

What costs time runs in products of 8 bits: weights of 7 bits with a unit for each output, activations of 8 with a step
for each quality point, which training learned (Esser et al., "Learned step size quantization", ICLR 2020). What blocks
add to is kept in float32. Channels come last throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import BYTES
from isthmus.errors import ModelError
from isthmus.image.grid import BLOCK
from isthmus.model.check import Spec
from isthmus.model.model import Model

Arrays = Mapping[str, npt.NDArray[Any]]
Array = tuple[str, tuple[int | None, ...]]
"""Dtype and shape."""

SQUARE = 4
"""Side in pixels of what the finer network has a position for."""
ACROSS = BLOCK // SQUARE
"""Positions of the finer network along a block."""
COLOURS = 3
TAPS = 9
"""Of windows of 3x3 positions."""
SAMPLES = COLOURS * SQUARE**2
LARGEST = BYTES.weight_limit
"""Magnitude of a weight: sums of two products then fit 16 bits, in which some processors add them."""
MAX_HALO = 32
"""Latent positions. Half a tile: more than a neighbouring tile is never looked at, and what a model may cost has an
end."""
MAX_WIDTH, MAX_GRID_WIDTH = 4096, 256
"""Channels of a layer at 1/16 and on the grid: a tile's take memory with them."""
NEAR = (3, 3)
"""Positions whose mean is taken off the DC coefficients before the network at 1/16 sees them."""


@dataclass(frozen=True)
class Shape:
    """How wide and deep a model's networks are.

    Attributes:
        latents, points: of the entropy model.
        width, hidden, blocks: channels and residual blocks at 1/16, and channels within such a block.
        corrected: coefficients, from the first, that are corrected.
        grid_width, grid_hidden, grid_blocks: the same on the 1/4 grid.
    """

    latents: int
    points: int
    width: int
    hidden: int
    blocks: int
    corrected: int
    grid_width: int
    grid_hidden: int
    grid_blocks: int

    @property
    def halo(self) -> int:
        """Latent positions around a window within which what lies there has a say in its pixels."""
        # One for the mean brightness around, and one a block; in pixels, a position of the grid for each of its blocks,
        # and the rest of the square that the last one ends in.
        trunk, grid = 1 + self.blocks, SQUARE * self.grid_blocks + SQUARE - 1
        # A pixel is in the windows of the positions from a block and a half before it to half a block after it.
        return trunk + (grid + BLOCK + BLOCK // 2 - 1) // BLOCK

    def spec(self) -> Spec:
        """What a model file has of them."""
        width, grid = self.width, self.grid_width
        found: dict[str, Array] = {
            **_layer("trunk.enter", (self.latents + 1, width)),
            "trunk.quality": ("float32", (self.points, width)),
            "trunk.tuned": ("float32", (self.points, width)),
            "trunk.steps": ("float32", (self.points,)),
            **_layer("trunk.correct", (width, self.corrected)),
            **_layer("grid.leave", (width, ACROSS**2 * grid)),
            "grid.pixels.weight": ("float32", (SAMPLES, grid)),
            "grid.pixels.bias": ("float32", (grid,)),
            "grid.last.weight": ("float32", (grid, SAMPLES)),
            "grid.last.bias": ("float32", (SAMPLES,)),
        }
        for index in range(self.blocks):
            found |= _layer(f"trunk.{index}.depthwise", (TAPS, width), self.points)
            found |= _layer(f"trunk.{index}.expand", (width, self.hidden), self.points)
            found |= _layer(f"trunk.{index}.reduce", (self.hidden, width))
        for index in range(self.grid_blocks):
            found |= _layer(f"grid.{index}.spatial", (TAPS * grid, self.grid_hidden), self.points)
            found |= _layer(f"grid.{index}.mix", (self.grid_hidden, grid))
        return found


def _layer(name: str, shape: tuple[int, int], points: int = 0) -> dict[str, Array]:
    """Of a layer of 8 bits; those with windows have steps of what enters and of what leaves, at each quality point."""
    own: dict[str, Array] = {
        f"{name}.weight": ("int8", shape),
        f"{name}.unit": ("float32", shape[1:]),
        f"{name}.bias": ("float32", shape[1:]),
    }
    return own | ({f"{name}.steps": ("float32", (2, points))} if points else {})


@lru_cache(maxsize=8)
def shape_of(model: Model) -> Shape:
    """The shape of a model's networks, from those of its arrays.

    Raises:
        ModelError: an array that it is read from is missing or has another number of axes, or the networks are wider,
            or look farther, than any that are decoded with.
    """
    arrays = model.arrays
    try:
        width, corrected = arrays["trunk.correct.weight"].shape
        (grid_width,) = arrays["grid.pixels.bias"].shape
        blocks = _count(arrays, "trunk.", ".depthwise.weight")
        grid_blocks = _count(arrays, "grid.", ".spatial.weight")
        hidden, _ = arrays["trunk.0.reduce.weight"].shape if blocks else (1, width)
        grid_hidden, _ = arrays["grid.0.mix.weight"].shape if grid_blocks else (1, grid_width)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"model {model.name} has no synthesis networks",
            expected="their arrays",
            got=f"none that fits: {error}",
            hint="It may be of a version before the first release: train it anew with --from best.",
        ) from error
    latents, points = model.latents, model.definition.points
    shape = Shape(latents, points, width, hidden, blocks, corrected, grid_width, grid_hidden, grid_blocks)
    widths = (width, hidden, MAX_WIDTH), (grid_width, grid_hidden, MAX_GRID_WIDTH), (corrected, 1, latents)
    if any(not 1 <= one <= most for *some, most in widths for one in some):
        found = f"{width}, {hidden}, {grid_width}, {grid_hidden} and {corrected}"
        expected = f"1 to {MAX_WIDTH} channels at 1/16, {MAX_GRID_WIDTH} on the grid, and {latents} corrections"
        raise ModelError(f"model {model.name} has synthesis networks of other widths", expected=expected, got=found)
    if shape.halo > MAX_HALO:
        expected = f"at most {MAX_HALO} positions"
        raise ModelError("the model's networks look too far around", expected=expected, got=shape.halo)
    return shape


def _count(arrays: Arrays, network: str, layer: str) -> int:
    return sum(name.startswith(network) and name.endswith(layer) for name in arrays)


def check_values(model: Model) -> None:
    """Raises ModelError unless the numbers of a model's networks, whose shapes are right, can be computed with."""
    for name in shape_of(model).spec():
        values = model.arrays[name]
        if values.dtype == np.int8:
            holds, expected = np.abs(values.astype(np.int16)) <= LARGEST, f"within +-{LARGEST}"
        elif name.endswith((".unit", ".steps")):
            holds, expected = np.isfinite(values) & (values > 0), "positive numbers"
        else:
            holds, expected = np.isfinite(values), "finite numbers"
        if not np.all(holds):
            raise ModelError(f"model {model.name}: {name}", expected=expected, got="others")
