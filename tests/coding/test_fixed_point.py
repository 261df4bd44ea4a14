"""The fixed-point entropy model: exact in any order of summation, and causal."""

import numpy as np
import pytest

from isthmus.coding import formats
from isthmus.coding.boards import CHECKERBOARD, LATTICES, phases
from isthmus.coding.fixed_point import ContextModel
from isthmus.model.model import Model
from isthmus.model.registry import release_model


@pytest.fixture(scope="module")
def model() -> Model:
    return release_model()


def latents(rng: np.random.Generator, count: int, channels: int) -> np.ndarray:
    spread = 60.0 / (1 + np.arange(channels)) ** 0.7
    return np.round(rng.laplace(0, spread, (count, channels)))


class Recorder:
    """Codes given latents to the nearest symbol and notes what was predicted."""

    def __init__(self, y: np.ndarray):
        self.y = y
        self.passes: list[tuple[slice, np.ndarray, np.ndarray, np.ndarray]] = []

    def __call__(self, channels: slice, at: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        self.passes.append((channels, at, means, scales))
        return np.rint(self.y[at, channels] - means) + means


def walk(model: ContextModel, y: np.ndarray, height: int, width: int, quality: int) -> tuple[np.ndarray, Recorder]:
    recorder = Recorder(y)
    return model.walk(height, width, quality, recorder), recorder


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 2), (9, 12)])
def test_every_latent_is_coded_once(model: Model, rng: np.random.Generator, height: int, width: int) -> None:
    y = latents(rng, height * width, model.latents)
    decoded, recorder = walk(model.context, y, height, width, 5000)
    coded = np.zeros(y.shape, int)
    for channels, at, _, _ in recorder.passes:
        coded[at, channels] += 1
    assert (coded == 1).all()
    assert np.abs(decoded - y).max() <= 0.5


def test_values_stay_on_their_grids(model: Model, rng: np.random.Generator) -> None:
    y = latents(rng, 64, model.latents)
    decoded, recorder = walk(model.context, y, 8, 8, 1234)
    np.testing.assert_array_equal(decoded * 16, np.rint(decoded * 16))
    for _, _, means, scales in recorder.passes:
        np.testing.assert_array_equal(means * 16, np.rint(means * 16))
        assert scales.dtype == np.uint8
        assert scales.max() < formats.SCALES


def test_sums_do_not_depend_on_their_order(
    model: Model, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every weight matrix with its inner dimension permuted gives the very same products."""

    class Shuffled(np.ndarray):
        def __rmatmul__(self, left: np.ndarray) -> np.ndarray:
            order = np.random.default_rng(1).permutation(self.shape[0])
            plain = np.asarray(self)
            half = len(order) // 2
            first = np.asarray(left)[:, order[:half]] @ plain[order[:half]]
            return first + np.asarray(left)[:, order[half:]] @ plain[order[half:]]

    y = latents(rng, 48, model.latents)
    plain, recorded = walk(model.context, y, 6, 8, 7000)
    weights = {
        name: value.view(Shuffled) if name.endswith("weight") else value
        for name, value in model.context.weights.items()
    }
    shuffled = ContextModel(model.definition, weights, model.context.compand)
    again, recorded_again = walk(shuffled, y, 6, 8, 7000)
    np.testing.assert_array_equal(plain, np.asarray(again))
    for (_, _, means, scales), (_, _, means_again, scales_again) in zip(
        recorded.passes, recorded_again.passes, strict=True
    ):
        np.testing.assert_array_equal(means, means_again)
        np.testing.assert_array_equal(scales, scales_again)


def test_no_sum_can_leave_the_exact_range(model: Model) -> None:
    """For every column of every matrix: largest activation times the sum of magnitudes, in units, is below 2**53."""
    form = formats.WORDS
    units = 1 << (form.activation_bits + 12)
    for name, value in model.context.weights.items():
        if name.endswith("weight"):
            limit = form.activation_high / (1 << form.activation_bits)
            most = max(limit, formats.LATENT_LIMIT / formats.MEAN_STEPS) * np.abs(value).sum(0).max()
            assert most * units < 2**53, name


def test_a_latent_changes_only_what_is_coded_after_it(model: Model, rng: np.random.Generator) -> None:
    height, width = 6, 6
    y = latents(rng, height * width, model.latents)
    _, before = walk(model.context, y, height, width, 5000)
    changed = y.copy()
    changed[14, 16:40] += 500
    _, after = walk(model.context, changed, height, width, 5000)
    seen = False  # channels 16 to 39 of position 14 are coded in one pass
    for (channels, at, means, scales), (_, _, means_after, scales_after) in zip(
        before.passes, after.passes, strict=True
    ):
        same = np.array_equal(means, means_after) and np.array_equal(scales, scales_after)
        if not seen:
            assert same
        elif channels.start > 20:
            assert not same
        seen |= channels.start <= 20 < channels.stop and 14 in at
    assert seen


def test_passes_cover_the_plane_as_specified() -> None:
    np.testing.assert_array_equal(phases(CHECKERBOARD, 2, 3), [[0, 1, 0], [1, 0, 1]])
    expected = [[0, 4, 2, 4, 0], [4, 3, 4, 3, 4], [2, 4, 1, 4, 2], [4, 3, 4, 3, 4], [0, 4, 2, 4, 0]]
    np.testing.assert_array_equal(phases(LATTICES, 5, 5), expected)
