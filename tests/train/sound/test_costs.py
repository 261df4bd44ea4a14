"""Costs of sounds in training: those of the coder's tables, with gradients that lead to them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from isthmus.train.context import ContextModel
from isthmus.train.quantization import laplace_bits, laplace_costs, laplace_scale
from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.costs import coefficient_bits, interval_bits, level_bits
from isthmus.train.sound.run import begun

CONFIG = SoundConfig(level_width=8, width=8)


def test_symbols_cost_what_the_tables_say() -> None:
    index, symbols = torch.arange(64.0)[:, None], torch.tensor([[0.0, 1, -2, 7]])
    torch.testing.assert_close(laplace_bits(symbols, index), laplace_costs()[:, [0, 1, 2, 7]], rtol=1e-4, atol=1e-4)
    # The density's integral over half a step on either side.
    scale, magnitude = laplace_scale(index.double()), symbols.double().abs()
    beyond = 0.5 * torch.exp((0.5 - magnitude) / scale) - 0.5 * torch.exp((-0.5 - magnitude) / scale)
    bits = -torch.log2(torch.where(magnitude > 0, beyond, 1 - torch.exp(-0.5 / scale)))
    torch.testing.assert_close(laplace_bits(symbols, index).double(), bits, rtol=1e-4, atol=1e-4)


def test_intervals_are_symbols_where_those_are_whole() -> None:
    index, distance = torch.arange(20.0, 64)[:, None], torch.tensor([[0.0, 1, -2, 7]])
    torch.testing.assert_close(interval_bits(distance, index), laplace_bits(distance, index), rtol=1e-3, atol=1e-3)
    # Nearer is cheaper, without a jump at half a step.
    away = torch.linspace(0, 3, 301)
    costs = interval_bits(away, torch.full_like(away, 30.0))
    assert (costs.diff() > -1e-4).all()
    assert costs.diff().max() < 0.05


@pytest.mark.parametrize("bits", [level_bits, coefficient_bits])
def test_gradients_lead_down(bits: Callable[[ContextModel, Tensor, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    context, y = begun(CONFIG), torch.randn(2, 34, 8, 8) * 3
    weights = torch.zeros(2, CONFIG.points)
    weights[:, 1] = 1
    optimizer = torch.optim.Adam(context.parameters(), 0.03)
    course = []
    for _ in range(30):
        optimizer.zero_grad()
        cost = bits(context, y, weights).sum()
        torch.autograd.backward(cost)
        optimizer.step()
        course.append(float(cost.detach()))
    assert course[-1] < 0.9 * course[0]
