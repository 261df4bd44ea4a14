"""The gradient is the score's: by differences along random directions, and by what following it does."""

import numpy as np
import pytest

from isthmus.ssimulacra2.gradient import score_gradient
from isthmus.ssimulacra2.planes import known_of
from isthmus.ssimulacra2.score import score


@pytest.fixture(scope="module", params=[(96, 136), (61, 83)], ids=["even", "odd"])
def pair(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture, and one with errors of several levels."""
    height, width = request.param
    rng = np.random.default_rng(5)
    down, across = np.mgrid[:height, :width]
    waves = [np.sin(down / a + across / b) for a, b in ((5, 9), (13, -7), (31, 17))]
    original = np.clip(np.stack(waves, -1) * 60 + 128 + rng.normal(0, 4, (height, width, 3)), 0, 255)
    noise = rng.normal(0, 1, (height, width, 3)) * 12
    return original.astype(np.uint8), np.clip(original + noise, 0, 255).astype(np.uint8)


def test_it_is_what_the_score_does_along_a_direction(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, decoded = pair
    known = known_of(original)
    gradient = score_gradient(known, decoded)
    assert gradient.shape == decoded.shape
    assert gradient.dtype == np.float32
    rng = np.random.default_rng(6)
    for _ in range(4):
        # Whole levels, where they move the score alike: along the gradient's own sign, in a part of the picture.
        part = rng.random(decoded.shape) < 0.2
        up, down = (decoded.astype(int) + sign * part * np.sign(gradient).astype(int) for sign in (1, -1))
        inside = (up >= 0) & (up <= 255) & (down >= 0) & (down <= 255)
        up, down = (np.where(inside, moved, decoded).astype(np.uint8) for moved in (up, down))
        found = (score(known, up) - score(known, down)) / 2
        expected = float((gradient * (up.astype(float) - down)).sum() / 2)
        assert expected > 0
        assert found == pytest.approx(expected, rel=0.08)


def test_following_it_raises_the_score(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, decoded = pair
    known = known_of(original)
    gradient = score_gradient(known, decoded)
    step = 4 * gradient / np.abs(gradient).max()
    better = np.clip(np.rint(decoded + step), 0, 255).astype(np.uint8)
    assert score(known, better) > score(known, decoded) + 0.1


def test_equal_pictures_have_a_gradient_that_ends(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, _ = pair
    assert np.isfinite(score_gradient(known_of(original), original)).all()


def test_planes_that_weigh_next_to_nothing_may_be_left_out(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, decoded = pair
    known = known_of(original, 0.01)
    assert sum(plane is None for planes in known for plane in planes) >= 3
    assert score(known, decoded) == pytest.approx(score(known_of(original), decoded), abs=0.05)
    found, whole = score_gradient(known, decoded), score_gradient(known_of(original), decoded)
    assert np.corrcoef(found.ravel(), whole.ravel())[0, 1] > 0.99
