"""From weights to a model file: the same bytes every time, and files of the size that training promised."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus.coding.formats import SCALES
from isthmus.coding.payload import CHECK_BYTES
from isthmus.coding.tables import Tables
from isthmus.errors import InputError, MissingExtraError
from isthmus.image.coders.lapped.coder import LappedCoder
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.grid import Grid
from isthmus.medium.setting import Setting
from isthmus.model.registry import load_model
from isthmus.quality import Quality
from isthmus.train.config import TrainConfig
from isthmus.train.curve import means
from isthmus.train.export import export_model
from isthmus.train.image.evaluation import code, measure, prepare
from isthmus.train.image.modules import Network
from isthmus.train.initial import load_checkpoint, load_weights
from isthmus.train.quantization import SCALE_MAX, SCALE_MIN
from isthmus.train.tables import fit_tables, laplace_tables, training_costs
from tiny_training import Trained, tiny_config


def tables_of(trained: Trained) -> Tables:
    return Tables.unpack(np.array(load_checkpoint(trained.workspace / "checkpoint.pt")["course"]["tables"]))


def test_the_same_weights_give_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    metadata = trained.model.metadata
    again = tmp_path / "again.isthmodel"
    export_model(trained.network, again, "tiny", {"training": metadata["training"]}, tables_of(trained))
    assert again.read_bytes() == trained.output.read_bytes()


def with_fitting_scales(network: Network, pixels: torch.Tensor, config: TrainConfig) -> Network:
    """Scale indices set to the spread of every output's symbols at middle quality: a real run takes long for that."""
    spreads: list[float] = []
    code(network, pixels, 0.5, config, lambda symbols, _: spreads.append(float(symbols.abs().mean())))
    model = network.context
    last = [model.network(one).last for one in model.definition.passes]
    assert len(spreads) == len(last)
    for layer, spread in zip(last, spreads, strict=True):
        n = len(layer.bias) // 2
        layer.weight.data[n:] = 0
        layer.bias.data[n:] = (
            (SCALES - 1) * math.log(max(spread, SCALE_MIN) / SCALE_MIN) / math.log(SCALE_MAX / SCALE_MIN)
        )
    return network


def test_files_are_as_large_as_training_says(trained: Trained, photo: np.ndarray, tmp_path: Path) -> None:
    config, pictures = trained.config, [photo.transpose(2, 0, 1)]
    network = with_fitting_scales(trained.network, prepare(pictures[0], trained.config.network.entropy), config)
    tables = fit_tables(network, pictures, replace(config, fit_side=256))
    export_model(network, tmp_path / "x.isthmodel", "x", {}, tables)
    (point,) = means(measure(network, pictures, [50], config, torch.float32))
    setting = Setting(load_model(tmp_path / "x.isthmodel"), Quality(5000), 1)
    (payload,) = LappedCoder().encode_tiles(setting, ArraySource(photo))
    written = 8 * (len(payload) - CHECK_BYTES) / (photo.shape[0] * photo.shape[1])
    assert written == pytest.approx(point.bpp, rel=0.02)


def test_pictures_decode_as_training_saw_them(trained: Trained, photo: np.ndarray) -> None:
    seen, _ = code(
        trained.network, prepare(photo.transpose(2, 0, 1), trained.config.network.entropy), 0.5, trained.config
    )
    setting = Setting(trained.model, Quality(5000), 1)
    payloads = list(LappedCoder().encode_tiles(setting, ArraySource(photo)))
    grid = Grid(photo.shape[1], photo.shape[0])
    decoded = LappedCoder().decode_window(setting, payloads.__getitem__, grid, grid.box)
    difference = np.abs(decoded.astype(int) - seen[0].permute(1, 2, 0).numpy())
    # A latent that lies on the edge between two symbols may fall either way.
    assert difference.mean() < 0.5


def test_a_model_file_gives_the_weights_back(trained: Trained) -> None:
    config, weights, origin = load_weights(str(trained.output), tiny_config())
    assert config.network == trained.config.network
    assert trained.model.id.hex() in origin
    own = trained.network.state_dict()
    assert weights.keys() == own.keys()
    for key, value in own.items():
        tolerance = 2.0**-13 if key.startswith("context.") and key != "context.costs" else 1e-6
        np.testing.assert_allclose(weights[key].numpy(), value.numpy(), rtol=1e-3, atol=tolerance + 1e-4, err_msg=key)


def test_a_checkpoint_gives_the_weights_back(trained: Trained) -> None:
    config, weights, _ = load_weights(str(trained.workspace / "checkpoint.pt"), TrainConfig())
    assert config.network == trained.config.network
    for key, value in trained.network.state_dict().items():
        np.testing.assert_array_equal(weights[key].numpy(), value.numpy())


def test_measured_tables_are_better_than_the_first(trained: Trained, photo: np.ndarray) -> None:
    network, first = trained.network, laplace_tables()
    pictures = [photo.transpose(2, 0, 1)]
    network.context.costs.copy_(training_costs(first))
    config = replace(trained.config, rdoq_weight=0.0)
    before = means(measure(network, pictures, [20, 50, 80], config, torch.float32))
    fit_tables(network, pictures, config)
    after = means(measure(network, pictures, [20, 50, 80], config, torch.float32))
    assert sum(p.bpp for p in after) < sum(p.bpp for p in before)
    assert [p.psnr_db for p in after] == [p.psnr_db for p in before]


def test_symbols_never_cost_less_than_smaller_ones() -> None:
    costs = training_costs(laplace_tables()).numpy()
    assert (np.diff(costs, axis=1) >= 0).all()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"onnx.*isthmus\[train\]"):
        export_model(Network(tiny_config().network), tmp_path / "x.isthmodel", "x", {}, laplace_tables())
    assert not list(tmp_path.iterdir())


def test_a_model_in_bytes_is_trained_and_codes(trained: Trained, photo: np.ndarray, tmp_path: Path) -> None:
    """The same weights, rounded to 8 bits: they cost little, and the decoder gets what training saw."""
    config, weights, _ = load_weights(str(trained.output), tiny_config(), {"network.numbers": "bytes"})
    network = Network(config.network)
    network.load_state_dict(weights)
    pixels = prepare(photo.transpose(2, 0, 1), trained.config.network.entropy)
    network = with_fitting_scales(network, pixels, config)
    tables = fit_tables(network, [photo.transpose(2, 0, 1)], replace(config, fit_side=256))
    export_model(network, tmp_path / "small.isthmodel", "small", {}, tables)
    model = load_model(tmp_path / "small.isthmodel")
    assert model.definition.form.name == "bytes"
    assert model.context.weights["ac.1.0.spatial.weight"].dtype == np.float32
    coder, setting = LappedCoder(), Setting(model, Quality(5000), 1)
    payloads = list(coder.encode_tiles(setting, ArraySource(photo)))
    grid = Grid(photo.shape[1], photo.shape[0])
    decoded = coder.decode_window(setting, payloads.__getitem__, grid, grid.box)
    seen, bits = code(network, pixels, 0.5, config)
    assert np.abs(decoded.astype(int) - seen[0].permute(1, 2, 0).numpy()).mean() < 0.5
    assert 8 * (len(payloads[0]) - CHECK_BYTES) == pytest.approx(float(bits.sum()), rel=0.05)
    again, _, _ = load_weights(str(tmp_path / "small.isthmodel"), tiny_config())
    assert again.network == config.network


def test_a_checkpoint_of_other_networks_is_refused(trained: Trained, tmp_path: Path) -> None:
    """With other settings of the network as well, which would otherwise take the weights for new ones."""
    saved = load_checkpoint(trained.workspace / "checkpoint.pt")
    saved["average"] = {key.replace("context.passes", "context.ac"): value for key, value in saved["average"].items()}
    torch.save(saved, tmp_path / "old.pt")
    for settings in ({}, {"network.context_width": "24"}):
        with pytest.raises(InputError, match=r"another version of isthmus.*--from MODEL.isthmodel"):
            load_weights(str(tmp_path / "old.pt"), TrainConfig(), settings)
