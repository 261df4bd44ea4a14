"""Where training begins: the first generation's synthesis, narrowed to the main directions of what flows through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from network import GRID, Network
from torch import Tensor

from isthmus.coding.formats import SLOPE
from isthmus.image.grid import BLOCK
from isthmus.train.context import highpass
from isthmus.train.image.modules import Network as First
from isthmus.train.image.modules import Synthesis as FirstSynthesis
from isthmus.train.quantization import compand


@torch.no_grad()
def begin(network: Network, pictures: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Copies the first generation's synthesis into a network; pictures (H, W, 3), multiples of 16, show what flows."""
    (old,) = network.old
    directions, hidden = _directions(old, pictures, network.config.grid, network.config.hidden)
    source, target = old.synthesis, network.synthesis
    target.enter.weight.zero_()
    target.enter.weight[:, :-1].copy_(source.enter.weight)
    target.enter.bias.copy_(source.enter.bias)
    target.quality[0].copy_(source.quality)
    target.blocks.load_state_dict(source.blocks.state_dict())
    into = directions.T
    # pixel_shuffle orders channels (grid channel, row, column).
    cells = (BLOCK // GRID) ** 2
    leave = source.leave.weight.reshape(-1, cells, source.leave.weight.shape[1])
    target.leave.weight.copy_(torch.einsum("kg,gcw->kcw", into, leave).reshape(target.leave.weight.shape))
    target.leave.bias.copy_((into @ source.leave.bias.reshape(-1, cells)).reshape(-1))
    target.pixels.weight.copy_(torch.einsum("kg,gchw->kchw", into, source.pixels.weight))
    target.pixels.bias.copy_(into @ source.pixels.bias)
    for index, kept in enumerate(hidden):
        spatial = source.spatial[index].weight[kept]
        target.spatial[index].weight.copy_(torch.einsum("ogij,gk->okij", spatial, directions))
        target.spatial[index].bias.copy_(source.spatial[index].bias[kept])
        target.mix[index].weight.copy_(torch.einsum("kg,gohw->kohw", into, source.mix[index].weight[:, kept]))
        target.mix[index].bias.copy_(into @ source.mix[index].bias)
    target.last.weight.copy_(torch.einsum("pghw,gk->pkhw", source.last.weight, directions))
    target.last.bias.copy_(source.last.bias)


def _directions(
    old: First, pictures: Sequence[npt.NDArray[np.uint8]], count: int, hidden_count: int
) -> tuple[Tensor, list[Tensor]]:
    """(grid, count) orthonormal, and of every layer the (hidden_count,) hidden channels that matter most."""
    layers = len(old.synthesis.spatial)
    width = old.synthesis.pixels.weight.shape[0]
    covariance = torch.zeros(width, width, dtype=torch.float64)
    power = torch.zeros(layers, width, dtype=torch.float64)
    for index, picture in enumerate(pictures):
        pixels = torch.from_numpy(picture[:272, :272].transpose(2, 0, 1)[None].astype(np.float32)) - 128
        quality = torch.tensor([0.1 + 0.8 * (index % 5) / 4])
        dial = old.at(quality)
        y = old.analysis(pixels, dial.steps)
        decoded, _ = old.quantized(y, dial, 28.0)
        for stage, grid, activity in _flow(old.synthesis, decoded, dial.steps, dial.nominal, dial.weights):
            flat = grid[0].flatten(1).double()
            covariance += flat @ flat.T / flat.shape[1]
            if activity is not None:
                power[stage] += (activity[0].double() ** 2).mean((1, 2))
    _, vectors = torch.linalg.eigh(covariance)
    directions = vectors[:, -count:].float() if count < width else torch.eye(width)
    hidden = []
    for stage in range(layers):
        reach = (directions.T @ old.synthesis.mix[stage].weight[:, :, 0, 0]).square().sum(0)
        worth = power[stage].float() * reach
        hidden.append(torch.topk(worth, hidden_count).indices.sort().values)
    return directions, hidden


def _flow(
    net: FirstSynthesis, y: Tensor, steps: Tensor, nominal: Tensor, weights: Tensor
) -> Iterator[tuple[int, Tensor, Tensor | None]]:
    """(stage, grid, what its hidden layer says) after every layer of the first generation's synthesis."""
    scale = nominal[:, None, None, None]
    linear = F.pixel_shuffle(net.linear(y * steps[:, :, None, None]), BLOCK // GRID)
    features = torch.cat([compand(highpass(y[:, :3], (3, 3))), compand(y[:, 3:])], 1)
    bias = (weights @ net.quality)[:, :, None, None]
    hidden = net.blocks(F.leaky_relu(net.enter(features) + bias, SLOPE))
    grid = F.pixel_shuffle(net.leave(hidden), BLOCK // GRID)[:, :, 2:-2, 2:-2] + net.pixels(linear / scale)
    yield 0, grid, None
    for stage, (spatial, mix) in enumerate(zip(net.spatial, net.mix, strict=True)):
        active = F.leaky_relu(spatial(grid), SLOPE)
        grid = grid + mix(active)
        yield stage, grid, active
