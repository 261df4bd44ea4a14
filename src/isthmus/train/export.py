"""From trained weights to a model file: ONNX graphs, fixed-point context networks, integer tables, metadata."""

from __future__ import annotations

import copy
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.coding.tables import Tables
from isthmus.image.coders.protocol import MEDIUM
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.grid import BLOCK
from isthmus.model.file import FORMAT, save_model
from isthmus.train.context_arrays import entropy_arrays, entropy_metadata
from isthmus.train.image.modules import Grid, Network, Trunk
from isthmus.train.packages import require_packages

OPSET = 18
HALF_FROM_VALUES = 4096
"""Arrays of at least this many values are stored as float16 and widened when the graph is loaded."""


GRAPHS = ("trunk.onnx", "grid.onnx")
"""The arrays of a model file that hold networks. Their weights have the names that they have in training."""
STORED = {
    "transform.windows": "transform.forward",
    "transform.functions": "transform.inverse",
    "transform.colour": "transform.colour",
    "transform.channels": "transform.channels",
    "signs": "transform.signs",
    "nominal": "steps.nominal",
    "eye": "steps.eye",
}
"""Arrays of a model file that training leaves as they are, by their names in the network's state."""
DTYPES = {"transform.channels": np.uint8, "transform.signs": np.int8}
"""Of those that are not float32."""


class TrunkGraph(nn.Module):
    """`Trunk` as it is exported: latents (h, w, C) float32 as coded, in steps, gains (h, w, 1) in octaves, weights
    (points + 1,) -> corrections (h, w, corrected) in nominal steps, and hidden (1, width, h, w)."""

    def __init__(self, trunk: Trunk):
        super().__init__()
        self.trunk = trunk

    def forward(self, latents: Tensor, octaves: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """One picture, its channels last."""
        corrections, hidden = self.trunk(latents.permute(2, 0, 1)[None], octaves.permute(2, 0, 1)[None], weights[None])
        return corrections[0].permute(1, 2, 0), hidden


class GridGraph(nn.Module):
    """`Grid` as it is exported: hidden (1, width, h, w), planes (3, 16(h-1), 16(w-1)) around 0, nominal (1,)
    -> pixels (H, W, 3) uint8."""

    def __init__(self, grid: Grid):
        super().__init__()
        self.grid = grid

    def forward(self, hidden: Tensor, planes: Tensor, nominal: Tensor) -> Tensor:
        """One picture."""
        x: Tensor = self.grid(hidden, planes[None], nominal)
        return torch.floor((x[0] + 128.5).clamp(0, 255)).to(torch.uint8).permute(1, 2, 0)


def onnx_graph(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    axes: dict[str, dict[int, str]],
    outputs: tuple[str, ...] = ("output",),
) -> bytes:
    """A module as an ONNX file, its large weights in float16; axes that vary are named, by input."""
    import onnx

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations, nothing a user can act on
        torch.onnx.export(
            module,
            inputs,
            buffer,  # type: ignore[arg-type]
            input_names=names,
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    _halve(graph)
    graph.producer_name, graph.producer_version, graph.doc_string = "isthmus", "", ""
    return bytes(graph.SerializeToString(deterministic=True))


def _halve(model: Any) -> None:
    """Stores large float32 initializers as float16, each followed by a cast that engines fold at load."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= HALF_FROM_VALUES:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def export_model(network: Network, path: Path, name: str, metadata: dict[str, Any], tables: Tables) -> None:
    """Writes a model file from trained weights, deterministically.

    Args:
        network: the network.
        path: where the `.isthmodel` goes.
        name: the model's name, for people.
        metadata: JSON values stored with it: licence, training record.
        tables: the probability tables.

    Raises:
        MissingExtraError: onnx or safetensors is not installed.
    """
    require_packages("then go on with --resume")
    network = copy.deepcopy(network).cpu().eval()
    config, state = network.config, network.state_dict()
    stored = {name: state[key].numpy().astype(DTYPES.get(name, np.float32)) for key, name in STORED.items()}
    arrays: dict[str, npt.NDArray[Any]] = {
        **{name: np.frombuffer(graph, np.uint8) for name, graph in zip(GRAPHS, _graphs(network), strict=True)},
        **stored,
        "gains": np.array([config.gain_floor, config.gain_power], np.int32),
        **entropy_arrays(network.context, tables),
    }
    shape = {"format": FORMAT, "name": name, "medium": MEDIUM, "coder": SeparableCoder.id}
    save_model(path, arrays, {**shape, **entropy_metadata(config.entropy), **metadata})


def _graphs(network: Network) -> tuple[bytes, bytes]:
    """Trunk and grid."""
    config = network.config
    h, w = 3, 4
    positions = {0: "h", 1: "w"}
    trunk = onnx_graph(
        TrunkGraph(network.trunk),
        (torch.zeros(h, w, config.latents), torch.zeros(h, w, 1), torch.zeros(config.points + 1)),
        ["latents", "octaves", "weights"],
        {"latents": positions, "octaves": positions},
        ("corrections", "hidden"),
    )
    planes = torch.zeros(3, BLOCK * (h - 1), BLOCK * (w - 1))
    grid = onnx_graph(
        GridGraph(network.grid),
        (torch.zeros(1, config.trunk_width, h, w), planes, torch.ones(1)),
        ["hidden", "planes", "nominal"],
        {"hidden": {2: "h", 3: "w"}, "planes": {1: "rows", 2: "columns"}},
    )
    return trunk, grid
