"""Networks of any size: no window that is decoded with less around it goes unnoticed, and training sees the same."""

import numpy as np
import pytest
import torch

from isthmus.image.box import Box
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.separable.synthesis import halo_of, synthesise
from isthmus.image.grid import BLOCK, Grid
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import load_model
from isthmus.quality import Quality
from isthmus.train.export import export_model
from isthmus.train.image.lapped_transform import eye_log_steps
from isthmus.train.image.modules import Network
from isthmus.train.tables import laplace_tables
from isthmus.tune import Tune
from tiny_training import made_by_training, tiny_config, tiny_transform

SHAPES = [(1, 1), (2, 4), (3, 2)]
"""Blocks of the trunk, and on the finer grid."""


def network(trunk_blocks: int, grid_blocks: int) -> Network:
    """Random weights, everywhere, and so large that what enters a layer leaves it about as large."""
    shape = {"network.trunk_blocks": str(trunk_blocks), "network.grid_blocks": str(grid_blocks)}
    torch.manual_seed(0)
    made = Network(tiny_config().changed(shape).network)
    made.begin(tiny_transform(), torch.from_numpy(eye_log_steps(tiny_transform().channels)))
    with torch.no_grad():
        for part in (made.trunk, made.grid):
            for name, parameter in part.named_parameters():
                if name.endswith("log_steps"):
                    parameter.copy_(torch.log(0.05 * (1 + torch.rand_like(parameter))))
                else:
                    parameter.copy_(torch.randn_like(parameter) / parameter[0].numel() ** 0.5)
    return made.eval()


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"trunk{shape[0]}-grid{shape[1]}")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Model]:
    made = network(*request.param)
    path = tmp_path_factory.mktemp("built") / "m.isthmodel"
    export_model(made, path, "built", {"licence": "none"}, laplace_tables())
    return made, load_model(path)


def felt(model: Model, margin: int) -> bool:
    """Whether zeros at so many positions from a window change its pixels."""
    setting = Setting(model, Quality(5000), 1)
    side = 2 * margin + 25
    far = np.rint(np.random.default_rng(0).normal(0, 99, (side, side, model.latents + 1))).astype(np.float32)
    far[:, :, -1] %= 8
    whole = synthesise(setting, far)[6 * BLOCK : -6 * BLOCK, 6 * BLOCK : -6 * BLOCK]
    window = synthesise(setting, np.ascontiguousarray(far[6:-6, 6:-6]))
    assert window.shape == whole.shape
    # Pixels begin half a block after the first position.
    cut = margin * BLOCK - BLOCK // 2
    difference = np.abs(whole[cut:-cut, cut:-cut].astype(int) - window[cut:-cut, cut:-cut])
    return bool(difference.max() > 1)


def test_as_far_as_the_halo_is_enough(built: tuple[Network, Model]) -> None:
    _, model = built
    assert not felt(model, halo_of(model))
    assert felt(model, 1)


def test_there_are_no_seams(built: tuple[Network, Model]) -> None:
    """Tiles of 8 blocks, decoded one by one, against all at once."""
    _, model = built
    rgb = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    setting, grid = Setting(model, Quality(9000), 1), Grid(200, 200, 128)
    coder = SeparableCoder(128)
    payloads = list(coder.encode_tiles(setting, ArraySource(rgb)))
    strips = np.concatenate([strip for _, strip in coder.decode_rows(setting, payloads.__getitem__, grid)])
    window = coder.decode_window(setting, payloads.__getitem__, grid, Box(100, 90, 50, 60))
    assert np.abs(strips[100:150, 90:150].astype(int) - window).max() <= 1


@pytest.mark.parametrize("tune", [0, 60, 100])
def test_training_makes_the_same_pixels_of_the_same_latents(built: tuple[Network, Model], tune: int) -> None:
    """Up to the edges of the picture, beyond which both see one mirrored position, and zeros."""
    made, model = built
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    setting, grid, coder = Setting(model, Quality(6000), 1, Tune(tune)), Grid(96, 64), SeparableCoder()
    payloads = list(coder.encode_tiles(setting, ArraySource(rgb)))
    decoded = coder.decode_window(setting, payloads.__getitem__, grid, grid.box)
    seen = made_by_training(made, setting, payloads[0], grid)
    assert np.abs(decoded.astype(int) - rgb).mean() > 20
    # Numbers between two steps of 8 bits may be rounded to either, and random weights of this size make much of that:
    # without the mirror beyond the edges, for one, they lie ten times as far apart.
    assert np.abs(decoded.astype(int) - seen).mean() < 1
