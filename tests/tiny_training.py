"""Training in miniature: networks of a few thousand weights, and a finished run of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isthmus.coding.formats import MEAN_STEPS
from isthmus.image.coders.separable.gains import STEPS as STEPS_OF_GAINS
from isthmus.image.coders.separable.synthesis import decode_tile, with_gains
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import Grid
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import load_model
from isthmus.train.config import TrainConfig
from isthmus.train.image.evaluation import reconstructed
from isthmus.train.image.lapped_transform import lapped_windows
from isthmus.train.image.modules import Network
from isthmus.train.initial import load_checkpoint
from isthmus.train.options import Request

TINY = {
    "network.latents": "24",
    "network.groups": "3,5,16",
    "network.points": "3",
    "network.context_width": "16",
    "network.dc_width": "16",
    "network.trunk_width": "16",
    "network.trunk_blocks": "1",
    "network.grid_width": "16",
    "network.grid_hidden": "12",
    "network.grid_blocks": "1",
    "network.corrected": "16",
    "batch": "2",
    "crop": "64",
    "warmup_steps": "5",
    "ema": "0.9",
    "learning_rate": "0.003",
    "checks": "2",
    "check_pictures": "1",
    "qualities": "20,50,80",
    "fit_pictures": "2",
    "fit_side": "128",
    "held_out_side": "128",
}
UNMEASURED = {"qualities": "50", "checks": "0"}
"""Where nobody looks at what is measured, little is."""
STEPS = 60


def tiny_config() -> TrainConfig:
    return TrainConfig().changed(TINY)


def tiny_transform() -> LappedTransform:
    """Of brightness and colours, its lowest frequencies: 3 DC, then 21 others."""
    forward, inverse = (windows.astype(np.float32) for windows in lapped_windows())
    colour = np.linalg.qr(np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1.0]]).T)[0].T
    every = np.array([[c, u, v] for u in range(4) for v in range(4) for c in range(3)])
    order = np.argsort(np.hypot(every[:, 1], every[:, 2]), kind="stable")[:24]
    return LappedTransform(forward, inverse, colour.astype(np.float32), every[order])


def tiny_request(folder: Path, output: Path, measured: bool = True, **rest: object) -> Request:
    settings = TINY if measured else TINY | UNMEASURED
    if rest.get("origin"):
        settings = {key: value for key, value in settings.items() if not key.startswith("network.")}
    elif rest.get("resume"):
        settings = {}
    return Request(folder, output, settings=tuple(settings.items()), device="cpu", float32=True, **rest)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Trained:
    """A finished run of the tiny networks."""

    output: Path
    workspace: Path
    said: list[str]

    @property
    def model(self) -> Model:
        return load_model(self.output)

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.from_dict(load_checkpoint(self.workspace / "checkpoint.pt")["config"])

    @property
    def network(self) -> Network:
        """The weights that were exported, before they were rounded."""
        network = Network(self.config.network)
        network.load_state_dict(load_checkpoint(self.workspace / "checkpoint.pt")["average"])
        return network.eval()


def made_by_training(network: Network, setting: Setting, payload: bytes, grid: Grid) -> np.ndarray:
    """The pixels (H, W, 3) uint8 that training would see of a payload's latents."""
    whole = with_gains(setting, decode_tile(setting, payload, grid, 0)).astype(np.float32)
    parts = (whole[:, :, :-1] / MEAN_STEPS, whole[:, :, -1:] / STEPS_OF_GAINS)
    planes = (torch.from_numpy(part.transpose(2, 0, 1)[None].copy()) for part in parts)
    dials = network.at(torch.tensor([setting.quality.hundredths / 1e4]), torch.tensor([setting.tune.share]))
    with torch.no_grad():
        seen = reconstructed(network, *planes, dials)
    return np.asarray(seen[0].permute(1, 2, 0).numpy())
