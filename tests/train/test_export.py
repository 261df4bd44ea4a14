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
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.separable.synthesis import with_gains
from isthmus.image.grid import Grid
from isthmus.medium.setting import Setting
from isthmus.model.registry import load_model
from isthmus.quality import Quality
from isthmus.train.config import TrainConfig
from isthmus.train.context import weight_exponents
from isthmus.train.curve import means, percent_more
from isthmus.train.export import export_model
from isthmus.train.image.evaluation import code, measure, prepare
from isthmus.train.image.gains import gain_octaves, thresholds_of
from isthmus.train.image.modules import Network
from isthmus.train.image.rounding import unit_of
from isthmus.train.initial import load_checkpoint, load_weights, network_of
from isthmus.train.quantization import SCALE_MAX, SCALE_MIN
from isthmus.train.tables import fit_tables, laplace_tables, training_costs
from isthmus.tune import Tune
from tiny_training import Trained, tiny_config


def tables_of(trained: Trained) -> Tables:
    return Tables.unpack(load_checkpoint(trained.workspace / "checkpoint.pt")["course"]["tables"].numpy())


def test_the_same_weights_give_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    metadata = trained.model.metadata
    again = tmp_path / "again.isthmodel"
    export_model(trained.network, again, "tiny", {"training": metadata["training"]}, tables_of(trained))
    assert again.read_bytes() == trained.output.read_bytes()


def with_fitting_scales(network: Network, pixels: torch.Tensor) -> Network:
    """Scale indices set to the spread of every output's symbols at middle quality: a real run takes long for that."""
    spreads: list[float] = []
    code(network, pixels, 0.5, 0.0, lambda symbols, _: spreads.append(float(symbols.abs().mean())))
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


@pytest.mark.parametrize("tune", ["psnr", "eye"])
def test_files_are_as_large_as_training_says(trained: Trained, photo: np.ndarray, tmp_path: Path, tune: str) -> None:
    pictures = [photo.transpose(2, 0, 1)]
    network = with_fitting_scales(trained.network, prepare(pictures[0], trained.config.network.entropy))
    tables = fit_tables(network, pictures, replace(trained.config, fit_side=256))
    export_model(network, tmp_path / "x.isthmodel", "x", {}, tables)
    (point,) = (p for p in means(measure(network, pictures, [50], torch.float32)) if p.tune == tune)
    setting = Setting(load_model(tmp_path / "x.isthmodel"), Quality(5000), 1, Tune.of(tune))
    (payload,) = SeparableCoder().encode_tiles(setting, ArraySource(photo))
    written = 8 * (len(payload) - CHECK_BYTES) / (photo.shape[0] * photo.shape[1])
    # The estimate knows nothing of marks and of what is skipped without them.
    assert written == pytest.approx(point.bpp, rel=0.08)


@pytest.mark.parametrize("tune", [0, 37, 100])
def test_pictures_decode_as_training_saw_them(trained: Trained, photo: np.ndarray, tune: int) -> None:
    # A trellis goes other ways, as good ones, wherever a latent lies near the edge between two symbols.
    tables = laplace_tables().pack().astype(np.int32)
    model = replace(trained.model, arrays={**trained.model.arrays, "tables": tables})
    network = network_of(model)
    pixels = prepare(photo.transpose(2, 0, 1), network.config.entropy)
    seen, _ = code(network, pixels, 0.5, tune / 100)
    setting = Setting(model, Quality(5000), 1, Tune(tune))
    payloads = list(SeparableCoder().encode_tiles(setting, ArraySource(photo)))
    grid = Grid(photo.shape[1], photo.shape[0])
    decoded = SeparableCoder().decode_window(setting, payloads.__getitem__, grid, grid.box)
    difference = np.abs(decoded.astype(int) - seen[0].permute(1, 2, 0).numpy())
    # A latent that lies on the edge between two symbols may fall either way, and so do the means after it.
    assert difference.mean() < 0.5
    assert np.abs(decoded.astype(int) - photo).mean() < 20


@pytest.mark.parametrize("tune", [0, 40, 100])
def test_gains_are_those_of_the_codec(trained: Trained, rng: np.random.Generator, tune: int) -> None:
    sixteenths = np.rint(16 * rng.laplace(0, 1, (7, 9, 24)) * np.linspace(0, 40, 9)[None, :, None]).astype(np.int32)
    setting = Setting(trained.model, Quality(5000), 1, Tune(tune))
    expected = with_gains(setting, sixteenths)[:, :, -1]
    assert bool(expected.any()) == (tune > 0)
    config = trained.config.network
    source = torch.from_numpy(sixteenths[:, :, 3:8].transpose(2, 0, 1)[None] / 16)
    limits = thresholds_of(config.gain_floor)
    found = gain_octaves(source, torch.tensor([tune / 100]), limits, config.gain_floor, config.gain_power)
    np.testing.assert_array_equal(4 * found[0, 0].numpy(), expected)


def test_a_model_file_gives_the_weights_back(trained: Trained) -> None:
    config, weights, origin = load_weights(str(trained.output), tiny_config())
    assert config.network == trained.config.network
    assert trained.model.id.hex() in origin
    own = trained.network.state_dict()
    assert weights.keys() == own.keys()
    for key, value in own.items():
        if key.startswith("context.passes") and key.endswith(".weight") and ".linear" not in key:
            # Half a unit of 7 bits, of each output.
            tolerance = torch.exp2(weight_exponents(value) - 1.0).reshape(-1, 1, 1, 1) + 1e-6
            assert ((weights[key] - value).abs() <= tolerance).all(), key
        elif key.startswith(("trunk.", "grid.")) and value.ndim == 4 and "pixels" not in key and "last" not in key:
            tolerance = 0.501 * unit_of(value).reshape(-1, 1, 1, 1) + 1e-6
            assert ((weights[key] - value).abs() <= tolerance).all(), key
        else:
            atol = 2.0**-8 if key.startswith("context.passes") else 1e-4
            np.testing.assert_allclose(weights[key].numpy(), value.numpy(), rtol=1e-3, atol=atol, err_msg=key)


def test_a_checkpoint_gives_the_weights_back(trained: Trained) -> None:
    config, weights, _ = load_weights(str(trained.workspace / "checkpoint.pt"), TrainConfig())
    assert config.network == trained.config.network
    for key, value in trained.network.state_dict().items():
        np.testing.assert_array_equal(weights[key].numpy(), value.numpy())


def test_measured_tables_are_better_than_the_first(trained: Trained, photo: np.ndarray) -> None:
    pictures = [photo.transpose(2, 0, 1)]
    trellis = trained.config.network.trellis
    network = with_fitting_scales(trained.network, prepare(pictures[0], trained.config.network.entropy))
    network.context.costs.copy_(training_costs(laplace_tables(trellis), trellis))
    before = means(measure(network, pictures, [20, 50, 80], torch.float32))
    fit_tables(network, pictures, trained.config)
    after = means(measure(network, pictures, [20, 50, 80], torch.float32))
    for tune in ("psnr", "eye"):
        more = percent_more([p for p in before if p.tune == tune], [p for p in after if p.tune == tune])
        assert more is not None
        assert more < 0


def test_symbols_never_cost_less_than_smaller_ones() -> None:
    costs = training_costs(laplace_tables()).numpy()
    assert (np.diff(costs, axis=1) >= 0).all()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"safetensors.*isthmus\[train\]"):
        export_model(Network(tiny_config().network), tmp_path / "x.isthmodel", "x", {}, laplace_tables())
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_other_networks_is_refused(trained: Trained, tmp_path: Path) -> None:
    """With other settings of the network as well, which would otherwise take the weights for new ones."""
    saved = load_checkpoint(trained.workspace / "checkpoint.pt")
    saved["average"] = {key.replace("context.passes", "context.ac"): value for key, value in saved["average"].items()}
    torch.save(saved, tmp_path / "old.pt")
    for settings in ({}, {"network.context_width": "24"}):
        with pytest.raises(InputError, match=r"another version of isthmus.*--from MODEL.isthmodel"):
            load_weights(str(tmp_path / "old.pt"), TrainConfig(), settings)
