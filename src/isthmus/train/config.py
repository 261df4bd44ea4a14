"""The configuration of one training run: a frozen dataclass, kept whole in every checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

BLOCK = 16
"""Side of a transform block in pixels; one latent position per block."""


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the networks; everything that the weights' sizes depend on."""

    latents: int = 384
    """Latent channels per 16x16 block, of 768 that a lossless transform would need."""
    groups: tuple[int, ...] = (3, 13, 48, 112, 208)
    """Channels coded together; the first group holds the three DC coefficients."""
    points: int = 9
    """Quality points between which steps and biases are interpolated."""
    coarsest_step: float = 160.0
    """Quantization step at quality 0, in grey levels of an orthonormal transform."""
    finest_step: float = 4.0
    """Quantization step at quality 100."""
    context_width: int = 96
    """Channels of the context network."""
    dc_width: int = 64
    """Channels of the network that predicts DC coefficients."""
    trunk_width: int = 160
    """Channels of the synthesis network at 1/16 of the resolution."""
    trunk_blocks: int = 2
    """Residual blocks of the synthesis network at 1/16."""
    grid_width: int = 48
    """Channels of the synthesis network on the 1/4-resolution grid."""
    grid_blocks: int = 3
    """3x3 convolutions of the synthesis network on that grid."""


@dataclass(frozen=True)
class TrainConfig:
    """What a run does; `network` says what it trains."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    crop: int = 256
    """Side of a training crop in pixels, a multiple of 16."""
    batch: int = 8
    """Crops per step."""
    learning_rate: float = 1e-3
    """Peak rate of AdamW and Muon."""
    muon: bool = True
    """Train the networks' matrices with Muon instead of AdamW."""
    linear_rate_scale: float = 0.02
    """Rate of the linear transform and the steps, relative to `learning_rate`."""
    warmup_steps: int = 200
    """Steps of linear warm-up."""
    ema: float = 0.999
    """Decay of the moving average of the weights that is evaluated and exported."""
    distortion_weight: float = 7.5
    """Squared error in units of the squared step that costs as much as one bit."""
    rdoq: bool = True
    """Train on latents quantized with rate-distortion optimization, as the encoder does."""
    clip: float = 1.0
    """Bound on the gradient's norm."""
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """This configuration as plain JSON types."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> TrainConfig:
        """The configuration that `as_dict` wrote."""
        network = dict(values["network"])
        network["groups"] = tuple(network["groups"])
        return TrainConfig(**{**values, "network": NetworkConfig(**network)})
