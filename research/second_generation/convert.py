"""From a checkpoint of the training here to one that `isthmus train FOLDER --from FILE.pt` takes:

python research/second_generation/convert.py CHECKPOINT.pt FILE.pt     or weights/NAME.npz for the checkpoint

The averaged weights go over, not the state of the optimizers. With --finish, isthmus train writes the model file at
once.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from network import FLOOR, POWER, PRESETS
from network import Network as Trained
from torch import Tensor

from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.train.config import NetworkConfig, TrainConfig
from isthmus.train.image.lapped_transform import lapped_windows
from isthmus.train.image.modules import Network
from isthmus.train.initial import load_checkpoint

State = Mapping[str, Tensor]
TRUNK = ("enter.", "blocks.", "correct.")
"""What of the synthesis here is the trunk there; the rest is the grid."""


def averaged(path: Path) -> tuple[str, int, State]:
    """The model of the first generation that a run began from, its steps as far as they are known, and its state."""
    if path.suffix == ".npz":
        config = PRESETS[path.stem]
        with np.load(path) as stored:
            weights = {key: torch.from_numpy(value.astype(np.float32)) for key, value in stored.items()}
        return config.start, 0, {**Trained(config).state_dict(), **weights}
    saved = load_checkpoint(path)
    return saved["config"]["start"], saved["step"], saved["average"]


def shape_of(state: State) -> NetworkConfig:
    """The shape of networks, from the shapes of their weights."""
    per_group = {key: len(value) // 2 for key, value in state.items() if key.endswith("_0.net.last.bias")}
    nominal = torch.exp(state["nominal"].double())
    return NetworkConfig(
        latents=len(state["rel"]),
        groups=tuple(per_group.values()),
        points=len(state["nominal"]),
        coarsest_step=round(float(nominal[0]), 3),
        finest_step=round(float(nominal[-1]), 3),
        context_width=state["context.passes.ac_1_0.tuned"].shape[1],
        dc_width=state["context.passes.dc_0.tuned"].shape[1],
        trunk_width=len(state["synthesis.enter.bias"]),
        trunk_blocks=sum(key.endswith("depthwise.bias") for key in state),
        corrected=len(state["synthesis.correct.bias"]),
        grid_width=len(state["synthesis.pixels.bias"]),
        grid_hidden=len(state["synthesis.spatial.0.bias"]),
        grid_blocks=sum(key.startswith("synthesis.spatial") and key.endswith("bias") for key in state),
        gain_floor=FLOOR,
        gain_power=POWER,
    )


def exact_transform(state: State) -> LappedTransform:
    """The transform that the latents are of."""
    place = state["synthesis.place"].numpy()
    channels = np.stack([place // 16 % 3, place // 48, place % 16], 1)
    colour = torch.linalg.inv(state["synthesis.colour"].double()).float().numpy()
    forward = lapped_windows()[0].astype(np.float32)
    return LappedTransform(forward, state["synthesis.inverse"].numpy(), colour, channels)


def converted(state: State) -> tuple[NetworkConfig, dict[str, Tensor]]:
    """The shape and the state of the network in `isthmus.train`."""
    shape = shape_of(state)
    network = Network(shape)
    network.begin(exact_transform(state), state["rel"])
    network.nominal.copy_(state["nominal"])
    network.signs.copy_(state["sign"])
    own = network.state_dict()
    quality, tuned = state["synthesis.quality"]
    found = {"trunk.quality": quality, "trunk.tuned": tuned}
    for key, value in state.items():
        if key.startswith("context."):
            found[key.replace(".net.", ".")] = value
        elif key.startswith("synthesis."):
            name = key.removeprefix("synthesis.")
            target = f"{'trunk' if name.startswith(TRUNK) else 'grid'}.{name}"
            if target in own:
                found[target] = value.reshape(own[target].shape)
    kept = {key: value for key, value in own.items() if key.startswith("transform.") or "." not in key}
    network.load_state_dict({**kept, **found})
    return shape, network.state_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args()
    _, step, state = averaged(asked.checkpoint)
    shape, average = converted(state)
    torch.save({"average": average, "config": TrainConfig(shape).as_dict(), "step": step}, asked.target)


if __name__ == "__main__":
    main()
