"""Multiplications a pixel of encoding and decoding, counted from the arrays of a model.

    python benchmarks/complexity.py [MODEL...] -o docs/results/complexity.json

On a picture of 1024x1024: the synthesis networks by their weights, which all have 8 bits but those next to the pixels,
the context model by its definition, the exact transform by its two axes. Additions, activations and the entropy coder
are left out, as usual.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from isthmus.image.coders.separable.arrays import transform_of
from isthmus.image.coders.separable.networks import ACROSS, shape_of
from isthmus.image.grid import BLOCK
from isthmus.model.model import Model
from isthmus.model.registry import model_named

SIDE = 1024


def transform_macs(model: Model) -> int:
    """Of the exact transform one way: along the rows with the colours, then along the columns."""
    columns = len(np.unique(transform_of(model).channels[:, [0, 2]], axis=0))
    blocks = (SIDE // BLOCK) ** 2
    across = BLOCK * 2 * BLOCK * 3 * columns
    down = BLOCK * 2 * BLOCK * columns
    return blocks * (across + down)


def network_macs(model: Model) -> int:
    """Of the networks of synthesis, without the halo, which is the smaller the larger a tile is."""
    sizes = {name: model.arrays[name].size for name in shape_of(model).spec() if name.endswith(".weight")}
    coarse = sum(size for name, size in sizes.items() if name.startswith("trunk.")) + sizes.pop("grid.leave.weight")
    fine = sum(size for name, size in sizes.items() if name.startswith("grid."))
    return (SIDE // BLOCK) ** 2 * (coarse + ACROSS**2 * fine)


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
