"""Writes small networks as ONNX files: nodes, constants, inputs and outputs, in protocol buffers.

Of their fields a handful is needed; the package that knows them all is large and made for training.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

OPSET, IR_VERSION = 18, 8
ENGINE = "com.microsoft"
"""The domain of operations that ONNX does not have and the inference engine does."""
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
"""Numbers of element types in onnx.proto."""
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7
Output = tuple[str, str, Sequence[int | str]]
"""The name of what a network returns, its dtype and its axes."""
_DOMAINS = ((b"", OPSET), (ENGINE.encode(), 1))
"""Whose operations a file may have, and in which versions."""


class GraphWriter:
    """Collects a network; `written` returns its bytes."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, dtype: str, axes: Sequence[int | str]) -> str:
        """An input; axes that vary are named. Returns its name."""
        self._inputs.append(_value(name, dtype, axes))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        """An array that is always the same; returns its name."""
        name = self._new()
        stored = np.ascontiguousarray(values)
        body = b"".join(_number(1, side) for side in stored.shape) + _number(2, _TYPES[stored.dtype.name])
        self._constants.append(body + _bytes(8, name.encode()) + _bytes(9, stored.tobytes()))
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: float | Sequence[int]) -> str:
        """An operation of one output, whose name is returned; attributes are whole numbers, lists of them, or floats.

        Args:
            kind: its name, in `domain`: "" for ONNX's own, `ENGINE`.
        """
        name = self._new()
        body = b"".join(_bytes(1, one.encode()) for one in inputs) + _bytes(2, name.encode())
        body += _bytes(4, kind.encode())
        for key, value in attributes.items():
            body += _bytes(5, _attribute(key, value))
        self._nodes.append(body + _bytes(7, domain.encode()))
        return name

    def product(self, x: str, weights: str, step: str, unit: str, zero: str, bias: str) -> str:
        """Products of x (..., n) uint8 and weights (n, m) int8, summed exactly, then scaled in float32, and a bias (m,)
        added -> (..., m) float32.

        Args:
            step: what 1 of x counts.
            unit: (m,), what 1 of a weight counts.
            zero: of x, what counts as 0.
        """
        return self.add("MatMulIntegerToFloat", x, weights, step, unit, zero, "", bias, domain=ENGINE)

    def written(self, *outputs: Output) -> npt.NDArray[np.uint8]:
        """The bytes of the file, (n,) uint8, of a network that returns `outputs`."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _bytes(2, b"network")
        graph += b"".join(_bytes(5, constant) for constant in self._constants)
        graph += b"".join(_bytes(11, value) for value in self._inputs)
        graph += b"".join(_bytes(12, _value(*output)) for output in outputs)
        versions = b"".join(_bytes(8, _bytes(1, name) + _number(2, number)) for name, number in _DOMAINS)
        return np.frombuffer(_number(1, IR_VERSION) + _bytes(7, graph) + versions, np.uint8)

    def _new(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _attribute(name: str, value: float | Sequence[int]) -> bytes:
    if isinstance(value, Sequence):
        numbers = b"".join(_number(8, one) for one in value)
        return _bytes(1, name.encode()) + numbers + _number(20, _ATTRIBUTE_INTS)
    if isinstance(value, int):
        return _bytes(1, name.encode()) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    return _bytes(1, name.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, _ATTRIBUTE_FLOAT)


def _value(name: str, dtype: str, axes: Sequence[int | str]) -> bytes:
    sides = b"".join(
        _bytes(1, _number(1, side) if isinstance(side, int) else _bytes(2, side.encode())) for side in axes
    )
    tensor = _number(1, _TYPES[dtype]) + _bytes(2, sides)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))
