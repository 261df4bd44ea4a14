"""The networks: an encoder, a bottleneck and a decoder built from one frozen description. Nothing here trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import get_args

import torch
from torch import Tensor, nn

from isthmus.autoencoder.choices import Kind

KINDS: tuple[str, ...] = get_args(Kind)
DEFAULT_HIDDEN = {"linear": (), "convolutional": (16, 32)}
LOG_VARIANCE_LIMIT = 10.0  # keeps exp() finite while the variational encoder is still untrained

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


@dataclass(frozen=True)
class NetworkSpec:
    """Everything needed to build a network again, and all of it goes into a model's file."""

    kind: str
    shape: tuple[int, ...]  # of one sample: (features,) or (H, W) or (H, W, C)
    code_size: int
    hidden: tuple[int, ...]  # units of the encoder's hidden layers (convolutional: channels); the decoder mirrors them
    activations: tuple[str, ...]  # of the hidden layers, encoder first, then decoder: 2 * len(hidden) names
    code_activation: str
    output_activation: str

    @property
    def features(self) -> int:
        """Numbers in one sample."""
        return prod(self.shape)


class Network(nn.Module):
    """An autoencoder over flat rows: ``(n, features)`` to codes ``(n, code_size)`` and back.

    A variational encoder gives the mean and the log variance of each code; its code is the mean.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        outputs = spec.code_size * (2 if spec.kind == "variational" else 1)
        build = _convolutional if spec.kind == "convolutional" else _dense
        self.encoder, self.decoder = build(spec, outputs)
        self.code_activation = ACTIVATIONS[spec.code_activation]()
        self.output_activation = ACTIVATIONS[spec.output_activation]()

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the codes, each ``(n, code_size)``; variational networks only."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return self.code_activation(mean), log_variance.clamp(-LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)

    def encode(self, x: Tensor) -> Tensor:
        """Codes ``(n, code_size)`` of rows ``(n, features)``."""
        if self.spec.kind == "variational":
            return self.moments(x)[0]
        code: Tensor = self.code_activation(self.encoder(x))
        return code

    def logits(self, code: Tensor) -> Tensor:
        """The decoder's last layer before its activation, ``(n, features)``."""
        rows: Tensor = self.decoder(code)
        return rows

    def decode(self, code: Tensor) -> Tensor:
        """Rows ``(n, features)`` rebuilt from codes ``(n, code_size)``."""
        rows: Tensor = self.output_activation(self.logits(code))
        return rows

    def forward(self, x: Tensor) -> Tensor:
        """Rows through the bottleneck and back, ``(n, features)``."""
        return self.decode(self.encode(x))

    def learned_features(self, code: Tensor) -> Tensor:
        """``(code_size, features)``: what each code number adds to the picture.

        For one decoding layer these are the columns of its weights W_d. With hidden layers there is no such matrix: the
        answer is then the decoder's slope at ``code (code_size,)``, which is what a small step of that number adds.
        """
        if len(self.decoder) == 1 and isinstance(self.decoder[0], nn.Linear):
            columns: Tensor = self.decoder[0].weight.detach().T.clone()
            return columns
        slope: Tensor = torch.func.jacrev(lambda near: self.decode(near[None])[0])(code)
        return slope.detach().T.clone()


def _dense(spec: NetworkSpec, outputs: int) -> tuple[nn.Sequential, nn.Sequential]:
    depth = len(spec.hidden)
    encoder, decoder = nn.Sequential(), nn.Sequential()
    widths = (spec.features, *spec.hidden)
    for index in range(depth):
        encoder.append(nn.Linear(widths[index], widths[index + 1]))
        encoder.append(ACTIVATIONS[spec.activations[index]]())
    encoder.append(nn.Linear(widths[-1], outputs))
    widths = (spec.code_size, *reversed(spec.hidden))
    for index in range(depth):
        decoder.append(nn.Linear(widths[index], widths[index + 1]))
        decoder.append(ACTIVATIONS[spec.activations[depth + index]]())
    decoder.append(nn.Linear(widths[-1], spec.features))
    return encoder, decoder


def _convolutional(spec: NetworkSpec, outputs: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Each hidden layer halves height and width (rounding up) with 3x3 filters at stride 2; the decoder undoes it."""
    depth = len(spec.hidden)
    height, width, channels = (*spec.shape, 1)[:3]
    sizes = [(height, width)]
    for _ in range(depth):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    counts = (channels, *spec.hidden)
    smallest = (counts[-1], *sizes[-1])
    encoder = nn.Sequential(_ToPlanes((height, width, channels)))
    for index in range(depth):
        encoder.append(nn.Conv2d(counts[index], counts[index + 1], 3, stride=2, padding=1))
        encoder.append(ACTIVATIONS[spec.activations[index]]())
    encoder.extend([nn.Flatten(), nn.Linear(prod(smallest), outputs)])
    decoder = nn.Sequential(nn.Linear(spec.code_size, prod(smallest)), nn.Unflatten(1, smallest))
    for index in range(depth):
        decoder.append(ACTIVATIONS[spec.activations[depth + index]]())
        here, there = sizes[depth - index], sizes[depth - index - 1]
        extra = (there[0] - 2 * here[0] + 1, there[1] - 2 * here[1] + 1)  # 1 where the halving met an even size
        decoder.append(
            nn.ConvTranspose2d(
                counts[depth - index], counts[depth - index - 1], 3, stride=2, padding=1, output_padding=extra
            )
        )
    decoder.append(_ToRows())
    return encoder, decoder


class _ToPlanes(nn.Module):
    """Rows ``(n, H*W*C)`` to planes ``(n, C, H, W)``."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.view(len(x), *self.shape).permute(0, 3, 1, 2)


class _ToRows(nn.Module):
    """Planes ``(n, C, H, W)`` to rows ``(n, H*W*C)``."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)
