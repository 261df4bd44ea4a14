"""Multiplications a pixel of encoding and decoding, counted from the exported graphs and arrays of a model.

    python benchmarks/complexity.py [MODEL...] -o docs/results/complexity.json

The networks' convolutions are counted after ONNX's own shape inference on a picture of 1024x1024, the context model's
matrix products by its definition, the exact transform by its two axes. Additions, activations and the entropy coder are
left out, as usual.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import shape_inference

from isthmus.image.coders.separable.arrays import transform_of
from isthmus.image.grid import BLOCK
from isthmus.model.model import Model
from isthmus.model.registry import model_named

SIDE = 1024


Sizes = dict[str, tuple[int, ...]]


def graph_macs(data: bytes, sizes: Sizes) -> int:
    """Of all convolutions of a graph.

    Args:
        sizes: by the names of its inputs, what their varying axes are.
    """
    model = onnx.load_from_string(data)
    for given in model.graph.input:
        varying = [dim for dim in given.type.tensor_type.shape.dim if dim.dim_param]
        for dim, size in zip(varying, sizes.get(given.name, ()), strict=True):
            dim.dim_value = size
    graph = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.value_info}
    shapes |= {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.output}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            total += math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    return total


def transform_macs(model: Model) -> int:
    """Of the exact transform one way: along the rows with the colours, then along the columns."""
    columns = len(np.unique(transform_of(model).channels[:, [0, 2]], axis=0))
    blocks = (SIDE // BLOCK) ** 2
    across = BLOCK * 2 * BLOCK * 3 * columns
    down = BLOCK * 2 * BLOCK * columns
    return blocks * (across + down)


def network_macs(model: Model) -> int:
    """Of the networks of synthesis, without the halo, which is the smaller the larger a tile is."""
    around = (SIDE // BLOCK + 1, SIDE // BLOCK + 1)
    trunk = graph_macs(model.arrays["trunk.onnx"].tobytes(), {"latents": around, "octaves": around})
    return trunk + graph_macs(model.arrays["grid.onnx"].tobytes(), {"hidden": around, "planes": (SIDE, SIDE)})


def count(model: Model) -> dict[str, float]:
    """Thousands of multiplications a pixel, by part: both ways walk the context model once."""
    latents = SIDE // BLOCK
    transform = transform_macs(model)
    synthesis = network_macs(model) + transform
    context = model.definition.macs(latents, latents)
    parts = {
        "analysis": transform,
        "context": context,
        "synthesis": synthesis,
        "encoding": transform + context,
        "decoding": context + synthesis,
    }
    return {name: round(float(np.divide(macs, SIDE**2 * 1000)), 2) for name, macs in parts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["best", "fast"], help="weights: files or models' names")
    parser.add_argument("-o", "--output", type=Path, help="write the figures here as JSON")
    asked = parser.parse_args()
    models = [model_named(spec) for spec in asked.models]
    record = {model.name: {"model": model.id.hex(), "kmac_per_pixel": count(model)} for model in models}
    print(json.dumps(record, indent=1))
    if asked.output:
        asked.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
