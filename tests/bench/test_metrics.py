"""The metrics against a second source on three photographs, and what they do at their edges."""

import math

import numpy as np
import pytest
import torch
from pytorch_msssim import ms_ssim as torch_ms_ssim
from skimage.metrics import peak_signal_noise_ratio

from bench.helpers import PHOTOS, photo
from bench.reference_ssimulacra2 import reference_ssimulacra2
from isthmus.bench import metrics
from isthmus.bench.rivals import RIVALS

CASES = [(name, quality) for name in PHOTOS for quality in (10.0, 60.0)]


def damaged(picture: np.ndarray, quality: float) -> np.ndarray:
    jpeg = RIVALS["jpeg"]
    return jpeg.decode(jpeg.encode(picture, quality, 1), 1)


@pytest.mark.parametrize(("name", "quality"), CASES)
def test_mse_and_psnr_are_scikit_images(name: str, quality: float) -> None:
    original = photo(name)
    decoded = damaged(original, quality)
    error = np.mean((original.astype(np.float64) - decoded) ** 2)
    assert metrics.mse(original, decoded) == pytest.approx(error, rel=1e-9)
    expected = peak_signal_noise_ratio(original, decoded, data_range=255)
    assert metrics.psnr(original, decoded) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "quality"), CASES)
def test_ms_ssim_is_pytorch_msssims(name: str, quality: float) -> None:
    original = photo(name)
    decoded = damaged(original, quality)
    a, b = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() for p in (original, decoded))
    expected = float(torch_ms_ssim(a, b, data_range=255))
    assert metrics.ms_ssim(original, decoded) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(("name", "quality"), CASES)
def test_ssimulacra2_is_near_an_independent_port(name: str, quality: float) -> None:
    original = photo(name)
    decoded = damaged(original, quality)
    expected = reference_ssimulacra2(original, decoded)
    assert metrics.ssimulacra2(original, decoded) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("step", [1, 3])
def test_ssimulacra2_keeps_its_precision_where_hardly_anything_differs(step: int) -> None:
    original = photo("coffee")
    decoded = original.copy()
    decoded[::7, ::5, 1] ^= step
    assert metrics.ssimulacra2(original, decoded) == pytest.approx(reference_ssimulacra2(original, decoded), abs=0.01)


def test_ssimulacra2_lies_where_its_author_says() -> None:
    # The metric's description: 30 is about the average of libjpeg-turbo at quality 20, 4:2:0, and 50 at 35.
    for quality, level in ((20.0, 30.0), (35.0, 50.0)):
        scores = [metrics.ssimulacra2(photo(name), damaged(photo(name), quality)) for name in PHOTOS]
        assert np.mean(scores) == pytest.approx(level, abs=12)


def test_equal_pictures_are_perfect() -> None:
    picture = photo("chelsea")
    found = metrics.measure(picture, picture)
    assert found["mse"] == 0
    assert found["psnr"] == math.inf
    assert found["ms_ssim"] == pytest.approx(1, abs=1e-6)
    assert found["ssimulacra2"] == pytest.approx(100)


def test_too_small_for_a_metric_is_nan() -> None:
    assert math.isnan(metrics.ms_ssim(photo("chelsea", 160, 300), photo("chelsea", 160, 300)))
    assert not math.isnan(metrics.ms_ssim(photo("chelsea", 161, 300), photo("chelsea", 161, 300)))
    assert math.isnan(metrics.ssimulacra2(photo("chelsea", 7, 30), photo("chelsea", 7, 30)))


def test_odd_sides_agree_with_pytorch_msssim() -> None:
    original = photo("coffee", 333, 217)
    decoded = damaged(original, 20)
    a, b = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() for p in (original, decoded))
    assert metrics.ms_ssim(original, decoded) == pytest.approx(float(torch_ms_ssim(a, b, data_range=255)), abs=2e-5)


@pytest.mark.parametrize(
    "other",
    [np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.uint8)],
    ids=["shape", "type", "grey"],
)
def test_what_cannot_be_compared_is_refused(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        metrics.mse(np.zeros((8, 8, 3), np.uint8), other)
