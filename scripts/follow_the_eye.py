"""Give weights of equal steps the steps of today's starts: python scripts/follow_the_eye.py WEIGHTS CHECKPOINT.pt

WEIGHTS is whatever `isthmus train --from` takes, and `isthmus train FOLDER --from CHECKPOINT.pt` trains on. The release
weights of 2026-11-24 came about so: their first stages had equal steps.

Which colour and frequency a channel has is read off its filter: the cosine function and colour that it resembles most.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from isthmus.train.config import BLOCK, TrainConfig
from isthmus.train.image.lapped_transform import lapped_windows, relative_log_steps
from isthmus.train.initial import load_weights


def channels(filters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour (0, 1, 2), vertical and horizontal frequency of analysis filters (latents, 3, 32, 32), DC first."""
    forward, _ = lapped_windows()
    parts = np.einsum("ncij,ui,vj->ncuv", filters, forward, forward)
    energy = (parts**2).sum(1).reshape(len(filters), -1)
    u, v = np.unravel_index(energy.argmax(1), (BLOCK, BLOCK))
    colour = parts[np.arange(len(filters)), :, u, v]
    colour /= np.linalg.norm(colour, axis=1, keepdims=True)
    # The three DC channels are the three colours.
    return np.abs(colour @ colour[:3].T).argmax(1), u.astype(np.float64), v.astype(np.float64)


def follow_the_eye(state: dict[str, torch.Tensor]) -> None:
    """Sets the steps in the state of a network."""
    weight = state["analysis.linear.weight"].double().numpy()
    n = len(weight)
    filters = weight.reshape(n, 3, BLOCK, BLOCK, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n, 3, 2 * BLOCK, 2 * BLOCK)
    relative = torch.from_numpy(relative_log_steps(*channels(filters))).float()
    state["log_steps"] = state["nominal"][:, None] + relative[None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("checkpoint", type=Path)
    asked = parser.parse_args()
    config, state, _ = load_weights(asked.weights, TrainConfig())
    follow_the_eye(state)
    torch.save({"average": state, "config": config.as_dict(), "step": 0}, asked.checkpoint)


if __name__ == "__main__":
    main()
