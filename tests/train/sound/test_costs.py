"""Costs of sounds in training: those of the coder's tables, with gradients that lead to them."""

import pytest
import torch

from isthmus.train.quantization import laplace_costs
from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.costs import coefficient_bits, interval_bits, level_bits, symbol_bits
from isthmus.train.sound.run import begun

CONFIG = SoundConfig(level_width=8, width=8)


def test_symbols_cost_what_the_tables_say() -> None:
    index, symbols = torch.arange(64.0)[:, None], torch.tensor([[0.0, 1, -2, 7]])
    torch.testing.assert_close(symbol_bits(symbols, index), laplace_costs()[:, [0, 1, 2, 7]], rtol=1e-4, atol=1e-4)


def test_intervals_are_symbols_where_those_are_whole() -> None:
    index, distance = torch.arange(20.0, 64)[:, None], torch.tensor([[0.0, 1, -2, 7]])
    torch.testing.assert_close(interval_bits(distance, index), symbol_bits(distance, index), rtol=1e-3, atol=1e-3)
    # Nearer is cheaper, without a jump at half a step.
    away = torch.linspace(0, 3, 301)
    costs = interval_bits(away, torch.full_like(away, 30.0))
    assert (costs.diff() > -1e-4).all()
    assert costs.diff().max() < 0.05


@pytest.mark.parametrize("bits", [level_bits, coefficient_bits])
def test_gradients_lead_down(bits: object) -> None:
    torch.manual_seed(0)
    context, y = begun(CONFIG), torch.randn(2, 34, 8, 8) * 3
    weights = torch.zeros(2, CONFIG.points)
    weights[:, 1] = 1
    optimizer = torch.optim.Adam(context.parameters(), 0.03)
    course = []
    for _ in range(30):
        optimizer.zero_grad()
        cost = bits(context, y, weights).sum()  # type: ignore[operator]
        cost.backward()
        optimizer.step()
        course.append(float(cost.detach()))
    assert course[-1] < 0.9 * course[0]
