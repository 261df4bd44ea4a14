"""The lapped transform: exactly invertible, the same in strips, and its smaller inverses."""

import numpy as np
import pytest
from skimage import data

from isthmus.image.coders.separable.transform import STRIP, LappedTransform
from isthmus.train.image.lapped_transform import lapped_windows


@pytest.fixture(scope="module")
def transform() -> LappedTransform:
    forward, inverse = lapped_windows()
    colour = np.linalg.qr(np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1.0]]).T)[0].T
    channels = np.stack(np.meshgrid(np.arange(3), np.arange(16), np.arange(16), indexing="ij"), -1).reshape(-1, 3)
    order = np.argsort(channels[:, 1:].max(1) * 10 + channels[:, 0], kind="stable")
    return LappedTransform(
        forward.astype(np.float32), inverse.astype(np.float32), colour.astype(np.float32), channels[order]
    )


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[: 16 * (2 * STRIP + 3), : 16 * 9])


def test_it_inverts_itself(transform: LappedTransform, photo: np.ndarray) -> None:
    latents = transform.analyse(photo)
    assert latents.shape == (2 * STRIP + 2, 8, 768)
    planes = transform.synthesise(latents)
    inner = photo[16:-16, 16:-16].astype(np.float64) - 128
    assert planes.shape == inner.shape
    np.testing.assert_allclose(planes, inner, atol=2e-3)


def test_it_is_what_its_functions_say(transform: LappedTransform, rng: np.random.Generator) -> None:
    """One latent after another, by its window and its basis function in two dimensions."""
    pixels = rng.integers(0, 256, (32 + 16, 32, 3)).astype(np.uint8)
    latents = transform.analyse(pixels)
    forward, inverse = transform.forward.astype(np.float64), transform.inverse.astype(np.float64)
    for k in (0, 5, 77, 300, 767):
        c, u, v = transform.channels[k]
        window = (pixels[16:48].astype(np.float64) - 128) @ transform.colour[c]
        assert latents[1, 0, k] == pytest.approx(forward[u] @ window @ forward[v], abs=2e-3)
        one = np.zeros((3, 3, 768), np.float32)
        one[1, 1, k] = 100
        plane = np.zeros((32, 32))
        plane += 100 * np.outer(inverse[u], inverse[v])
        expected = plane[:, :, None] * np.linalg.inv(transform.colour.astype(np.float64))[:, c]
        np.testing.assert_allclose(transform.synthesise(one), expected, atol=2e-3)


@pytest.mark.parametrize("scale", [2, 4, 8, 16])
def test_a_smaller_inverse_is_the_average_of_the_low_frequencies(
    transform: LappedTransform, photo: np.ndarray, scale: int
) -> None:
    latents = transform.analyse(photo)
    small = transform.reduced(scale)
    kept = (transform.channels[:, 1:] < 16 // scale).all(1)
    planes = small.synthesise(np.ascontiguousarray(latents[:, :, kept]))
    whole = transform.synthesise(np.where(kept, latents, 0))
    height, width = whole.shape[0] // scale, whole.shape[1] // scale
    average = whole.reshape(height, scale, width, scale, 3).mean((1, 3))
    np.testing.assert_allclose(planes, average, atol=2e-3)


def test_fewer_channels_leave_the_others_out(transform: LappedTransform, photo: np.ndarray) -> None:
    few = LappedTransform(transform.forward, transform.inverse, transform.colour, transform.channels[:384])
    latents = transform.analyse(photo)
    np.testing.assert_allclose(few.analyse(photo), latents[:, :, :384], atol=1e-3)
    latents[:, :, 384:] = 0
    np.testing.assert_allclose(few.synthesise(latents[:, :, :384]), transform.synthesise(latents), atol=1e-3)
