"""The network of a pass of the entropy model for the inference engine: products of 8 bits, the same integers.

Where the format is "bytes", all that enters a product has 8 bits and all weights have 7, so the engine's 8-bit products
are exact on every processor, those too whose instructions add pairs of products in 16 bits: 2 * 255 * 63 < 2**15.
`isthmus.coding.fixed_point` computes the same in float32, and either gives what the other does, number by number; the
engine takes half of the time, and longer to begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import Block, Definition, Pass
from isthmus.coding.fixed_point import ZERO
from isthmus.coding.formats import SLOPE
from isthmus.model.graph_writing import GraphWriter

Arrays = Mapping[str, npt.NDArray[Any]]


def pass_graph(definition: Definition, one: Pass, stored: Arrays, numbers: Arrays) -> npt.NDArray[np.uint8]:
    """A pass's network as an ONNX file.

    Inputs: features (N, F) uint8 about `ZERO`, bias (width,) float32 of the first layer. Where layers have windows also
    plane (3,) int64, its rows, columns and width; at (P,) int64, the positions that are coded; and around (P, taps)
    int64, the positions around each in the plane that is padded by half a window. Output: (P, 2n) float32.

    Args:
        definition: of the entropy model, in format "bytes".
        stored: the arrays of the model file, by their names without the prefix.
        numbers: what `isthmus.coding.weights.numbers` makes of them.
    """
    return _Builder(definition, one, stored, numbers).graph()


class _Builder:
    def __init__(self, definition: Definition, one: Pass, stored: Arrays, numbers: Arrays):
        self._form, self._one, self._stored, self._numbers = definition.form, one, stored, numbers
        self._graph = GraphWriter()
        self._zero = self._graph.constant(np.array(ZERO, np.uint8))
        form = self._form
        self._low, self._high, self._offset, self._unit, self._whole = (
            self._graph.constant(np.array(value, np.float32))
            for value in (form.activation_low, form.activation_high, ZERO, 1 << form.activation_bits, 1)
        )
        self._parts = {layer: [part for part, _ in parts] for layer, _, parts, _ in one.matrices()}

    def graph(self) -> npt.NDArray[np.uint8]:
        graph, one = self._graph, self._one
        features = graph.input("features", "uint8", ("n", one.features))
        x = self._rounded(self._layer(one.enter, features, graph.input("bias", "float32", (one.width,))))
        if one.everywhere:
            plane, at = graph.input("plane", "int64", (3,)), graph.input("at", "int64", ("p",))
        for index, block in enumerate(one.blocks):
            if block.taps > 1:
                around = graph.input("around", "int64", ("p", block.taps))
                seen = self._windows(x, block, plane, around)
            else:
                seen = self._bytes(x)
            if one.everywhere and index == one.spread:
                x = graph.add("Gather", x, at, axis=0)
            added = self._rounded(self._layer(block.name, seen, self._bias(block.name)))
            x = graph.add("Clip", graph.add("Add", x, added), self._low, self._high)
        out = self._layer("last", self._bytes(x), self._bias("last"))
        return graph.written((out, "float32", ("p", 2 * one.channels)))

    def _bias(self, layer: str) -> str:
        return self._graph.constant(self._numbers[f"{self._one.name}.{layer}.bias"])

    def _layer(self, layer: str, x: str, bias: str) -> str:
        """Sums of products as they count, in float32, where they are exact."""
        name = self._one.name
        weights = np.concatenate([self._stored[f"{name}.{part}.weight"] for part in self._parts[layer]])
        # Units are powers of two, so that what counts is the sum itself, fused or not with the bias that is added.
        unit = self._graph.constant(self._numbers[f"{name}.{layer}.unit"])
        return self._graph.product(x, self._graph.constant(weights), self._whole, unit, self._zero, bias)

    def _rounded(self, x: str) -> str:
        """The leaky rectifier, rounded to whole activations, float32."""
        leaky = self._graph.add("LeakyRelu", x, alpha=float(SLOPE))
        whole = self._graph.add("Round", self._graph.add("Mul", leaky, self._unit))
        return self._graph.add("Clip", whole, self._low, self._high)

    def _bytes(self, x: str) -> str:
        """Whole activations as the products take them."""
        return self._graph.add("Cast", self._graph.add("Add", x, self._offset), to=2)

    def _windows(self, x: str, block: Block, plane: str, around: str) -> str:
        """(P, taps * width) uint8 of whole activations (N, width)."""
        graph, width = self._graph, self._one.width
        top, left = block.window[0] // 2, block.window[1] // 2
        pads = graph.constant(np.array([top, left, 0, top, left, 0], np.int64))
        padded = graph.add("Pad", graph.add("Reshape", self._bytes(x), plane), pads, self._zero)
        rows = graph.add("Reshape", padded, graph.constant(np.array([-1, width], np.int64)))
        gathered = graph.add("Gather", rows, around, axis=0)
        return graph.add("Reshape", gathered, graph.constant(np.array([-1, block.taps * width], np.int64)))
