"""The lapped coder with the release weights: what one engine writes another reads; quality and effort pay."""

import numpy as np
import pytest
import skimage.data

from isthmus.coding.payload import decode_latents, encode_latents
from isthmus.image.coders.lapped.arrays import nominal_step_of, steps_of
from isthmus.image.coders.lapped.coder import LappedCoder
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.lapped.synthesis import synthesise
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.grid import BLOCK, TILE, Grid
from isthmus.likeness import psnr_db
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.quality import Quality

CODER = LappedCoder()


@pytest.fixture(scope="module")
def model() -> Model:
    """The smaller of two that differ in widths alone; the golden photographs try both."""
    return release_model("fast")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:340])


def encode(model: Model, rgb: np.ndarray, quality: int, effort: int = 1) -> list[bytes]:
    return list(CODER.encode_tiles(Setting(model, Quality(quality), 1), ArraySource(rgb), effort))


def decode(model: Model, payloads: list[bytes], rgb: np.ndarray, quality: int) -> np.ndarray:
    height, width = rgb.shape[:2]
    setting = Setting(model, Quality(quality), 1)
    strips = list(CODER.decode_rows(setting, payloads.__getitem__, Grid(width, height)))
    assert [top for top, _ in strips] == list(range(0, height, TILE))
    return np.concatenate([strip for _, strip in strips])


def test_quality_buys_fidelity_with_bytes(model: Model, photo: np.ndarray) -> None:
    sizes, fidelity = [], []
    for quality in (0, 2500, 5000, 7500, 10000):
        payloads = encode(model, photo, quality)
        sizes.append(len(payloads[0]))
        fidelity.append(psnr_db(decode(model, payloads, photo, quality), photo))
    assert sizes == sorted(sizes)
    assert fidelity == sorted(fidelity)
    assert fidelity[0] > 20
    assert fidelity[-1] > 38


def cost(model: Model, picture: np.ndarray, quality: int, effort: int) -> float:
    """Bits a pixel, and the squared error that is worth as many at this quality."""
    payloads = encode(model, picture, quality, effort=effort)
    error = ((decode(model, payloads, picture, quality).astype(float) - picture) ** 2).mean()
    bits = 8 * sum(map(len, payloads)) / (picture.shape[0] * picture.shape[1])
    return bits + 7.5 * 3 * error / float(nominal_step_of(Setting(model, Quality(quality)))[0]) ** 2


@pytest.mark.parametrize("quality", [3000, 5000, 7500])
def test_refining_pays(model: Model, photo: np.ndarray, quality: int) -> None:
    assert cost(model, photo, quality, 2) < cost(model, photo, quality, 1)


def test_refining_pays_where_tiles_meet(model: Model) -> None:
    wide = np.ascontiguousarray(np.tile(skimage.data.astronaut()[200:264], (1, 3, 1))[:, :1200])
    seam = np.s_[:, TILE - 8 : TILE + 8]
    errors = []
    for effort in (1, 2):
        decoded = decode(model, encode(model, wide, 6000, effort=effort), wide, 6000)
        errors.append(((decoded.astype(float) - wide) ** 2)[seam].mean())
    assert errors[1] < errors[0]
    assert cost(model, wide, 6000, 2) < cost(model, wide, 6000, 1)


@pytest.mark.parametrize("effort", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 1), (15, 16), (33, 47)])
def test_any_size(model: Model, photo: np.ndarray, shape: tuple[int, int], effort: int) -> None:
    picture = np.ascontiguousarray(photo[60 : 60 + shape[0], 60 : 60 + shape[1]])
    decoded = decode(model, encode(model, picture, 9000, effort=effort), picture, 9000)
    assert decoded.shape == picture.shape
    assert psnr_db(decoded, picture) > 30


def test_pytorch_decodes_the_same_latents_and_pixels(model: Model, photo: np.ndarray) -> None:
    """The graph run by PyTorch, operator by operator, on latents decoded from the engine's bytes."""
    from torch_engine import run_graph

    payload = encode(model, photo, 6000)[0]
    latents = decode_latents(model.entropy, payload, 13, 15, 6000)
    rounded = np.rint(latents * 16)
    np.testing.assert_array_equal(rounded, latents * 16)
    halo = halo_of(model)
    padded = np.pad(latents, ((halo, halo), (halo, halo), (0, 0)))
    setting = Setting(model, Quality(6000), 1)
    ours = synthesise(setting, padded)
    theirs = run_graph(
        model.arrays["synthesis.onnx"].tobytes(),
        latents=padded,
        steps=steps_of(setting),
        nominal=nominal_step_of(setting),
        weights=setting.quality_weights,
    )
    cut = halo * BLOCK - BLOCK // 2
    assert np.abs(ours.astype(int) - theirs[cut:-cut, cut:-cut]).max() <= 1
    # And the other way round: latents analysed by PyTorch, coded, decoded by the product.
    y = run_graph(
        model.arrays["analysis.onnx"].tobytes(),
        pixels=np.pad(photo, ((8, 16), (8, 8), (0, 0)), mode="symmetric"),
        steps=steps_of(setting),
    )
    foreign = encode_latents(model.entropy, y, 6000, np.full(y.shape[:2], 28.0))
    decoded = decode_latents(model.entropy, foreign, 13, 15, 6000)
    assert np.abs(decoded - y).mean() < 0.5
