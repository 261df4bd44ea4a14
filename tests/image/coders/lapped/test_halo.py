"""How far the network looks is found in it, and no window that is decoded with less goes unnoticed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isthmus.errors import ModelError
from isthmus.image.box import Box
from isthmus.image.coders.lapped import halo as module
from isthmus.image.coders.lapped.coder import LappedCoder
from isthmus.image.coders.lapped.halo import MAX_HALO, halo_of
from isthmus.image.coders.lapped.synthesis import synthesise_all
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.reach import reach
from isthmus.image.grid import BLOCK, Grid
from isthmus.medium.setting import Setting
from isthmus.model.graph import Operation
from isthmus.model.model import Model
from isthmus.model.registry import load_model, release_model
from isthmus.quality import Quality
from isthmus.train.export import export_model
from isthmus.train.image.evaluation import code
from isthmus.train.image.modules import Network
from tiny_training import tiny_config

SHAPES = [(1, 1), (2, 4), (3, 1), (5, 2), (1, 9)]
"""Blocks of the trunk, and on the finer grid."""


def network(trunk_blocks: int, grid_blocks: int) -> Network:
    """Random weights, everywhere, and large enough that whatever is looked at is seen."""
    shape = {"network.trunk_blocks": str(trunk_blocks), "network.grid_blocks": str(grid_blocks)}
    torch.manual_seed(0)
    made = Network(tiny_config().changed(shape).network)
    with torch.no_grad():
        for parameter in made.synthesis.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return made.eval()


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"trunk{shape[0]}-grid{shape[1]}")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Model]:
    made = network(*request.param)
    path = tmp_path_factory.mktemp("built") / "m.isthmodel"
    export_model(made, path, "built", {"licence": "none"}, release_model("fast").tables)
    return made, load_model(path)


def test_of_the_release_models() -> None:
    assert (halo_of(release_model("best")), halo_of(release_model("fast"))) == (4, 3)


def test_trainer_and_codec_agree(built: tuple[Network, Model]) -> None:
    made, model = built
    assert halo_of(model) == made.synthesis.halo


def felt(model: Model, margin: int) -> bool:
    """Whether zeros at so many positions from a window change its pixels."""
    setting = Setting(model, Quality(5000), 1)
    latents = np.random.default_rng(0).normal(0, 9, (2 * margin + 25, 2 * margin + 25, model.latents))
    far = latents.astype(np.float32)
    near = far[6:-6, 6:-6]
    cut = margin * BLOCK - BLOCK // 2
    whole = synthesise_all(setting, far)[6 * BLOCK : -6 * BLOCK, 6 * BLOCK : -6 * BLOCK]
    window = synthesise_all(setting, near)
    assert window.shape == whole.shape
    difference = np.abs(whole[cut:-cut, cut:-cut].astype(int) - window[cut:-cut, cut:-cut])
    return bool(difference.max() > 1)


def test_it_is_enough_and_no_more_than_enough(built: tuple[Network, Model]) -> None:
    made, model = built
    assert not felt(model, halo_of(model))
    # Less is felt, but where the last step on the finer grid is only part of a block.
    assert felt(model, halo_of(model) - 1) or len(made.synthesis.spatial) * 4 % BLOCK


def test_a_model_of_more_blocks_has_no_seams(built: tuple[Network, Model]) -> None:
    """Tiles of 8 blocks, decoded one by one, against all at once."""
    _, model = built
    rgb = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    setting, grid = Setting(model, Quality(9000), 1), Grid(200, 200, 128)
    coder = LappedCoder(128)
    payloads = list(coder.encode_tiles(setting, ArraySource(rgb)))
    strips = np.concatenate([strip for _, strip in coder.decode_rows(setting, payloads.__getitem__, grid)])
    window = coder.decode_window(setting, payloads.__getitem__, grid, Box(100, 90, 50, 60))
    assert np.abs(strips[100:150, 90:150].astype(int) - window).max() <= 1


def test_evaluation_feels_no_edge(built: tuple[Network, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured in training is what a window of any size around gives; and with a halo of 1 it would not be."""
    made, _ = built
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 64, 64), np.uint8))
    kind, config = type(made.synthesis), tiny_config()
    own = code(made, pixels, 0.9, config)[0].int()
    halo = made.synthesis.halo
    found = {}
    for margin in (1, halo, halo + 5):
        monkeypatch.setattr(kind, "halo", property(lambda _, margin=margin: margin))
        found[margin] = code(made, pixels, 0.9, config)[0].int()
    assert int((own - found[halo + 5]).abs().max()) <= 1
    assert int((found[1] - found[halo + 5]).abs().max()) > 1


def test_what_cannot_be_told_is_refused() -> None:
    for kind in ("Resize", "ConvTranspose"):
        with pytest.raises(ModelError, match="windows of known size"):
            reach([Operation(kind, ("x",), ("y",), {})])
    with pytest.raises(ModelError, match="windows of known size"):
        reach([Operation("Conv", ("x",), ("y",), {})])
    with pytest.raises(ModelError, match="move by 1"):
        reach([Operation("Conv", ("x",), ("y",), {"kernel_shape": (3, 3), "strides": (2, 2)})])


def test_reach_by_hand() -> None:
    network = [
        Operation("Conv", ("x",), ("a",), {"kernel_shape": (3, 5), "dilations": (1, 2)}),
        Operation("DepthToSpace", ("a",), ("b",), {"blocksize": (4,)}),
        Operation("Conv", ("b", "w"), ("c",), {"kernel_shape": (3, 3)}),
        Operation("Add", ("c", "b"), ("d",), {}),
    ]
    assert reach(network) == 4 * 16 + 4


def test_a_network_that_looks_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    model = release_model("fast")
    monkeypatch.setattr(module, "operations", lambda _: [Operation("Conv", ("x",), ("y",), {"kernel_shape": (99, 99)})])
    with pytest.raises(ModelError, match=f"at most {MAX_HALO} blocks, got 49"):
        halo_of(replace(model))
