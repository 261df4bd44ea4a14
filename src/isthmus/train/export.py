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
from isthmus.image.grid import BLOCK
from isthmus.model.file import FORMAT, save_model
from isthmus.train.context_arrays import entropy_arrays, entropy_metadata
from isthmus.train.image.modules import Analysis, Network, Synthesis
from isthmus.train.packages import require_packages

OPSET = 18
HALF_FROM_VALUES = 4096
"""Arrays of at least this many values are stored as float16 and widened when the graph is loaded."""


class AnalysisGraph(nn.Module):
    """`Analysis` as it is exported: pixels (H, W, 3) uint8 -> latents in steps (h, w, C) float32."""

    def __init__(self, analysis: Analysis):
        super().__init__()
        self.analysis = analysis

    def forward(self, pixels: Tensor, steps: Tensor) -> Tensor:
        """steps (C,) float32."""
        x = pixels.permute(2, 0, 1)[None].float() - 128
        y: Tensor = self.analysis(x, steps[None])
        return y[0].permute(1, 2, 0)


class SynthesisGraph(nn.Module):
    """`Synthesis` as it is exported: latents in steps (h, w, C) float32 -> pixels (16(h-1), 16(w-1), 3) uint8."""

    def __init__(self, synthesis: Synthesis):
        super().__init__()
        self.synthesis = synthesis

    def forward(self, latents: Tensor, steps: Tensor, nominal: Tensor, weights: Tensor) -> Tensor:
        """steps (C,), nominal (1,) and weights (points,) float32."""
        y = latents.permute(2, 0, 1)[None]
        x: Tensor = self.synthesis(y, steps[None], nominal, weights[None])
        return torch.floor((x[0] + 128.5).clamp(0, 255)).to(torch.uint8).permute(1, 2, 0)


def _onnx(module: nn.Module, inputs: tuple[Tensor, ...], names: list[str], axes: dict[int, str]) -> bytes:
    import onnx

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations, nothing a user can act on
        torch.onnx.export(
            module,
            inputs,
            buffer,  # type: ignore[arg-type]
            input_names=names,
            output_names=["output"],
            dynamic_axes={names[0]: axes},
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
    config = network.config
    steps, weights = torch.ones(config.latents), torch.zeros(config.points)
    pixels = torch.zeros(BLOCK * 3, BLOCK * 4, 3, dtype=torch.uint8)
    latents = torch.zeros(3, 4, config.latents)
    arrays: dict[str, npt.NDArray[Any]] = {
        "analysis.onnx": np.frombuffer(
            _onnx(
                AnalysisGraph(network.analysis),
                (pixels, steps),
                ["pixels", "steps"],
                {0: "h", 1: "w"},
            ),
            np.uint8,
        ),
        "synthesis.onnx": np.frombuffer(
            _onnx(
                SynthesisGraph(network.synthesis),
                (latents, steps, torch.ones(1), weights),
                ["latents", "steps", "nominal", "weights"],
                {0: "h", 1: "w"},
            ),
            np.uint8,
        ),
        "steps.log": network.log_steps.detach().numpy().astype(np.float32),
        "steps.nominal": network.nominal.detach().numpy().astype(np.float32),
        "parity": network.parity.numpy().astype(np.uint8),
        **entropy_arrays(network.context, tables),
    }
    save_model(path, arrays, {"format": FORMAT, "name": name, **entropy_metadata(config.entropy), **metadata})
