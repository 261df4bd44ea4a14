"""Single training steps: what the loss is, and that the network can be compiled whole."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from isthmus.train.image.catalogue import look_through
from isthmus.train.image.data import load_round, make_batch
from isthmus.train.image.modules import Network
from isthmus.train.loop import learning_rate, losses, make_optimizers, reference_bpp
from isthmus.train.muon import orthogonalise
from tiny_training import tiny_config


def test_the_compiler_takes_the_network_whole() -> None:
    """A GPU runs it compiled; every break in the graph would cost speed, and this finds them without one."""
    config = tiny_config()
    network = Network(config.network)
    pixels = 30 * torch.randn(2, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    quality = torch.tensor([0.2, 0.7])
    plain = losses(network, pixels, quality, config, torch.float32)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True, dynamic=False)
    found = losses(compiled, pixels, quality, config, torch.float32)
    torch.testing.assert_close(found.cost, plain.cost)
    found.gradient.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_reported_loss_is_the_cost_in_a_fixed_unit(folder: Path) -> None:
    """Its unit depends on the quality alone, while the gradient's weights follow the rate."""
    config = tiny_config()
    network = Network(config.network)
    pictures, _ = load_round(look_through(folder, None, config), config, 0)
    batch, quality = make_batch(pictures, config, 0, 0)
    found = losses(network, batch.float() - 128, quality, config, torch.float32)
    expected = (
        found.bpp
        + config.distortion_weight * 3 * found.mse / torch.exp(network.quality_weights(quality) @ network.nominal) ** 2
    )
    torch.testing.assert_close(found.cost, expected)
    torch.testing.assert_close(found.gradient, (found.cost / (found.bpp + 0.1)).mean())
    unit = reference_bpp(torch.tensor([0.0, 0.5, 1.0]))
    assert unit.tolist() == pytest.approx([0.17, 0.642, 4.3], rel=1e-3)


def test_every_parameter_has_one_optimizer() -> None:
    config = tiny_config()
    network = Network(config.network)
    held = [
        id(p)
        for o in make_optimizers(network, config, torch.float32)
        for group in o.param_groups
        for p in group["params"]
    ]
    assert sorted(held) == sorted(id(parameter) for parameter in network.parameters())


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    config = tiny_config()
    rates = [learning_rate(step / 100, step, config) for step in range(101)]
    assert rates[0] == pytest.approx(config.learning_rate / 5, rel=0.01)
    assert max(rates) == pytest.approx(config.learning_rate, rel=0.02)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert all(a > b for a, b in pairwise(rates[5:]))


def test_muon_updates_alike_in_either_precision() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(2, 24, 40)
    exact, rough = orthogonalise(matrices, torch.float32), orthogonalise(matrices, torch.bfloat16)
    assert float((exact - rough).norm() / exact.norm()) < 0.1
    # Nearly orthogonal rows: singular values near one.
    values = torch.linalg.svdvals(exact)
    assert 0.6 < float(values.min()) <= float(values.max()) < 1.3
