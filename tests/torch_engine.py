"""A second engine for the exported graphs: PyTorch, one ONNX operator at a time; only the operators that they use."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

Attributes = dict[str, Any]
DTYPES = {1: torch.float32, 2: torch.uint8, 6: torch.int32, 7: torch.int64}


def _conv(x: Any, weight: Any, bias: Any = None, **a: Any) -> Any:
    assert a.get("dilations", [1, 1]) == [1, 1]
    assert a["pads"][:2] == a["pads"][2:]
    return F.conv2d(x, weight, bias, a["strides"], a["pads"][:2], groups=a["group"])


def _average(x: Any, **a: Any) -> Any:
    include = bool(a.get("count_include_pad", 0))
    return F.avg_pool2d(x, a["kernel_shape"], a["strides"], a["pads"][:2], count_include_pad=include)


def _slice(x: Any, starts: Any, ends: Any, axes: Any, steps: Any = None) -> Any:
    assert steps is None or set(steps.tolist()) == {1}
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist(), strict=True):
        index = [slice(None)] * x.ndim
        index[axis] = slice(start, end)
        x = x[tuple(index)]
    return x


def _depth_to_space(x: Any, **a: Any) -> Any:
    assert a["mode"] == b"CRD"
    return F.pixel_shuffle(x, a["blocksize"])


def _unsqueeze(x: Any, axes: Any) -> Any:
    for axis in sorted(axes.tolist()):
        x = x.unsqueeze(axis)
    return x


OPERATORS: dict[str, Callable[..., Any]] = {
    "Abs": torch.abs,
    "Add": torch.add,
    "AveragePool": _average,
    "Cast": lambda x, **a: x.to(DTYPES[a["to"]]),
    "Clip": lambda x, low, high: x.clamp(low, high),
    "Concat": lambda *x, **a: torch.cat(x, a["axis"]),
    "Constant": lambda **a: torch.from_numpy(numpy_helper.to_array(a["value"]).copy()),
    "ConstantOfShape": lambda shape, **a: torch.full(
        shape.tolist(), float(numpy_helper.to_array(a["value"]).item()), dtype=torch.float32
    ),
    "Conv": _conv,
    "DepthToSpace": _depth_to_space,
    "Div": torch.div,
    "Floor": torch.floor,
    "Gather": lambda x, index, **a: torch.index_select(x, a.get("axis", 0), index.reshape(-1)).squeeze(
        a.get("axis", 0) if index.ndim == 0 else []
    ),
    "LeakyRelu": lambda x, **a: F.leaky_relu(x, a["alpha"]),
    "Log": torch.log,
    "MatMul": torch.matmul,
    "Mul": torch.mul,
    "Shape": lambda x, **a: torch.tensor(x.shape),
    "Sign": torch.sign,
    "Slice": _slice,
    "Sub": torch.sub,
    "Transpose": lambda x, **a: x.permute(a["perm"]),
    "Unsqueeze": _unsqueeze,
}


def run_graph(graph: bytes, **inputs: np.ndarray) -> list[np.ndarray]:
    """Runs an ONNX file on named inputs and returns its outputs."""
    model = onnx.load_from_string(graph)
    values: dict[str, Any] = {name: torch.from_numpy(np.array(value)) for name, value in inputs.items()}
    for tensor in model.graph.initializer:
        values[tensor.name] = torch.from_numpy(numpy_helper.to_array(tensor).copy())
    with torch.no_grad():
        for node in model.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            arguments = [values[name] for name in node.input if name]
            values[node.output[0]] = OPERATORS[node.op_type](*arguments, **attributes)
    return [np.asarray(values[output.name].numpy()) for output in model.graph.output]
