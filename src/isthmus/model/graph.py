"""The operations of an exported network, read from its ONNX file: what reaches how far. Nothing is run here.

ONNX files are protocol buffers; of their fields a handful is needed, and the package that knows them all is large and
made for training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.errors import ModelError

# Numbers of fields in onnx.proto.
_MODEL_GRAPH, _GRAPH_NODE = 7, 1
_NODE_INPUT, _NODE_OUTPUT, _NODE_TYPE, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 3, 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Field = tuple[int, int | memoryview]
"""A field's number, and its value: a number or bytes."""


@dataclass(frozen=True)
class Operation:
    """One operation of a network.

    Attributes:
        kind: ONNX's name of it, as in "Conv".
        inputs, outputs: names of arrays.
        numbers: its attributes that are whole numbers, or lists of them.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[str, tuple[int, ...]]


def operations(graph: bytes) -> list[Operation]:
    """All operations of an ONNX file, each after those whose outputs it takes.

    Raises:
        ModelError: it is none.
    """
    try:
        return [
            _operation(node)
            for number, body in _fields(memoryview(graph))
            if number == _MODEL_GRAPH and isinstance(body, memoryview)
            for kind, node in _fields(body)
            if kind == _GRAPH_NODE and isinstance(node, memoryview)
        ]
    except (ValueError, IndexError) as error:
        raise ModelError("the model's network is no ONNX file", got=str(error)) from error


def _operation(node: memoryview) -> Operation:
    inputs, outputs, kind = [], [], ""
    numbers: dict[str, tuple[int, ...]] = {}
    for number, value in _fields(node):
        if not isinstance(value, memoryview):
            continue
        if number == _NODE_INPUT:
            inputs.append(str(value, "utf-8"))
        elif number == _NODE_OUTPUT:
            outputs.append(str(value, "utf-8"))
        elif number == _NODE_TYPE:
            kind = str(value, "utf-8")
        elif number == _NODE_ATTRIBUTE:
            name, found = _attribute(value)
            numbers[name] = found
    return Operation(kind, tuple(inputs), tuple(outputs), numbers)


def _attribute(body: memoryview) -> tuple[str, tuple[int, ...]]:
    name, found = "", []
    for number, value in _fields(body):
        if number == _ATTRIBUTE_NAME and isinstance(value, memoryview):
            name = str(value, "utf-8")
        elif number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS):
            # A list is written number by number, or packed into bytes.
            found += [value] if isinstance(value, int) else list(_varints(value))
    return name, tuple(found)


def _fields(body: memoryview) -> Iterator[Field]:
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(body, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(body, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"field {number} of type {wire}")
        if at + length > len(body):
            raise ValueError("it is cut off")
        yield number, body[at : at + length]
        at += length


def _varints(body: memoryview) -> Iterator[int]:
    at = 0
    while at < len(body):
        value, at = _varint(body, at)
        yield value


def _varint(body: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
