"""From trained weights to a model file: ONNX graphs, fixed-point context networks, integer tables, metadata."""

from __future__ import annotations

import copy
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.coding.fixed_point import (
    ACTIVATION_BITS,
    DC_PHASES,
    LATENT_LIMIT,
    MEAN_STEPS,
    SCALES,
    WEIGHT_BITS,
    WEIGHT_LIMIT,
)
from isthmus.coding.tables import Tables
from isthmus.model.file import FORMAT, save_model
from isthmus.train.config import BLOCK
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


def fixed_point(values: Tensor, bits: int = WEIGHT_BITS) -> npt.NDArray[np.int16]:
    """Weights as integers, in units of 2**-bits, within the limit that keeps the arithmetic exact."""
    limit = int(WEIGHT_LIMIT * (1 << bits)) - 1
    scaled = np.round(values.detach().double().cpu().numpy() * (1 << bits))
    # The file format stores memory as it lies; a transposed view would come back scrambled.
    return np.ascontiguousarray(np.clip(scaled, -limit, limit), np.int16)


def _output_bias(bias: Tensor, n: int) -> npt.NDArray[np.int32]:
    """Biases of n means and n rows; rows lie in 0..63, are stored less 32, and do not fit 16 bits even so."""
    scaled = np.round(bias.detach().double().cpu().numpy() * (1 << WEIGHT_BITS)).astype(np.int32)
    scaled[n:] -= SCALES // 2 << WEIGHT_BITS
    return scaled


def context_weights(network: Network) -> dict[str, npt.NDArray[Any]]:
    """The context networks in fixed point, matrices transposed for row vectors; names as in `docs/format.md`."""
    out: dict[str, npt.NDArray[Any]] = {}
    model = network.context
    out["dc.near"] = np.round(model.dc.near.cpu().numpy()).astype(np.int16)
    for phase in range(DC_PHASES):
        name = f"dc.{phase}"
        for part in ("first", "second", "last"):
            layer: Any = getattr(model.dc, part)[phase]
            out[f"{name}.{part}.weight"] = fixed_point(layer.weight.T)
            bias = _output_bias(layer.bias, network.config.groups[0]) if part == "last" else fixed_point(layer.bias)
            out[f"{name}.{part}.bias"] = bias
        linear: Any = model.dc.linear[phase]
        out[f"{name}.linear.weight"] = fixed_point(linear.weight.T)
        out[f"{name}.quality"] = fixed_point(model.dc.quality[phase])
    for group, ac in enumerate(model.ac, 1):
        before, n = int(ac.before), int(ac.n)  # type: ignore[arg-type]
        order = feature_order(network.config.groups[:group])
        for phase in range(2):
            name = f"ac.{group}.{phase}"
            project: Any = ac.project[phase]  # type: ignore[index]
            columns = project.weight[:, :, 0, 0].T
            out[f"{name}.known.weight"] = fixed_point(columns[: 2 * before][order])
            if phase:
                out[f"{name}.half.weight"] = fixed_point(columns[2 * before :])
            out[f"{name}.project.bias"] = fixed_point(project.bias)
            out[f"{name}.quality"] = fixed_point(ac.quality[phase])  # type: ignore[index]
            spatial: Any = ac.spatial[phase]  # type: ignore[index]
            width = spatial.weight.shape[0]
            taps = spatial.weight.permute(2, 3, 1, 0).reshape(9 * width, width)
            out[f"{name}.spatial.weight"] = fixed_point(taps)
            out[f"{name}.spatial.bias"] = fixed_point(spatial.bias)
            for part in ("mix", "last"):
                layer = getattr(ac, part)[phase]
                out[f"{name}.{part}.weight"] = fixed_point(layer.weight[:, :, 0, 0].T)
                bias = _output_bias(layer.bias, n) if part == "last" else fixed_point(layer.bias)
                out[f"{name}.{part}.bias"] = bias
    return out


def feature_order(groups: tuple[int, ...]) -> Tensor:
    """Where the trained order of features (all signed, then all magnitudes) goes in the coder's (by group)."""
    total = sum(groups)
    order, begin = [], 0
    for n in groups:
        order += list(range(begin, begin + n)) + list(range(total + begin, total + begin + n))
        begin += n
    return torch.tensor(order)


def compand_table() -> npt.NDArray[np.int32]:
    """(LATENT_LIMIT + 1,): log2(1 + x) of 0, 1/16, 2/16, ..., in units of 2**-8."""
    x = np.arange(LATENT_LIMIT + 1) / MEAN_STEPS
    return np.round(np.log2(1 + x) * (1 << ACTIVATION_BITS)).astype(np.int32)


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
        "tables": tables.pack().astype(np.int32),
        "compand": compand_table(),
        **{f"context.{key}": value for key, value in context_weights(network).items()},
    }
    shape = {"format": FORMAT, "name": name, "groups": list(config.groups), "points": config.points}
    save_model(path, arrays, {**shape, **json.loads(json.dumps(metadata))})
