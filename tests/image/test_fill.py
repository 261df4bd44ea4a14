import numpy as np
import pytest
from PIL import Image

from isthmus.codec import Codec
from isthmus.image import fill
from isthmus.image.fill import FilledColours
from isthmus.image.picture import as_picture


def filled(pixels: np.ndarray) -> FilledColours:
    height, width, _ = pixels.shape
    return FilledColours(width, height, lambda top, left, h, w: pixels[top : top + h, left : left + w])


def disc(size: int, under: tuple[int, int, int]) -> np.ndarray:
    """A smooth disc with an antialiased edge on nothing, over colours that nobody sees."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = np.clip(size / 3 - np.hypot(x, y) + 0.5, 0, 1)
    pixels = np.empty((size, size, 4), np.uint8)
    pixels[..., :3] = np.where(alpha[..., None] > 0, np.array([220, 140, 60]), np.array(under))
    pixels[..., 3] = np.round(255 * alpha)
    return pixels


def test_what_is_visible_stays(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (50, 70, 4), np.uint8)
    pixels[..., 3] = rng.integers(0, 3, (50, 70))
    seen = pixels[..., 3] > 0
    np.testing.assert_array_equal(filled(pixels)(0, 0, 50, 70)[seen], pixels[seen][:, :3])


def test_one_colour_fills_everything_whatever_lay_under() -> None:
    for under in ((0, 0, 0), (255, 255, 255), (0, 255, 0)):
        assert (filled(disc(200, under))(0, 0, 200, 200) == (220, 140, 60)).all()


def test_the_fill_runs_smoothly_from_one_colour_to_the_other() -> None:
    pixels = np.zeros((64, 300, 4), np.uint8)
    pixels[:, :20] = (50, 50, 50, 255)
    pixels[:, -20:] = (200, 200, 200, 255)
    colours = filled(pixels)(0, 0, 64, 300).astype(int)
    assert abs(np.diff(colours, axis=1)).max() <= 8
    assert abs(np.diff(colours, axis=0)).max() <= 2


def test_windows_see_the_same_colours(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (150, 210, 4), np.uint8)
    pixels[..., 3] = np.where(rng.random((150, 210)) < 0.02, 255, 0)
    pixels[40:120, 60:190, 3] = 0
    pixels[70:75, 100:105, 3] = 255
    whole = filled(pixels)(0, 0, 150, 210)
    for top, left, height, width in ((0, 0, 16, 16), (37, 51, 40, 90), (149, 0, 1, 210), (60, 199, 90, 11)):
        window = filled(pixels)(top, left, height, width)
        np.testing.assert_array_equal(window, whole[top : top + height, left : left + width])


def test_a_large_window_is_filled_in_parts(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (90, 70, 4), np.uint8)
    pixels[..., 3] = np.where(rng.random((90, 70)) < 0.02, 255, 0)
    whole = filled(pixels)(0, 0, 90, 70)
    monkeypatch.setattr(fill, "_PIXELS_AT_ONCE", 1000)
    np.testing.assert_array_equal(filled(pixels)(0, 0, 90, 70), whole)


def test_nothing_visible_is_one_colour(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (40, 50, 4), np.uint8)
    pixels[..., 3] = 0
    assert (filled(pixels)(3, 4, 20, 30) == 128).all()


def test_without_full_transparency_nothing_changes(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (20, 30, 4), np.uint8)
    pixels[..., 3] = np.maximum(pixels[..., 3], 1)
    np.testing.assert_array_equal(filled(pixels)(0, 0, 20, 30), pixels[..., :3])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_grey_stays_grey_and_alpha_stays(mode: str) -> None:
    image = Image.fromarray(disc(40, (0, 0, 0))).convert(mode)
    picture = as_picture(image)
    colours = picture(0, 0, 40, 40)
    np.testing.assert_array_equal(picture.alpha(0, 0, 40, 40), np.asarray(image.convert("RGBA"))[..., 3])
    assert (np.ptp(colours, (0, 1)) <= (1 if mode != "P" else 60)).all()
    if mode == "LA":
        assert (colours == colours[..., :1]).all()


@pytest.mark.parametrize("under", [(0, 0, 0), (255, 0, 255)])
def test_invisible_colours_cost_nothing_and_leave_no_fringe(under: tuple[int, int, int]) -> None:
    codec = Codec(threads=1)
    pixels = disc(96, under)
    data = codec.encode(pixels)
    assert len(data) <= 1.02 * len(codec.encode(disc(96, (220, 140, 60))))
    seen = pixels[..., 3] > 0
    assert abs(codec.decode(data)[seen].astype(int) - (220, 140, 60)).max() <= 6


def test_noise_under_a_cut_out_costs_nothing(rng: np.random.Generator) -> None:
    codec = Codec(threads=1)
    pixels = disc(96, (0, 0, 0))
    noisy = pixels.copy()
    hidden = pixels[..., 3] == 0
    noisy[hidden, :3] = rng.integers(0, 256, (hidden.sum(), 3))
    assert codec.encode(noisy) == codec.encode(pixels)
