"""The synthesis networks of a model: which arrays they consist of, how far they look, and their graphs for the engine.

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

from isthmus.coding.formats import MEAN_STEPS, SLOPE
from isthmus.errors import ModelError
from isthmus.image.coders.separable.transform import MIDDLE
from isthmus.image.grid import BLOCK
from isthmus.model.check import Spec
from isthmus.model.graph_writing import ENGINE, GraphWriter
from isthmus.model.model import Model

Arrays = Mapping[str, npt.NDArray[Any]]
Float32 = npt.NDArray[np.float32]

SQUARE = 4
"""Side in pixels of what the finer network has a position for."""
ACROSS = BLOCK // SQUARE
"""Positions of the finer network along a block."""
COLOURS = 3
TAPS = 9
"""Of windows of 3x3 positions."""
SAMPLES = COLOURS * SQUARE**2
ZERO = 128
"""What is added to numbers of 8 bits that have a sign."""
LARGEST = 63
"""Magnitude of a weight: sums of two products then fit 16 bits, in which some processors add them."""
MAX_BLOCKS = 64
"""Of either network; what a model may cost has an end."""
MAX_WIDTH = 4096
"""Channels of a layer."""


@dataclass(frozen=True)
class Shape:
    """Of the networks of a model.

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
        found: dict[str, tuple[str, tuple[int | None, ...]]] = {
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


def _layer(name: str, shape: tuple[int, int], points: int = 0) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    """Of a layer of 8 bits; those with windows have steps of what enters and of what leaves, at each quality point."""
    own: dict[str, tuple[str, tuple[int | None, ...]]] = {
        f"{name}.weight": ("int8", shape),
        f"{name}.unit": ("float32", shape[1:]),
        f"{name}.bias": ("float32", shape[1:]),
    }
    return own | ({f"{name}.steps": ("float32", (2, points))} if points else {})


@lru_cache(maxsize=8)
def shape_of(model: Model) -> Shape:
    """The shape of a model's networks, from those of its arrays.

    Raises:
        ModelError: an array that says it is missing, or the networks are larger than any that are decoded with.
    """
    arrays = model.arrays
    try:
        width, corrected = arrays["trunk.correct.weight"].shape
        (grid_width,) = arrays["grid.pixels.bias"].shape
        blocks = _count(arrays, "trunk.", ".depthwise.weight")
        grid_blocks = _count(arrays, "grid.", ".spatial.weight")
        hidden = arrays["trunk.0.reduce.weight"].shape[0] if blocks else 0
        grid_hidden = arrays["grid.0.mix.weight"].shape[0] if grid_blocks else 0
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"model {model.name} has no synthesis networks", expected="their arrays", got=f"none that fits: {error}"
        ) from error
    latents, points = model.latents, model.definition.points
    shape = Shape(latents, points, width, hidden, blocks, corrected, grid_width, grid_hidden, grid_blocks)
    widest = max(width, hidden, corrected, grid_width, grid_hidden)
    if corrected > latents or max(blocks, grid_blocks) > MAX_BLOCKS or widest > MAX_WIDTH:
        expected = f"at most {MAX_BLOCKS} blocks, {MAX_WIDTH} channels and {latents} corrections"
        raise ModelError(f"model {model.name} has other synthesis networks", expected=expected, got=shape)
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


class _Writer:
    """Layers of a network where the quality dial stands: the engine wants steps to be constants."""

    def __init__(self, arrays: Arrays, quality: Float32):
        self.graph, self._arrays, self._quality = GraphWriter(), arrays, quality
        self._zero = self.constant(ZERO, np.uint8)
        self._none = self.constant(0, np.uint8)

    def constant(self, values: Any, dtype: type[np.generic] = np.float32) -> str:
        return self.graph.constant(np.asarray(values, dtype))

    def sides(self, *values: int) -> str:
        """A shape, or axes."""
        return self.constant(values, np.int64)

    def float_layer(self, name: str, x: str, step: str, bias: str | None = None, signed: bool = True) -> str:
        """Products over channels of activations (..., n) uint8 of a step -> (..., m) float32.

        Args:
            bias: instead of the layer's own.
        """
        bias = bias or self.constant(self._arrays[f"{name}.bias"])
        weight, unit = self.graph.constant(self._arrays[f"{name}.weight"]), self.constant(self._arrays[f"{name}.unit"])
        zero = self._zero if signed else self._none
        return self.graph.add("MatMulIntegerToFloat", x, weight, step, unit, zero, "", bias, domain=ENGINE)

    def window_layer(self, name: str, x: str, side: int, groups: int = 1, rectified: bool = False) -> str:
        """A convolution over (1, h, w, n) float32, of 8 bits -> (1, h, w, m) uint8 of the second of its steps: what is
        negative is 0, or numbers with a sign."""
        arrays, graph = self._arrays, self.graph
        matrix, unit, bias = (arrays[f"{name}.{part}"] for part in ("weight", "unit", "bias"))
        before, after = self._at_quality(f"{name}.steps")
        kernel = np.ascontiguousarray(matrix.T.reshape(matrix.shape[1], side, side, -1).transpose(0, 3, 1, 2))
        whole = np.rint(bias / (before.astype(np.float64) * unit)).clip(-(2.0**30), 2.0**30)
        seen = graph.add("QuantizeLinear", x, self.constant(before), self._zero)
        out = (self.constant(after), self._none if rectified else self._zero)
        weight = (graph.constant(kernel), self.constant(unit), self.constant(np.zeros(len(unit)), np.int8))
        inputs = (seen, self.constant(before), self._zero, *weight, *out, self.constant(whole, np.int32))
        sides, pads = (side, side), (side // 2,) * 4
        shape = {"kernel_shape": sides, "pads": pads}
        return graph.add("QLinearConv", *inputs, domain=ENGINE, group=groups, channels_last=1, **shape)

    def step(self, name: str) -> str:
        """Of what a window layer makes."""
        return self.constant(self._at_quality(f"{name}.steps")[1])

    def hidden_step(self) -> str:
        """Of what the network at 1/16 hands on."""
        return self.constant(self._at_quality("trunk.steps"))

    def _at_quality(self, name: str) -> Float32:
        """Steps (..., points) between those of the quality points."""
        return np.asarray(np.exp(np.log(self._arrays[name]) @ self._quality), np.float32)


def trunk_graph(model: Model, quality: Float32) -> npt.NDArray[np.uint8]:
    """The network at 1/16 as an ONNX file, for weights (points,) of the quality points.

    Inputs: features (h, w, C + 1) uint8 about `ZERO`, in sixteenths, and bias (W,) float32. Outputs: corrections
    (h, w, K) float32 in nominal steps, and hidden (h, w, W) uint8.
    """
    shape = shape_of(model)
    writer = _Writer(model.arrays, quality)
    graph = writer.graph
    features = graph.input("features", "uint8", (1, "h", "w", shape.latents + 1))
    bias = graph.input("bias", "float32", (shape.width,))
    entered = writer.float_layer("trunk.enter", features, writer.constant(1 / MEAN_STEPS), bias)
    x = graph.add("LeakyRelu", entered, alpha=float(SLOPE))
    for index in range(shape.blocks):
        name = f"trunk.{index}"
        near = writer.window_layer(f"{name}.depthwise", x, 3, groups=shape.width)
        x = graph.add("Add", x, graph.add("DequantizeLinear", near, writer.step(f"{name}.depthwise"), writer._zero))
        wide = writer.window_layer(f"{name}.expand", x, 1, rectified=True)
        x = graph.add("Add", x, writer.float_layer(f"{name}.reduce", wide, writer.step(f"{name}.expand"), signed=False))
    step = writer.hidden_step()
    hidden = graph.add("QuantizeLinear", x, step, writer._zero)
    corrections = writer.float_layer("trunk.correct", hidden, step)
    return graph.written(
        (corrections, "float32", (1, "h", "w", shape.corrected)), (hidden, "uint8", (1, "h", "w", shape.width))
    )


def grid_graph(model: Model, quality: Float32) -> npt.NDArray[np.uint8]:
    """The network on the 1/4 grid as an ONNX file, for weights (points,) of the quality points.

    Inputs: hidden (1, h, w, W) uint8; planes (16(h-1), 16(w-1), 3) float32 of RGB around 0 in nominal steps; and the
    nominal step (1,), in grey levels. Output: pixels (16(h-1), 16(w-1), 3) uint8.
    """
    shape = shape_of(model)
    writer, width = _Writer(model.arrays, quality), shape.grid_width
    graph = writer.graph
    hidden = graph.input("hidden", "uint8", (1, "h", "w", shape.width))
    planes = graph.input("planes", "float32", ("rows", "columns", COLOURS))
    nominal = graph.input("nominal", "float32", (1,))
    # Squares of 4x4 pixels next to each other, and back: of the shape, rows and columns are not known here.
    size = graph.add("Shape", planes, start=0, end=2)
    squares = graph.add("Div", size, writer.sides(SQUARE))
    high = graph.add("Slice", squares, writer.sides(0), writer.sides(1))
    wide = graph.add("Slice", squares, writer.sides(1), writer.sides(2))
    rows = graph.add("Concat", high, writer.sides(SQUARE), wide, writer.sides(SQUARE * COLOURS), axis=0)
    turned = graph.add("Transpose", graph.add("Reshape", planes, rows), perm=(0, 2, 1, 3))
    flat = graph.add("Concat", writer.sides(1), high, wide, writer.sides(SAMPLES), axis=0)
    samples = graph.add("Reshape", turned, flat)

    left = writer.float_layer("grid.leave", hidden, writer.hidden_step())
    positions = graph.add("Slice", graph.add("Shape", hidden), writer.sides(1), writer.sides(3))
    tall = graph.add("Slice", positions, writer.sides(0), writer.sides(1))
    broad = graph.add("Slice", positions, writer.sides(1), writer.sides(2))
    finer = graph.add("Concat", tall, broad, writer.sides(ACROSS), writer.sides(ACROSS * width), axis=0)
    shuffled = graph.add("Transpose", graph.add("Reshape", left, finer), perm=(0, 2, 1, 3))
    across = graph.add("Mul", broad, writer.sides(ACROSS))
    whole = graph.add("Concat", writer.sides(1), graph.add("Mul", tall, writer.sides(ACROSS)), across, axis=0)
    plane = graph.add("Reshape", shuffled, graph.add("Concat", whole, writer.sides(width), axis=0))
    edge = ACROSS // 2
    inner = graph.add("Slice", plane, writer.sides(edge, edge), writer.sides(-edge, -edge), writer.sides(1, 2))

    def product(name: str, x: str) -> str:
        made = graph.add("MatMul", x, graph.constant(model.arrays[f"{name}.weight"]))
        return graph.add("Add", made, graph.constant(model.arrays[f"{name}.bias"]))

    x = graph.add("Add", product("grid.pixels", samples), inner)
    for index in range(shape.grid_blocks):
        name = f"grid.{index}"
        seen = writer.window_layer(f"{name}.spatial", x, 3, rectified=True)
        x = graph.add("Add", x, writer.float_layer(f"{name}.mix", seen, writer.step(f"{name}.spatial"), signed=False))
    corrected = graph.add("Add", samples, product("grid.last", x))
    levels = graph.add("Add", graph.add("Mul", corrected, nominal), writer.constant(MIDDLE + 0.5))
    clipped = graph.add("Clip", levels, writer.constant(0), writer.constant(255))
    split = graph.add("Concat", high, wide, writer.sides(SQUARE), writer.sides(SQUARE * COLOURS), axis=0)
    back = graph.add("Transpose", graph.add("Reshape", graph.add("Cast", clipped, to=2), split), perm=(0, 2, 1, 3))
    pixels = graph.add("Reshape", back, graph.add("Concat", size, writer.sides(COLOURS), axis=0))
    return graph.written((pixels, "uint8", ("rows", "columns", COLOURS)))
