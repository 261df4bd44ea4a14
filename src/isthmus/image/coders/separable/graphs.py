"""The synthesis networks as graphs for the inference engine, made from the arrays of a model; docs/format.md has them.

The engine's fastest products of 8 bits want steps to be constants: a graph is made for where the quality dial stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.fixed_point import ZERO
from isthmus.coding.formats import MEAN_STEPS, SLOPE
from isthmus.image.coders.separable.arrays import nominal_step
from isthmus.image.coders.separable.networks import ACROSS, SAMPLES, shape_of
from isthmus.image.coders.separable.transform import MIDDLE
from isthmus.model.graph_writing import ENGINE, GraphWriter
from isthmus.model.model import Model

Arrays = Mapping[str, npt.NDArray[Any]]
Float32 = npt.NDArray[np.float32]

LARGEST_BIAS = 2.0**30
"""Of layers that add whole numbers: sums of all products and this stay within 32 bits."""


class LayerWriter:
    """Layers of a network, for weights (points,) of the quality points."""

    def __init__(self, arrays: Arrays, quality: Float32):
        self.graph, self.arrays, self._quality = GraphWriter(), arrays, quality
        self.zero = self.constant(ZERO, np.uint8)
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
        zero = self.zero if signed else self._none
        return self.graph.product(x, weight, step, unit, zero, bias)

    def window_layer(self, name: str, x: str, side: int, groups: int = 1, rectified: bool = False) -> str:
        """A convolution over (1, h, w, n) float32, of 8 bits -> (1, h, w, m) uint8 of the second of its steps: what is
        negative is 0, or numbers with a sign."""
        arrays, graph = self.arrays, self.graph
        matrix, unit, bias = (arrays[f"{name}.{part}"] for part in ("weight", "unit", "bias"))
        before, after = self._at_quality(f"{name}.steps")
        kernel = np.ascontiguousarray(matrix.T.reshape(matrix.shape[1], side, side, -1).transpose(0, 3, 1, 2))
        whole = np.rint(bias / (before.astype(np.float64) * unit)).clip(-LARGEST_BIAS, LARGEST_BIAS)
        seen = graph.add("QuantizeLinear", x, self.constant(before), self.zero)
        out = (self.constant(after), self._none if rectified else self.zero)
        weight = (graph.constant(kernel), self.constant(unit), self.constant(np.zeros(len(unit)), np.int8))
        inputs = (seen, self.constant(before), self.zero, *weight, *out, self.constant(whole, np.int32))
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

    Inputs: features (1, h, w, C + 1) uint8 about `ZERO`, in sixteenths, and bias (W,) float32. Outputs: corrections
    (1, h, w, K) float32 in nominal steps, and hidden (1, h, w, W) uint8.
    """
    shape = shape_of(model)
    writer = LayerWriter(model.arrays, quality)
    graph = writer.graph
    features = graph.input("features", "uint8", (1, "h", "w", shape.latents + 1))
    bias = graph.input("bias", "float32", (shape.width,))
    entered = writer.float_layer("trunk.enter", features, writer.constant(1 / MEAN_STEPS), bias)
    x = graph.add("LeakyRelu", entered, alpha=float(SLOPE))
    for index in range(shape.blocks):
        name = f"trunk.{index}"
        near = writer.window_layer(f"{name}.depthwise", x, 3, groups=shape.width)
        x = graph.add("Add", x, graph.add("DequantizeLinear", near, writer.step(f"{name}.depthwise"), writer.zero))
        wide = writer.window_layer(f"{name}.expand", x, 1, rectified=True)
        x = graph.add("Add", x, writer.float_layer(f"{name}.reduce", wide, writer.step(f"{name}.expand"), signed=False))
    step = writer.hidden_step()
    hidden = graph.add("QuantizeLinear", x, step, writer.zero)
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
    arrays, writer, width = model.arrays, LayerWriter(model.arrays, quality), shape.grid_width
    graph = writer.graph
    nominal = nominal_step(model, quality)
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


def _finer(writer: LayerWriter, hidden: str, width: int) -> str:
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


def _part(writer: LayerWriter, sides: str, begin: int, end: int) -> str:
    return writer.graph.add("Slice", sides, writer.sides(begin), writer.sides(end))
