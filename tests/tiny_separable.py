"""A model of the separable coder in miniature: 24 latents, networks of a few hundred weights that nobody has trained.

Its transform is a true one, orthonormal and lapped, so that pictures come back as far as so few frequencies carry them;
what its networks add is small, and felt everywhere.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from isthmus.coding.definition import Definition
from isthmus.coding.formats import BYTES, LATENT_LIMIT, MEAN_STEPS
from isthmus.coding.kinds import TUNED, lattices_and_boards
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.grid import BLOCK
from isthmus.model.file import FORMAT, save_model
from isthmus.model.model import Model
from isthmus.model.registry import release_model

GROUPS, POINTS = (3, 5, 16), 3
LATENTS = sum(GROUPS)
WIDTH, GRID, SQUARE, CORRECTED = 6, 4, 4, 12
"""Of the network at 1/16; of the one on the grid, of squares of so many pixels; coefficients that are corrected."""
GAINS = (500, 40)
"""The floor, and hundredths of the power: stronger than a trained model's, so that small pictures have some."""
EXPONENT = -6

Arrays = dict[str, np.ndarray[Any, Any]]


def windows() -> np.ndarray:
    """(16, 32) float64: a filter across each edge between blocks, then a DCT; both orthonormal, and so is all."""
    half, n = BLOCK // 2, np.arange(BLOCK)
    dct = np.cos(np.pi * (n + 0.5) * n[:, None] / BLOCK) * np.sqrt(2 / BLOCK)
    dct[0] /= np.sqrt(2)
    eye, flip = np.eye(half), np.eye(half)[::-1]
    turn = np.diag(np.full(half - 1, 0.4), 1)
    turn -= turn.T
    core = np.linalg.solve(eye + turn, eye - turn)
    butterfly = np.block([[eye, flip], [flip, -eye]])
    edge = butterfly @ np.block([[eye, 0 * eye], [0 * eye, core]]) @ butterfly / 2
    return np.asarray(dct @ np.block([[edge[half:], np.zeros((half, BLOCK))], [np.zeros((half, BLOCK)), edge[:half]]]))


def channels() -> np.ndarray:
    """(24, 3): three DC coefficients, the next frequencies of luma, then what follows, some of it colour."""
    low = [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 2), (0, 2, 0)]
    luma = [(0, u, v) for u in range(5) for v in range(5) if u + v > 1 and (0, u, v) not in low]
    colour = [(c, u, v) for c in (1, 2) for u, v in ((0, 1), (1, 0))]
    rest = sorted(luma, key=lambda place: place[1] + place[2])[: GROUPS[2] - len(colour)]
    return np.array([(0, 0, 0), (1, 0, 0), (2, 0, 0), *low, *rest, *colour])


def context_arrays(definition: Definition, rng: np.random.Generator) -> Arrays:
    """Weights within what is exact; scale indices that suit the transform's latents."""
    # Down to those whose symbols are skipped.
    usual = {0: [40] * 3, 1: [28] * 5, 2: np.linspace(26, 2, GROUPS[2])}
    out: Arrays = {}
    for array in definition.arrays():
        most = {"exponent": 0, "linear": 60, "bias": 200, "quality": 200}.get(array.kind, 4)
        out[array.name] = rng.integers(-most, most + 1, array.shape).astype(array.dtype)
        if array.kind == "exponent":
            out[array.name][:] = EXPONENT
        if array.kind == "fixed":
            out[array.name] = np.array([1, 2, 3, 2, 1])[:, None].repeat(5, 1).reshape(-1).astype(array.dtype)
    for one in definition.passes:
        scales = out[f"{one.name}.last.bias"][one.channels :]
        scales += np.rint(np.ldexp(usual[one.group], BYTES.activation_bits - EXPONENT)).astype(np.int32)
    return definition.stored(out)


def graph(nodes: list[Any], weights: Arrays, inputs: dict[str, tuple], outputs: dict[str, int]) -> np.ndarray:
    """An ONNX file, (bytes,) uint8."""
    float32 = TensorProto.FLOAT
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, float32, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return np.frombuffer(model.SerializeToString(), np.uint8)


def conv(x: str, name: str, side: int = 1, stride: int = 1) -> Any:
    """A convolution whose output and weight are called `name` and `name.w`; of 3x3 positions, zeros lie around."""
    pad = side // 2 if stride == 1 else 0
    shape = {"kernel_shape": [side] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
    return helper.make_node("Conv", [x, f"{name}.w"], [name], **shape)


def trunk(rng: np.random.Generator) -> np.ndarray:
    """The network at 1/16."""
    node = helper.make_node
    weights = {
        "batch": np.array([0]),
        "plane": np.array([2, 3]),
        "enter.w": rng.normal(0, 0.05, (WIDTH, LATENTS + 1, 1, 1)).astype(np.float32),
        "dials.w": rng.normal(0, 0.3, (POINTS + 1, WIDTH)).astype(np.float32),
        "spread.w": rng.normal(0, 0.2, (WIDTH, WIDTH, 3, 3)).astype(np.float32),
        "correct.w": rng.normal(0, 0.05, (CORRECTED, WIDTH, 1, 1)).astype(np.float32),
    }
    nodes = [
        node("Transpose", ["latents"], ["y"], perm=[2, 0, 1]),
        node("Transpose", ["octaves"], ["gain"], perm=[2, 0, 1]),
        node("Concat", ["y", "gain"], ["both"], axis=0),
        node("Unsqueeze", ["both", "batch"], ["features"]),
        conv("features", "enter"),
        node("Unsqueeze", ["weights", "batch"], ["dials"]),
        node("MatMul", ["dials", "dials.w"], ["mixed"]),
        node("Unsqueeze", ["mixed", "plane"], ["bias"]),
        node("Add", ["enter", "bias"], ["biased"]),
        node("LeakyRelu", ["biased"], ["x"], alpha=0.125),
        conv("x", "spread", 3),
        node("Add", ["x", "spread"], ["hidden"]),
        conv("hidden", "correct"),
        node("Squeeze", ["correct", "batch"], ["flat"]),
        node("Transpose", ["flat"], ["corrections"], perm=[1, 2, 0]),
    ]
    inputs = {"latents": ("h", "w", LATENTS), "octaves": ("h", "w", 1), "weights": (POINTS + 1,)}
    return graph(nodes, weights, inputs, {"corrections": TensorProto.FLOAT, "hidden": TensorProto.FLOAT})


def grid(rng: np.random.Generator) -> np.ndarray:
    """The network on the grid."""
    node, across = helper.make_node, BLOCK // SQUARE
    weights = {
        "batch": np.array([0]),
        "begin": np.array([across // 2] * 2),
        "end": np.array([-(across // 2)] * 2),
        "plane": np.array([2, 3]),
        "leave.w": rng.normal(0, 0.1, (GRID * across**2, WIDTH, 1, 1)).astype(np.float32),
        "squares.w": rng.normal(0, 0.05, (GRID, 3, SQUARE, SQUARE)).astype(np.float32),
        "spatial.w": rng.normal(0, 0.3, (GRID, GRID, 3, 3)).astype(np.float32),
        "last.w": rng.normal(0, 0.1, (3 * SQUARE**2, GRID, 1, 1)).astype(np.float32),
        "middle": np.float32(128.5),
        "black": np.float32(0),
        "white": np.float32(255),
    }
    nodes = [
        conv("hidden", "leave"),
        node("DepthToSpace", ["leave"], ["wide"], blocksize=across, mode="CRD"),
        node("Slice", ["wide", "begin", "end", "plane"], ["inner"]),
        node("Unsqueeze", ["planes", "batch"], ["colours"]),
        node("Div", ["colours", "nominal"], ["scaled"]),
        conv("scaled", "squares", SQUARE, SQUARE),
        node("Add", ["inner", "squares"], ["sum"]),
        node("LeakyRelu", ["sum"], ["x"], alpha=0.125),
        conv("x", "spatial", 3),
        node("Add", ["sum", "spatial"], ["more"]),
        conv("more", "last"),
        node("DepthToSpace", ["last"], ["shuffled"], blocksize=SQUARE, mode="CRD"),
        node("Squeeze", ["shuffled", "batch"], ["added"]),
        node("Mul", ["added", "nominal"], ["levels"]),
        node("Add", ["planes", "levels"], ["around"]),
        node("Add", ["around", "middle"], ["raised"]),
        node("Clip", ["raised", "black", "white"], ["clipped"]),
        node("Cast", ["clipped"], ["whole"], to=TensorProto.UINT8),
        node("Transpose", ["whole"], ["pixels"], perm=[1, 2, 0]),
    ]
    inputs = {"hidden": (1, WIDTH, "h", "w"), "planes": (3, "rows", "columns"), "nominal": (1,)}
    return graph(nodes, weights, inputs, {"pixels": TensorProto.UINT8})


def arrays_of(definition: Definition) -> Arrays:
    """All arrays of the model."""
    rng = np.random.default_rng(0)
    forward = windows().astype(np.float32)
    colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    x = np.arange(LATENT_LIMIT + 1) / MEAN_STEPS
    compand = np.minimum(np.round(np.log2(1 + x) * (1 << BYTES.feature_bits)), BYTES.feature_limit)
    return {
        "trunk.onnx": trunk(rng),
        "grid.onnx": grid(rng),
        "transform.forward": forward,
        "transform.inverse": forward,
        "transform.colour": colour.astype(np.float32),
        "transform.channels": channels().astype(np.uint8),
        "transform.signs": rng.choice((-1, 1), LATENTS).astype(np.int8),
        "steps.nominal": np.log([60, 20, 6]).astype(np.float32),
        "steps.eye": np.linspace(-0.3, 0.3, LATENTS).astype(np.float32),
        "gains": np.array(GAINS, np.int32),
        # Of scale indices, not of a coder.
        "tables": release_model().arrays["tables"],
        "compand": compand.astype(np.int32),
        **context_arrays(definition, rng),
    }


def write_tiny_separable(path: Path) -> Model:
    """A model file of it."""
    definition = lattices_and_boards(GROUPS, POINTS, 8, 16)
    metadata = {"groups": list(GROUPS), "points": POINTS, "definition": TUNED, "numbers": BYTES.name}
    metadata |= {"format": FORMAT, "name": "tiny", "medium": 1, "coder": SeparableCoder.id}
    return save_model(path, arrays_of(definition), metadata)


@cache
def tiny_separable_model() -> Model:
    """The model in memory; the same one each time."""
    with TemporaryDirectory() as folder:
        return write_tiny_separable(Path(folder) / "tiny.isthmodel")
