"""What the separable coder wants of a model."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.coding.kinds import FIRST
from isthmus.errors import ModelError
from isthmus.image.coders.separable.arrays import check_model
from isthmus.image.coders.separable.networks import Shape, shape_of
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from tiny_separable import GROUPS, LATENTS, SHAPE, tiny_separable_model


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_separable_model()


def test_a_model_of_its_own(model: Model) -> None:
    check_model(model)


def changed(model: Model, name: str, index: tuple[int, ...], value: float) -> np.ndarray:
    array = model.arrays[name].copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("name", "index", "value", "match"),
    [
        ("steps.nominal", (1,), np.nan, r"steps.nominal: expected within \+-20"),
        ("steps.nominal", (0,), 20, "steps.nominal: expected within"),
        ("steps.eye", (5,), -np.inf, "steps.eye: expected within"),
        ("transform.channels", (4, 0), 3, r"transform.channels: expected below \[3, 16, 16\]"),
        ("transform.channels", (4, 2), 16, "transform.channels: expected below"),
        ("transform.channels", (1,), 0, "transform.channels: expected each function once"),
        ("transform.signs", (7,), 0, "transform.signs: expected 1 or -1"),
        ("transform.forward", (0, 0), np.inf, "transform.forward: expected finite numbers"),
        ("transform.inverse", (15, 31), np.nan, "transform.inverse: expected finite numbers"),
        ("transform.colour", (2, 2), np.nan, "transform.colour: expected finite numbers"),
        ("gains", (0,), 0, "gains: expected a floor from 1 to 16777215, and 0 to 100 hundredths"),
        ("gains", (0,), 1 << 24, "gains: expected"),
        ("gains", (1,), 101, "gains: expected"),
        ("gains", (1,), -1, "gains: expected"),
        ("grid.0.spatial.weight", (0, 0), 64, r"grid.0.spatial.weight: expected within \+-63"),
        ("trunk.enter.weight", (0, 0), -128, "trunk.enter.weight: expected within"),
        ("trunk.0.expand.steps", (1, 2), 0, "trunk.0.expand.steps: expected positive numbers"),
        ("grid.leave.unit", (3,), np.inf, "grid.leave.unit: expected positive numbers"),
        ("grid.last.bias", (3,), np.nan, "grid.last.bias: expected finite numbers"),
    ],
)
def test_values_that_mean_nothing(model: Model, name: str, index: tuple[int, ...], value: float, match: str) -> None:
    arrays = model.arrays | {name: changed(model, name, index, value)}
    with pytest.raises(ModelError, match=match):
        check_model(replace(model, arrays=arrays))


@pytest.mark.parametrize(
    "name",
    [
        "trunk.enter.weight",
        "trunk.quality",
        "trunk.0.depthwise.steps",
        "grid.leave.unit",
        "grid.last.weight",
        "transform.forward",
        "transform.inverse",
        "transform.colour",
        "transform.channels",
        "transform.signs",
        "steps.nominal",
        "steps.eye",
        "gains",
    ],
)
def test_arrays_that_are_missing_or_of_another_kind(model: Model, name: str) -> None:
    others = {key: array for key, array in model.arrays.items() if key != name}
    with pytest.raises(ModelError, match=f"is incomplete: expected {name}.* got nothing"):
        check_model(replace(model, arrays=others))
    with pytest.raises(ModelError, match=f"is inconsistent: expected {name}"):
        check_model(replace(model, arrays=others | {name: model.arrays[name].astype(np.float64)}))


def resized(model: Model, shape: Shape) -> Model:
    """The model with networks of another shape, of ones."""
    own = shape_of(model).spec()
    arrays = {name: array for name, array in model.arrays.items() if name not in own}
    for name, (dtype, sides) in shape.spec().items():
        arrays[name] = np.ones([side or 0 for side in sides], dtype)
    return replace(model, arrays=arrays)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"blocks": 31}, "look too far around: expected at most 32 positions, got 33"),
        ({"grid_blocks": 118}, "look too far around: expected at most 32 positions, got 33"),
        ({"width": 4097}, "of other widths: expected 1 to 4096 channels at 1/16"),
        ({"width": 0}, "of other widths"),
        ({"hidden": 0}, "of other widths"),
        ({"grid_width": 257}, "of other widths"),
        ({"grid_width": 0}, "of other widths"),
        ({"grid_hidden": 0}, "of other widths"),
        ({"corrected": LATENTS + 1}, "and 24 corrections, got 6, 9, 4, 5 and 25"),
        ({"corrected": 0}, "of other widths"),
    ],
)
def test_networks_of_shapes_that_nothing_is_decoded_with(model: Model, changes: dict[str, int], match: str) -> None:
    with pytest.raises(ModelError, match=match):
        check_model(resized(model, replace(SHAPE, **changes)))


def test_networks_of_other_shapes_are_decoded_with(model: Model) -> None:
    for changes in ({"blocks": 30}, {"grid_blocks": 117}, {"blocks": 0}, {"grid_blocks": 0}, {"grid_width": 256}):
        check_model(resized(model, replace(SHAPE, **changes)))


@pytest.mark.parametrize("name", ["trunk.0.reduce.weight", "grid.0.mix.weight", "trunk.correct.weight"])
def test_arrays_without_axes(model: Model, name: str) -> None:
    with pytest.raises(ModelError, match="has no synthesis networks"):
        check_model(replace(model, arrays=model.arrays | {name: np.array(1, np.int8)}))


def test_arrays_that_are_unknown(model: Model) -> None:
    more = model.arrays | {"grid.2.mix.weight": np.zeros(3, np.int8)}
    with pytest.raises(ModelError, match=r"arrays that are unknown: expected none, got grid\.2\.mix\.weight"):
        check_model(replace(model, arrays=more))


@pytest.mark.parametrize(
    "metadata",
    [{"definition": FIRST}, {"numbers": "words"}, {"groups": [4, 4, 16]}, {"groups": [3 + sum(GROUPS[1:])]}],
    ids=["one dial", "other numbers", "another first group", "one group"],
)
def test_another_entropy_model(model: Model, metadata: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="another entropy model: expected a second dial, numbers in bytes"):
        check_model(replace(model, metadata=model.metadata | metadata))


@pytest.mark.parametrize("name", ["best", "fast"])
def test_the_packages_models_are_its_own(name: str) -> None:
    check_model(release_model(name))


def test_it_is_in_miniature(model: Model) -> None:
    """The tests' own model is what it says."""
    forward = model.arrays["transform.forward"].astype(np.float64)
    np.testing.assert_allclose(forward @ forward.T, np.eye(16), atol=1e-6)
    np.testing.assert_allclose(forward[:, :16] @ forward[:, 16:].T, np.zeros((16, 16)), atol=1e-6)
    assert model.latents == LATENTS
    assert sum(model.arrays[name].nbytes for name in shape_of(model).spec()) < 5_000
