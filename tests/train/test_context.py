"""The entropy model in training form: its costs, its gradients, and that the fixed-point one does the same."""

import numpy as np
import pytest
import torch

from isthmus.coding.boards import CHECKERBOARD, LATTICES, Board, phases
from isthmus.coding.formats import MEAN_STEPS, SCALES
from isthmus.train import context
from isthmus.train.context import merge_board, split_board
from isthmus.train.image.evaluation import code, prepare
from isthmus.train.initial import network_of
from isthmus.train.quantization import COST_COLUMNS, laplace_costs, quantize
from tiny_training import Trained


def case(count: int = 4000) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latents, means and scale indices of every kind."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.exp(torch.rand(count, generator=generator) * 6 - 2)
    y = torch.randn(count, generator=generator) * spread
    mean = torch.randn(count, generator=generator) * 3
    scale = torch.rand(count, generator=generator) * (SCALES - 1)
    return y, mean, scale


def cost_of(symbol: int, scale: int) -> float:
    costs = laplace_costs()[scale].double()
    inside = min(symbol, COST_COLUMNS - 1)
    return float(costs[inside] + (symbol - inside) * (costs[-1] - costs[-2]))


def test_plain_rounding() -> None:
    y, mean, scale = case()
    decoded, bits, symbols = quantize(y, mean, scale, laplace_costs(), None)
    assert (decoded - y).abs().max() <= 0.5 + 1e-5
    torch.testing.assert_close(decoded * 16, torch.round(decoded * 16))
    assert (bits > 0).all()
    torch.testing.assert_close(symbols, torch.round(symbols))


def test_bits_are_the_costs_of_the_symbols() -> None:
    y, mean, scale = case(500)
    scale = torch.floor(scale)
    _, bits, symbols = quantize(y, mean, scale, laplace_costs(), None)
    expected = [cost_of(abs(int(s)), int(r)) for s, r in zip(symbols, scale, strict=True)]
    torch.testing.assert_close(bits, torch.tensor(expected), rtol=1e-4, atol=1e-4)


def test_the_choice_weighs_bits_against_error() -> None:
    y, mean, scale = case(500)
    scale = torch.floor(scale)
    weight = 5.0
    decoded, _, symbols = quantize(y, mean, scale, laplace_costs(), torch.full_like(y, weight))
    plain, _, nearest = quantize(y, mean, scale, laplace_costs(), None)
    centre = decoded - symbols
    moved = 0
    for i in range(len(y)):
        options = {int(nearest[i]), int(nearest[i] - torch.sign(nearest[i]))}
        score = {s: cost_of(abs(s), int(scale[i])) + weight * float(y[i] - centre[i] - s) ** 2 for s in options}
        assert score[int(symbols[i])] <= min(score.values()) + 1e-3
        moved += int(symbols[i]) != int(nearest[i])
    assert moved > 20
    assert (decoded - plain).abs().max() <= 1


def test_gradients() -> None:
    """Of scales as finite differences have it; of a latent straight through the rounding, of a zero's mean instead."""
    y, mean, scale = case(2000)
    scale = torch.floor(scale) + 0.3
    scale.requires_grad_(True)
    y.requires_grad_(True)
    decoded, bits, _ = quantize(y, mean, scale, laplace_costs(), None)
    bits.sum().backward()
    step = 0.25
    with torch.no_grad():
        up = quantize(y, mean, scale + step, laplace_costs(), None)[1]
        down = quantize(y, mean, scale - step, laplace_costs(), None)[1]
    assert scale.grad is not None
    inside = decoded.detach().sub(mean).abs() < COST_COLUMNS - 1
    torch.testing.assert_close(scale.grad[inside], ((up - down) / (2 * step))[inside], rtol=1e-3, atol=1e-3)
    y.grad = None
    mean.requires_grad_(True)
    decoded, _, symbols = quantize(y, mean, scale, laplace_costs(), None)
    decoded.sum().backward()
    assert 0 < int((symbols == 0).sum()) < len(symbols)
    torch.testing.assert_close(y.grad, (symbols != 0).float())
    torch.testing.assert_close(mean.grad, (symbols == 0).float())


@pytest.mark.parametrize("board", [CHECKERBOARD, LATTICES, Board(((0, 2, 1),))], ids=["halves", "lattices", "thirds"])
def test_the_phases_of_a_board_come_back(board: Board) -> None:
    x = torch.arange(2 * 3 * 4 * 12.0).reshape(2, 3, 4, 12) + 1
    parts = [split_board(x, board, phase) for phase in board.phases]
    assert torch.equal(merge_board(parts, board), x)
    # Of the first phases alone: zero where the others are.
    known = torch.from_numpy(phases(board, 4, 12) < 1)
    assert torch.equal(merge_board(parts[:1], board), torch.where(known, x, 0))


@pytest.mark.parametrize("quality", [500, 5000, 9500])
def test_fixed_point_agrees_with_training(
    trained: Trained, photo: np.ndarray, quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the same decoded latents, both predict the same means and scales, up to their own rounding."""
    network, seen = network_of(trained.model), []

    coded = context._Coding.__call__

    def recording(coding, y, mean, scale, importance):
        result = coded(coding, y, mean, scale, importance)
        seen.append((mean.detach(), scale.detach(), result[0].detach()))
        return result

    monkeypatch.setattr(context._Coding, "__call__", recording)
    pixels = prepare(photo.transpose(2, 0, 1), trained.config.network.entropy)
    code(network, pixels, quality / 10_000, 1.0)
    height, width = pixels.shape[2] // 16, pixels.shape[3] // 16

    lattice = torch.from_numpy(phases(LATTICES, height, width))
    planes = [sum(torch.where(lattice == p, seen[p][k][0], 0) for p in LATTICES.phases) for k in range(3)]
    full = [[plane] for plane in planes]
    for at in range(len(LATTICES.phases), len(seen), 2):
        for k in range(3):
            full[k].append(merge_board([seen[at][k], seen[at + 1][k]], CHECKERBOARD)[0])
    mean, scale, decoded = (torch.cat(part).flatten(1).T.numpy().astype(np.float64) for part in full)
    differences: list[tuple[float, float]] = []

    def follow(channels: slice, at: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        differences.append(
            (
                np.abs(means / MEAN_STEPS - mean[at, channels]).max(),
                np.abs(scales - np.floor(scale[at, channels] + 0.5)).max(),
            )
        )
        return np.rint(decoded[at, channels] * MEAN_STEPS).astype(np.int32)

    trained.model.context.walk(height, width, quality, follow, tune=100)
    assert len(differences) == len(LATTICES.phases) + 2 * (len(network.config.groups) - 1)
    assert max(scales for _, scales in differences) <= 1
    # Half a step of the means' own grid, 1/32, is rounding; a step more where a mean of neighbours lies on an edge.
    assert max(means for means, _ in differences) <= 1 / 32 + 1 / 16
