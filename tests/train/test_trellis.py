"""Symbols of a trellis in training: values and bits are the codec's, and gradients pass as through rounding."""

import numpy as np
import pytest
import torch
from torch import library

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.trellis import FIRST_SCALE, SYMBOL_STEP, Trellis, residuals
from isthmus.errors import InputError
from isthmus.train.config import TrainConfig
from isthmus.train.quantization import COST_COLUMNS, laplace_costs, quantize
from isthmus.train.trellis import _path, along_trellis

SHAPE = (2, 3, 4, 5)


def case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    scale = torch.randint(4, 40, SHAPE, generator=generator).float()
    y = torch.randn(SHAPE, generator=generator) * 0.05 * 5120 ** (scale / 63)
    mean = torch.round(16 * torch.randn(SHAPE, generator=generator)) / 16
    return y + mean, mean, scale, torch.full((2, 1, 4, 5), 7.5)


def test_values_and_bits_are_the_codecs() -> None:
    y, mean, scale, importance = case()
    costs = laplace_costs(trellis=True)
    plain = quantize(y, mean, scale, costs, importance)
    found = along_trellis(y, mean, scale, costs, importance, plain)
    of_trellis = scale >= FIRST_SCALE
    for before, after in zip(plain, found, strict=True):
        assert torch.equal(before[~of_trellis], after[~of_trellis])
    symbols = found.symbols.reshape(-1).numpy().astype(np.int32)
    expected = residuals(symbols, scale.reshape(-1).numpy().astype(np.uint8), Trellis())
    np.testing.assert_allclose((found.decoded - mean).reshape(-1).numpy(), expected / MEAN_STEPS, atol=1e-5)
    inside = of_trellis & (found.symbols.abs() < COST_COLUMNS)
    rows, columns = scale[inside].long(), found.symbols[inside].abs().long()
    torch.testing.assert_close(found.bits[inside], costs[rows, columns])
    assert int((found.symbols[of_trellis] != 0).sum()) > 0
    # Cheaper together than the symbols that are rounded one by one, at the same tables.
    assert float((found.decoded - y)[of_trellis].abs().max()) <= 2 * SYMBOL_STEP


def test_gradients() -> None:
    """Of a latent straight through, of a zero to its mean; of bits along the slope between symbols."""
    y, mean, scale, importance = case()
    costs = laplace_costs(trellis=True)
    for one in (y, mean, scale):
        one.requires_grad_(True)
    plain = quantize(y, mean, scale, costs, importance)
    found = along_trellis(y, mean, scale, costs, importance, plain)
    of_trellis = scale.detach() >= FIRST_SCALE
    found.decoded.sum().backward(retain_graph=True)
    assert y.grad is not None
    torch.testing.assert_close(y.grad[of_trellis], (found.symbols != 0).float()[of_trellis])
    assert mean.grad is not None
    torch.testing.assert_close(mean.grad[of_trellis], (found.symbols == 0).float()[of_trellis])
    y.grad = None
    found.bits.sum().backward()
    inside = of_trellis & (found.symbols.abs() < COST_COLUMNS) & (found.symbols != 0)
    rows, columns = scale.detach()[inside].long(), found.symbols.detach()[inside].abs().long()
    slope = (costs[rows, columns] - costs[rows, columns - 1]) / SYMBOL_STEP
    torch.testing.assert_close(y.grad[inside], slope * found.symbols.detach()[inside].sign(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_compiler_may_take_the_search_as_it_is(layout: torch.memory_format) -> None:
    y, mean, scale, importance = case()
    x = (y - mean).contiguous(memory_format=layout)
    worth = importance.expand(SHAPE).contiguous()
    library.opcheck(_path, (x, scale, worth, laplace_costs(trellis=True)))


def test_runs_of_before_there_was_a_trellis_have_none() -> None:
    values = TrainConfig().as_dict()
    assert TrainConfig.from_dict(values).network.trellis
    del values["network"]["trellis"]
    assert not TrainConfig.from_dict(values).network.trellis
    with pytest.raises(InputError, match="another version"):
        TrainConfig.from_dict({**values, "network": {"trelis": True}})
