"""Weights as the start of a larger, smaller or differently stepped network."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus.errors import InputError
from isthmus.model.file import save_model
from isthmus.train.config import NetworkConfig
from isthmus.train.image.evaluation import code, prepare
from isthmus.train.image.modules import Network
from isthmus.train.initial import load_weights
from isthmus.train.quantization import laplace_costs
from isthmus.train.reshape import reshaped
from isthmus.train.tables import laplace_tables
from tiny_training import Trained, tiny_config

LARGER = {
    "context_width": 24,
    "dc_width": 24,
    "trunk_width": 24,
    "trunk_blocks": 2,
    "grid_width": 20,
    "grid_hidden": 14,
    "grid_blocks": 3,
    "corrected": 20,
}


def network_of(config: NetworkConfig, state: dict[str, torch.Tensor]) -> Network:
    network = Network(config)
    network.load_state_dict(state)
    return network


def test_a_larger_network_begins_as_the_same_function(trained: Trained, photo: np.ndarray) -> None:
    before, pixels = trained.network, prepare(photo.transpose(2, 0, 1), trained.config.network.entropy)
    larger = replace(before.config, **LARGER)
    after = network_of(larger, reshaped(before.state_dict(), before.config, larger))
    for quality in (0.2, 0.8):
        expected, expected_bits = code(before, pixels, quality, 0.5)
        output, bits = code(after, pixels, quality, 0.5)
        assert float(bits.sum()) == pytest.approx(float(expected_bits.sum()), rel=1e-4)
        assert float((output.float() - expected.float()).abs().mean()) < 0.01


def test_what_is_added_can_be_trained(trained: Trained, photo: np.ndarray) -> None:
    larger = replace(trained.network.config, **LARGER)
    network = network_of(larger, reshaped(trained.network.state_dict(), trained.network.config, larger))
    # Whole pairs of blocks, and half a block around them.
    coefficients = torch.from_numpy(
        network.transform.exact().analyse(photo[:112, :112]).transpose(2, 0, 1)[None].copy()
    )
    output, bits, _ = network(coefficients, torch.tensor([0.6]), torch.tensor([1.0]))
    (output.square().mean() + bits.mean()).backward()
    mix = network.grid.blocks[2].mix.weight.grad
    last = network.context.passes["ac_1_0"].last.weight.grad
    assert mix is not None
    assert float(mix.abs().max()) > 0
    assert last is not None
    assert float(last[:, 16:].abs().max()) > 0


def test_a_smaller_network_keeps_the_layers_that_still_fit(trained: Trained) -> None:
    state = trained.network.state_dict()
    smaller = replace(trained.network.config, grid_width=8, context_width=8)
    found = reshaped(state, trained.network.config, smaller)
    for key in ("transform.channels", "trunk.enter.weight"):
        torch.testing.assert_close(found[key], state[key], rtol=0, atol=0)
    torch.testing.assert_close(
        found["context.passes.ac_1_0.last.bias"], state["context.passes.ac_1_0.last.bias"], rtol=0, atol=0
    )
    assert found["grid.last.weight"].shape[1] == 8
    assert float(found["grid.last.weight"].abs().max()) == 0


def test_other_steps_keep_what_each_step_meant(trained: Trained, photo: np.ndarray) -> None:
    before, pixels = trained.network, prepare(photo.transpose(2, 0, 1), trained.config.network.entropy)
    # Every second point of the new range lies on a point of the old one.
    ratio = before.config.coarsest_step / before.config.finest_step
    wider = replace(before.config, points=7, coarsest_step=before.config.coarsest_step * ratio**0.5)
    after = network_of(wider, reshaped(before.state_dict(), before.config, wider))
    for quality in (0.0, 0.5, 0.75):
        step = before.config.coarsest_step * (before.config.finest_step / before.config.coarsest_step) ** quality
        same = math.log(step / wider.coarsest_step) / math.log(wider.finest_step / wider.coarsest_step)
        expected, expected_bits = code(before, pixels, quality, 1.0)
        output, bits = code(after, pixels, same, 1.0)
        assert float(bits.sum()) == pytest.approx(float(expected_bits.sum()), rel=1e-3)
        assert float((output.float() - expected.float()).abs().mean()) < 0.05


def test_a_channels_step_keeps_its_relation_to_the_nominal_one(trained: Trained) -> None:
    before = trained.network
    other = replace(before.config, points=5, coarsest_step=500.0, finest_step=2.0)
    found = reshaped(before.state_dict(), before.config, other)
    assert float(before.eye.max() - before.eye.min()) > 0.5
    torch.testing.assert_close(found["eye"], before.eye, rtol=0, atol=0)
    expected = torch.linspace(math.log(500.0), math.log(2.0), 5)
    torch.testing.assert_close(found["nominal"], expected)


def test_other_latents_are_refused(trained: Trained) -> None:
    other = replace(trained.network.config, latents=25, groups=(3, 5, 17))
    with pytest.raises(InputError, match=r"latents and groups.*24 in groups \(3, 5, 16\), got 25"):
        reshaped(trained.network.state_dict(), trained.network.config, other)


def test_settings_of_the_network_change_the_shape_of_loaded_weights(trained: Trained) -> None:
    config, weights, _ = load_weights(str(trained.output), tiny_config(), {"network.grid_width": "24", "batch": "3"})
    assert config.network == replace(trained.config.network, grid_width=24)
    assert weights["grid.last.weight"].shape[1] == 24


def test_a_model_can_be_given_a_trellis(trained: Trained, tmp_path: Path) -> None:
    """Its symbols stand for other values, so their costs begin anew; a model keeps what it has."""
    plain = tmp_path / "plain.isthmodel"
    tables = laplace_tables().pack().astype(np.int32)
    save_model(plain, {**trained.model.arrays, "tables": tables}, trained.model.metadata)
    config, before, _ = load_weights(str(plain), tiny_config())
    assert not config.network.trellis
    config, after, _ = load_weights(str(plain), tiny_config(), {"network.trellis": "true"})
    assert config.network.trellis
    torch.testing.assert_close(after["context.costs"], laplace_costs(trellis=True))
    assert all(torch.equal(after[key], before[key]) for key in before if key != "context.costs")
    config, _, _ = load_weights(str(trained.output), tiny_config())
    assert config.network.trellis
