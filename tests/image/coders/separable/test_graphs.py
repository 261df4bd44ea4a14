"""The synthesis networks' graphs: exact with the largest operands, and what the format says at every quality."""

import numpy as np
import pytest

from isthmus.coding.fixed_point import ZERO
from isthmus.image.coders.separable.graphs import LayerWriter, grid_graph, trunk_graph
from isthmus.image.coders.separable.networks import LARGEST, shape_of
from isthmus.model.engine import Engine
from isthmus.model.model import Model
from isthmus.quality import Quality
from synthesis_reference import Networks
from tiny_separable import SHAPE, tiny_separable_model

WIDTH, OUTPUTS = 64, 48
ONE = np.ones(1, np.float32)


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_separable_model()


def extremes(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Weights of the largest magnitude; of the first outputs all of one sign."""
    weights = np.where(rng.random(shape) < 0.5, -LARGEST, LARGEST).astype(np.int8)
    weights[:, 0], weights[:, 1] = LARGEST, -LARGEST
    return weights


@pytest.mark.parametrize("rectified", [True, False])
def test_windows_are_exact_with_the_largest_operands(rng: np.random.Generator, rectified: bool) -> None:
    """Where processors add two products in 16 bits, none is cut off."""
    # What a sum of all is worth is what 8 bits can say.
    after = 9 * WIDTH * 127 * LARGEST / 120
    arrays = {
        "x.weight": extremes((9 * WIDTH, OUTPUTS), rng),
        "x.unit": np.ones(OUTPUTS, np.float32),
        "x.bias": rng.integers(-(1 << 20), 1 << 20, OUTPUTS).astype(np.float32),
        "x.steps": np.array([[1], [after]], np.float32),
    }
    writer = LayerWriter(arrays, ONE)
    x = writer.graph.input("x", "float32", (1, "h", "w", WIDTH))
    made = writer.window_layer("x", x, 3, rectified=rectified)
    engine = Engine(writer.graph.written((made, "uint8", (1, "h", "w", OUTPUTS))), threads=1)
    # Rows of all that is largest, all that is smallest, and of either by chance.
    given = np.where(rng.random((1, 12, 20, WIDTH)) < 0.5, -128.0, 127.0).astype(np.float32)
    given[0, :3], given[0, 3:6] = 127, -128
    padded = np.pad(given[0].astype(np.int64), ((1, 1), (1, 1), (0, 0)))
    windows = np.stack([padded[i : i + 12, j : j + 20] for i in range(3) for j in range(3)], 2)
    sums = windows.reshape(12, 20, -1) @ arrays["x.weight"].astype(np.int64) + arrays["x.bias"].astype(np.int64)
    low, high, zero = (0, 255, 0) if rectified else (-128, 127, ZERO)
    expected = np.clip(np.rint(sums.astype(np.float32) * (np.float32(1) / np.float32(after))), low, high) + zero
    assert len(np.unique(expected)) > 60
    # A sum between two steps may be rounded to either; one that was cut off would be half a range away.
    difference = np.abs(engine(x=given)[0].astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


@pytest.mark.parametrize("signed", [True, False])
def test_products_over_channels_are_exact_with_the_largest_operands(rng: np.random.Generator, signed: bool) -> None:
    arrays = {
        "x.weight": extremes((385, OUTPUTS), rng),
        "x.unit": np.ones(OUTPUTS, np.float32),
        "x.bias": np.zeros(OUTPUTS, np.float32),
    }
    writer = LayerWriter(arrays, ONE)
    x = writer.graph.input("x", "uint8", ("n", 385))
    made = writer.float_layer("x", x, writer.constant(1), signed=signed)
    engine = Engine(writer.graph.written((made, "float32", ("n", OUTPUTS))), threads=1)
    given = np.where(rng.random((50, 385)) < 0.5, 0, 255).astype(np.uint8)
    given[0], given[1] = 255, 0
    sums = (given.astype(np.int64) - (ZERO if signed else 0)) @ arrays["x.weight"].astype(np.int64)
    np.testing.assert_array_equal(engine(x=given), sums)


@pytest.mark.parametrize("quality", [0, 3210, 5000, 10_000])
def test_graphs_compute_what_the_format_says(model: Model, rng: np.random.Generator, quality: int) -> None:
    weights = Quality(quality).weights(model.definition.points)
    arrays, reference = model.arrays, Networks(model.arrays, weights)
    features = rng.integers(-127, 128, (5, 7, model.latents + 1))
    corrections, hidden = reference.trunk(features, 0.3)
    bias = arrays["trunk.enter.bias"] + weights @ (arrays["trunk.quality"] + 0.3 * arrays["trunk.tuned"])
    inputs = {"features": (features + ZERO).astype(np.uint8)[None], "bias": bias.astype(np.float32)}
    found, found_hidden = Engine(trunk_graph(model, weights), threads=1).all(**inputs)
    np.testing.assert_allclose(found[0], corrections, atol=1e-4)
    np.testing.assert_array_equal(found_hidden[0].astype(int) - ZERO, hidden)
    assert len(np.unique(hidden)) > 20

    nominal = np.exp(weights @ arrays["steps.nominal"])
    planes = rng.normal(0, nominal, (64, 96, 3)).astype(np.float32)
    squares = planes.reshape(16, 4, 24, 12).transpose(0, 2, 1, 3).reshape(16, 24, 48)
    expected = np.clip(np.rint(nominal * reference.grid(hidden, planes / nominal) + 128), 0, 255)
    pixels = Engine(grid_graph(model, weights), threads=1)(hidden=found_hidden, squares=np.ascontiguousarray(squares))
    pixels = pixels.reshape(16, 24, 4, 12).transpose(0, 2, 1, 3).reshape(64, 96, 3)
    assert np.abs(pixels - expected).max() <= 1
    assert (pixels != expected).mean() < 0.01
    assert np.abs(pixels - np.clip(np.rint(planes + 128), 0, 255)).mean() > 0.1


def test_a_networks_shape_is_that_of_its_arrays(model: Model) -> None:
    assert shape_of(model) == SHAPE
