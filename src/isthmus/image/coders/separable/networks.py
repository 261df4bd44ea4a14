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
        self.graph, self.arrays, self._quality = GraphWriter(), arrays, quality
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
        bias = bias or self.constant(self.arrays[f"{name}.bias"])
        weight, unit = self.graph.constant(self.arrays[f"{name}.weight"]), self.constant(self.arrays[f"{name}.unit"])
        zero = self._zero if signed else self._none
        return self.graph.add("MatMulIntegerToFloat", x, weight, step, unit, zero, "", bias, domain=ENGINE)

    def window_layer(self, name: str, x: str, side: int, groups: int = 1, rectified: bool = False) -> str:
        """A convolution over (1, h, w, n) float32, of 8 bits -> (1, h, w, m) uint8 of the second of its steps: what is
        negative is 0, or numbers with a sign."""
        arrays, graph = self.arrays, self.graph
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
        return np.asarray(np.exp(np.log(self.arrays[name]) @ self._quality), np.float32)


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

    Inputs: hidden (1, h, w, W) uint8; and squares (4(h-1), 4(w-1), 48) float32 in grey levels around 0, the samples of
    4x4 pixels each, row by row. Output: those samples corrected, uint8.
    """
    shape = shape_of(model)
    arrays, writer, width = model.arrays, _Writer(model.arrays, quality), shape.grid_width
    graph = writer.graph
    nominal = np.exp(quality @ arrays["steps.nominal"])
    hidden = graph.input("hidden", "uint8", (1, "h", "w", shape.width))
    squares = graph.input("squares", "float32", ("rows", "columns", SAMPLES))
    size = graph.add("Shape", squares)
    # What stands for positions side by side, as rows of a matrix.
    samples = graph.add("Reshape", squares, writer.sides(-1, SAMPLES))
    inner = graph.add("Reshape", _finer(writer, hidden, width), writer.sides(-1, width))
    plane = graph.add("Concat", writer.sides(1), _part(writer, size, 0, 2), writer.sides(width), axis=0)
    # In nominal steps.
    x = graph.add("Gemm", samples, graph.constant(arrays["grid.pixels.weight"] / nominal), inner)
    for index in range(shape.grid_blocks):
        name = f"grid.{index}"
        seen = writer.window_layer(f"{name}.spatial", graph.add("Reshape", x, plane), 3, rectified=True)
        active = graph.add("Reshape", seen, writer.sides(-1, shape.grid_hidden))
        x = graph.add("Add", x, writer.float_layer(f"{name}.mix", active, writer.step(f"{name}.spatial"), signed=False))
    weight, bias = (graph.constant(nominal * arrays[f"grid.last.{part}"]) for part in ("weight", "bias"))
    levels = graph.add("Add", samples, graph.add("Gemm", x, weight, bias))
    middle = writer.constant(MIDDLE, np.uint8)
    pixels = graph.add("Reshape", graph.add("QuantizeLinear", levels, writer.constant(1), middle), size)
    return graph.written((pixels, "uint8", ("rows", "columns", SAMPLES)))


def _finer(writer: _Writer, hidden: str, width: int) -> str:
    """(4(h-1), 4(w-1), G): what the network at 1/16 hands on, and the biases of what the pixels add to it."""
    graph, arrays = writer.graph, writer.arrays
    bias = arrays["grid.leave.bias"] + np.tile(arrays["grid.pixels.bias"], ACROSS**2)
    left = writer.float_layer("grid.leave", hidden, writer.hidden_step(), writer.constant(bias))
    size = graph.add("Shape", hidden)
    positions = _part(writer, size, 1, 3)
    apart = graph.add("Concat", positions, writer.sides(ACROSS, ACROSS * width), axis=0)
    rows = graph.add("Transpose", graph.add("Reshape", left, apart), perm=(0, 2, 1, 3))
    sides = graph.add("Mul", positions, writer.sides(ACROSS))
    plane = graph.add("Reshape", rows, graph.add("Concat", sides, writer.sides(width), axis=0))
    edge = ACROSS // 2
    return graph.add("Slice", plane, writer.sides(edge, edge), writer.sides(-edge, -edge), writer.sides(0, 1))


def _part(writer: _Writer, sides: str, begin: int, end: int) -> str:
    return writer.graph.add("Slice", sides, writer.sides(begin), writer.sides(end))
