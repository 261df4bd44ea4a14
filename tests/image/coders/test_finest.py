import numpy as np
import pytest

from isthmus.codec import Codec
from isthmus.image.coders.finest import is_lost, without_finest


def checkered(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Of two pictures (H, W, 3), single pixels in turn."""
    y, x = np.indices(low.shape[:2])
    return np.where(((x + y) % 2 == 0)[..., None], low, high).astype(np.uint8)


def plain(*colour: int) -> np.ndarray:
    return np.broadcast_to(np.uint8(colour), (96, 96, 3))


def ramp(low: int, high: int) -> np.ndarray:
    return np.broadcast_to(np.linspace(low, high, 96)[None, :, None], (96, 96, 3))


def test_a_checkerboard_is_lost_and_what_comes_back_is_not(rng: np.random.Generator) -> None:
    y, x = np.mgrid[:96, :96]
    assert is_lost(checkered(plain(0, 0, 0), plain(255, 255, 255))).all()
    for kept in (x % 2, x // 2 + y // 2, (x + y) // 2, x // 48 + y // 48, x * 0):
        pixels = np.repeat((kept % 2 * 255).astype(np.uint8)[..., None], 3, 2)
        assert not is_lost(pixels).any()
    assert not is_lost(rng.integers(0, 256, (96, 96, 3), np.uint8)).any()


def test_only_windows_full_of_it() -> None:
    pixels = plain(0, 0, 0).copy()
    pixels[:, :48] = checkered(plain(0, 0, 0), plain(255, 255, 255))[:, :48]
    assert is_lost(pixels).tolist() == [[True, True, False, False, False]] * 5


def test_smoothing_takes_the_checkerboard_alone() -> None:
    assert (without_finest(checkered(plain(0, 0, 0), plain(255, 255, 255)))[1:-1, 1:-1] == 128).all()
    np.testing.assert_array_equal(without_finest(plain(7, 80, 255)), plain(7, 80, 255))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (plain(0, 0, 0), plain(255, 255, 255)),
        (plain(255, 40, 0), plain(0, 90, 255)),
        (plain(128, 128, 128), plain(255, 255, 255)),
    ],
)
@pytest.mark.parametrize("effort", [1, 2])
def test_a_checkerboard_costs_about_what_its_mean_does(low: np.ndarray, high: np.ndarray, effort: int) -> None:
    codec = Codec(threads=1, effort=effort)
    mean = np.uint8((low.astype(int) + high) // 2)
    for quality in (50, 85):
        data = codec.encode(checkered(low, high), quality)
        # Where two mirrors meet, in each corner, is a pixel that is not smoothed away.
        assert len(data) < len(codec.encode(mean, quality)) + 4 * 30
        # Where the sharp layer takes it, it even comes back.
        decoded = codec.decode(data)[16:80, 16:80].astype(int)
        assert min(abs(decoded - like[16:80, 16:80]).max() for like in (mean, checkered(low, high))) <= 8


def test_what_lies_under_a_checkerboard_comes_back() -> None:
    low, high = ramp(0, 155), ramp(100, 255)
    decoded = Codec(threads=1).decode(Codec(threads=1).encode(checkered(low, high), 85))
    assert abs(decoded[16:80, 16:80] - (low + high)[16:80, 16:80] / 2).max() <= 10
