"""The fixed-point entropy model: exact in any order of summation, and causal."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.coding import formats
from isthmus.coding.boards import CHECKERBOARD, LATTICES, phases
from isthmus.coding.fixed_point import LARGE, ZERO, ContextModel, highpass
from isthmus.coding.formats import BYTES, MEAN_STEPS
from isthmus.coding.kinds import KINDS, TUNED
from isthmus.coding.weights import check_exact, numbers
from isthmus.model.engine import Engine
from isthmus.model.graph_writing import GraphWriter
from isthmus.model.model import Model
from isthmus.model.pass_engines import PassEngines
from isthmus.model.registry import release_model
from isthmus.train.context_arrays import compand_table


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
        return means + np.rint(self.y[at, channels] - means / MEAN_STEPS).astype(np.int32) * MEAN_STEPS


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
    assert np.abs(decoded / MEAN_STEPS - y).max() <= 0.5


def test_values_are_whole_numbers(model: Model, rng: np.random.Generator) -> None:
    y = latents(rng, 64, model.latents)
    decoded, recorder = walk(model.context, y, 8, 8, 1234)
    assert decoded.dtype == np.int32
    for _, _, means, scales in recorder.passes:
        assert means.dtype == np.int32
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


@pytest.mark.parametrize("spread", [0.3, 5.0, 4000.0])
def test_the_engine_gives_what_numpy_does(tuned: ContextModel, spread: float) -> None:
    """Number by number, with symbols far beyond what a photograph has, at planes that the engine is used for."""
    height, width = 23, 29
    assert height * width >= LARGE
    assert tuned.engine is not None
    outcomes = []
    for model in (tuned, replace(tuned, engine=None)):
        y = np.round(np.random.default_rng(3).laplace(0, spread, (height * width, tuned.definition.latents)))
        recorder = Recorder(y)
        decoded = model.walk(height, width, 4321, recorder, tune=37)
        outcomes.append((decoded, [(means, scales) for _, _, means, scales in recorder.passes]))
    np.testing.assert_array_equal(outcomes[0][0], outcomes[1][0])
    for (means, scales), (other_means, other_scales) in zip(outcomes[0][1], outcomes[1][1], strict=True):
        np.testing.assert_array_equal(means, other_means)
        np.testing.assert_array_equal(scales, other_scales)


def test_the_engine_is_exact_with_the_largest_operands() -> None:
    """Instructions that add two products in 16 bits would saturate with weights of 8 bits; of 7 they cannot."""
    rows, columns = 64, 1152
    graph = GraphWriter()
    x = graph.input("x", "uint8", ("n", columns))
    rng = np.random.default_rng(0)
    weights = rng.choice(np.array([-63, 63], np.int8), (columns, 96))
    weights[:, 0], weights[:, 1] = 63, -63
    sums = graph.add("MatMulInteger", x, graph.constant(weights), graph.constant(np.array(ZERO, np.uint8)))
    engine = Engine(graph.written((sums, "int32", ("n", 96))), threads=1)
    values = rng.choice(np.array([0, 255], np.uint8), (rows, columns))
    values[0], values[1] = 0, 255
    exact = (values.astype(np.int64) - ZERO) @ weights.astype(np.int64)
    assert np.abs(exact).max() == 63 * 128 * columns
    np.testing.assert_array_equal(engine(x=values), exact)


@pytest.fixture(scope="module")
def tuned() -> ContextModel:
    """A tuned entropy model in bytes with random weights, all of them in use."""
    definition = KINDS[TUNED].build((3, 5, 9), 3, (8, 16), BYTES)
    rng = np.random.default_rng(7)
    arrays: dict[str, np.ndarray] = {}
    for array in definition.arrays():
        if array.kind == "exponent":
            arrays[array.name] = rng.integers(-8, -4, array.shape).astype(np.int8)
        elif array.kind in ("bias", "quality"):
            arrays[array.name] = rng.integers(-2000, 2000, array.shape).astype(array.dtype)
        elif array.kind == "fixed":
            arrays[array.name] = rng.integers(0, 9, array.shape).astype(array.dtype)
        else:
            arrays[array.name] = rng.integers(-63, 64, array.shape).astype(array.dtype)
    check_exact(definition, arrays)
    found = numbers(definition, arrays)
    compand = (compand_table(BYTES) / (1 << BYTES.feature_bits)).astype(np.float32)
    return ContextModel(definition, found, compand, PassEngines(definition, arrays, found))


def test_sums_of_large_latents_do_not_overflow(rng: np.random.Generator) -> None:
    x = rng.integers(-5 * 10**8, 5 * 10**8, (30, 3)).astype(np.int32) + np.int32(10**9)
    np.testing.assert_array_equal(highpass(x, 5, 6, (3, 3)), highpass(x.astype(np.float64), 5, 6, (3, 3)))
    # The middle of a plane of 3x3 sees all of it.
    expected = x[4].astype(np.int64) - np.floor(x[:9].astype(np.int64).sum(0) / 9)
    np.testing.assert_array_equal(highpass(x[:9], 3, 3, (3, 3))[4], expected)
