"""Training in miniature: networks of a few thousand weights, and a finished run of them."""

from dataclasses import dataclass
from pathlib import Path

from isthmus.model.model import Model
from isthmus.model.registry import load_model
from isthmus.train.config import TrainConfig
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
    "network.grid_blocks": "1",
    "batch": "2",
    "crop": "64",
    "warmup_steps": "5",
    "ema": "0.9",
    "learning_rate": "0.003",
    "checks": "2",
    "check_pictures": "1",
    "qualities": "20,50,80",
    "fit_pictures": "4",
    "fit_side": "128",
    "held_out_side": "128",
}
STEPS = 60


def tiny_config() -> TrainConfig:
    return TrainConfig().changed(TINY)


def tiny_request(folder: Path, output: Path, **rest: object) -> Request:
    settings = {} if rest.get("resume") else TINY
    if rest.get("origin"):
        settings = {key: value for key, value in TINY.items() if not key.startswith("network.")}
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
