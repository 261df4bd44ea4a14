"""Single training steps: what the loss is, and that the network can be compiled whole."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from isthmus.coding import kinds
from isthmus.coding.boards import Board
from isthmus.train.image.catalogue import look_through
from isthmus.train.image.data import Batch, load_round, make_batch
from isthmus.train.image.modules import Network
from isthmus.train.loop import learning_rate, losses, make_optimizers, reference_bpp
from isthmus.train.muon import orthogonalise
from tiny_training import tiny_config, tiny_transform


def test_the_compiler_takes_the_network_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU runs it compiled; every break in the graph would cost speed, and this finds them without one."""
    # The passes of a group differ in numbers alone: two of the first show what five would, in less time.
    monkeypatch.setattr(kinds, "LATTICES", Board(((0, 1), (1, 0))))
    config = tiny_config()
    network = Network(config.network)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2, 3, 80, 80), generator=generator, dtype=torch.uint8)
    coefficients = 30 * torch.randn(2, config.network.latents, 4, 4, generator=generator)
    batch = Batch(pixels, coefficients, torch.tensor([0.2, 0.7]), torch.tensor([1.0, 0.0]))
    network.transform.load(tiny_transform())
    plain = losses(network, batch, config, torch.float32)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True, dynamic=False)
    found = losses(compiled, batch, config, torch.float32)
    torch.testing.assert_close(found.cost, plain.cost)
    found.gradient.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_reported_loss_is_the_cost_in_a_fixed_unit(folder: Path) -> None:
    """Its unit depends on the quality alone, while the gradient's weights follow the rate."""
    config = tiny_config()
    network = Network(config.network)
    pictures, _ = load_round(look_through(folder, None, config), config, 0)
    network.transform.load(tiny_transform())
    batch = make_batch(pictures, tiny_transform(), config, 0, 0)
    found = losses(network, batch, config, torch.float32)
    nominal = torch.exp(network.quality_weights(batch.quality) @ network.nominal)
    torch.testing.assert_close(found.cost, found.bpp + config.distortion_weight * 3 * found.mse / nominal**2)
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


def test_the_entropy_model_has_a_rate_of_its_own() -> None:
    config = tiny_config()
    network = Network(config.network)
    scales = {
        id(parameter): group["scale"]
        for optimizer in make_optimizers(network, config, torch.float32)
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert config.context_rate == 0.5
    for name, parameter in network.named_parameters():
        assert scales[id(parameter)] == (0.5 if name.startswith("context.") else 1.0), name
    muon = make_optimizers(network, config, torch.float32)[1]
    by_muon = {id(parameter) for group in muon.param_groups for parameter in group["params"]}
    names = {name for name, parameter in network.named_parameters() if id(parameter) in by_muon}
    assert {"trunk.correct.weight", "grid.pixels.weight", "context.passes.ac_1_0.spatial.weight"} <= names
    assert not [name for name in names if name.endswith(("quality", "tuned", "bias", "depthwise.weight"))]


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
