"""The coder with the release weights: what one engine writes another reads; quality and effort pay."""

import numpy as np
import pytest
import skimage.data

from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.separable.arrays import nominal_step_of
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.separable.synthesis import halo_of
from isthmus.image.grid import TILE, Grid
from isthmus.likeness import psnr_db
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.quality import Quality
from isthmus.ssimulacra2.planes import known_of
from isthmus.ssimulacra2.score import score
from isthmus.train.initial import network_of
from isthmus.tune import EYE, PSNR, Tune
from tiny_training import made_by_training

CODER = SeparableCoder()


@pytest.fixture(scope="module")
def model() -> Model:
    """The smaller of two that differ in widths alone; the golden photographs try both."""
    return release_model("fast")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:340])


def coded(setting: Setting, rgb: np.ndarray, effort: int = 1) -> tuple[int, np.ndarray]:
    """Bytes of the payloads, and what they decode to."""
    payloads = list(CODER.encode_tiles(setting, ArraySource(rgb), effort))
    height, width = rgb.shape[:2]
    rows = CODER.decode_rows(setting, payloads.__getitem__, Grid(width, height))
    return sum(map(len, payloads)), np.concatenate([strip for _, strip in rows])


def cost(setting: Setting, rgb: np.ndarray, effort: int) -> float:
    """Bits a pixel, and the squared error that is worth as many at this quality."""
    size, decoded = coded(setting, rgb, effort)
    error = ((decoded.astype(float) - rgb) ** 2).mean()
    return 8 * size / (rgb.size / 3) + 7.5 * 3 * error / float(nominal_step_of(setting)[0]) ** 2


def test_how_far_its_networks_look() -> None:
    assert (halo_of(release_model("best")), halo_of(release_model("fast"))) == (5, 4)


@pytest.mark.parametrize("tune", [PSNR, EYE])
def test_quality_buys_fidelity_with_bytes(model: Model, photo: np.ndarray, tune: Tune) -> None:
    found = [coded(Setting(model, Quality(quality), 1, tune), photo) for quality in (0, 2500, 5000, 7500, 10000)]
    sizes, fidelity = [size for size, _ in found], [psnr_db(decoded, photo) for _, decoded in found]
    assert sizes == sorted(sizes)
    assert fidelity == sorted(fidelity)
    assert fidelity[0] > 20
    assert fidelity[-1] > 38


def test_refining_pays(model: Model, photo: np.ndarray) -> None:
    settings = [Setting(model, Quality(quality), 1, PSNR) for quality in (3000, 5000, 7500)]
    first, second = ([cost(setting, photo, effort) for setting in settings] for effort in (1, 2))
    # Payloads are whole words, and the search counts bits.
    word = 32 / (photo.size / 3)
    assert all(then < now + word for now, then in zip(first, second, strict=True))
    assert sum(second) < sum(first)


def test_every_effort_looks_better_for_its_bytes(model: Model, photo: np.ndarray) -> None:
    """By the score under tune eye, less what as many more bytes bring by quality."""
    known = known_of(photo)
    gained = np.zeros(4)
    for quality in (3000, 5000, 7000):
        setting, finer = (Setting(model, Quality(at), 1, EYE) for at in (quality, quality + 1000))
        found = [coded(setting, photo, effort) for effort in (1, 2, 3, 4)]
        sizes, scores = zip(
            *((size, score(known, decoded)) for size, decoded in [*found, coded(finer, photo)]), strict=True
        )
        point = (np.log(sizes[-1]) - np.log(sizes[0])) / (scores[-1] - scores[0])
        gained += np.array(scores[:-1]) - scores[0] - (np.log(sizes[:-1]) - np.log(sizes[0])) / point
    assert 0 < gained[1] < gained[2] < gained[3]
    assert gained[3] > 3


def test_refining_pays_where_tiles_meet(model: Model) -> None:
    wide = np.ascontiguousarray(np.tile(skimage.data.astronaut()[200:264], (1, 3, 1))[:, :1200])
    seam = np.s_[:, TILE - 8 : TILE + 8]
    setting = Setting(model, Quality(6000), 1, PSNR)
    errors = [((coded(setting, wide, effort)[1].astype(float) - wide) ** 2)[seam].mean() for effort in (1, 2)]
    assert errors[1] < 1.05 * errors[0]
    assert cost(setting, wide, 2) < cost(setting, wide, 1)


@pytest.mark.parametrize("name", ["best", "fast"])
@pytest.mark.parametrize("tune", [PSNR, EYE])
def test_pytorch_makes_the_same_pixels_of_the_same_latents(name: str, photo: np.ndarray, tune: Tune) -> None:
    """In the networks that training would go on with, rounded as in training."""
    model = release_model(name)
    for quality in (1500, 6000, 9500):
        setting, network = Setting(model, Quality(quality), 1, tune), network_of(model).eval()
        (payload,) = CODER.encode_tiles(setting, ArraySource(photo))
        grid = Grid(photo.shape[1], photo.shape[0])
        ours = CODER.decode_window(setting, lambda _, payload=payload: payload, grid, grid.box)
        theirs = made_by_training(network, setting, payload, grid)[: photo.shape[0], : photo.shape[1]]
        difference = np.abs(ours.astype(int) - theirs)
        # PyTorch's sums are not exact: a number between two steps of 8 bits may be rounded to either.
        assert (difference > 0).mean() < 0.1
        assert (difference > 1).mean() < 1e-3
