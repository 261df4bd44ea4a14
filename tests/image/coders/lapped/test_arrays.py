"""What the lapped coder wants of a model, and its steps."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.errors import ModelError
from isthmus.image.coders.lapped.arrays import check_model, nominal_step_of, steps_of
from isthmus.image.coders.masking import DC_CHANNELS
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.quality import Quality


@pytest.fixture(scope="module")
def model() -> Model:
    return release_model()


def test_steps_shrink_as_the_quality_grows(model: Model) -> None:
    nominal = np.concatenate([nominal_step_of(Setting(model, Quality(quality))) for quality in range(0, 10_001, 250)])
    assert (np.diff(nominal) < 0).all()
    np.testing.assert_allclose(np.log(nominal[[0, -1]]), model.arrays["steps.nominal"][[0, -1]], rtol=1e-6)
    assert steps_of(Setting(model, Quality(5000))).shape == (model.latents,)


def test_the_package_s_models_are_its_own() -> None:
    for name in ("best", "fast"):
        check_model(release_model(name))


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("parity", None, "is incomplete: expected parity uint8"),
        ("steps.log", np.zeros((2, 2), np.float32), r"is inconsistent: expected steps.log .* got float32 \(2, 2\)"),
        ("steps.nominal", np.full(9, np.nan, np.float32), "steps.nominal: expected within"),
        ("masking.bands", np.zeros(3, np.float32), "arrays that are unknown: expected none, got masking.bands"),
    ],
)
def test_arrays_that_are_not_its_own(model: Model, name: str, value: np.ndarray | None, match: str) -> None:
    arrays = {key: array for key, array in model.arrays.items() if key != name}
    if value is not None:
        arrays[name] = value
    with pytest.raises(ModelError, match=match):
        check_model(replace(model, arrays=arrays))


def test_the_first_group_is_that_of_the_dc_coefficients(model: Model) -> None:
    other = replace(model, metadata=model.metadata | {"groups": [DC_CHANNELS + 1, 12, 48, 112, 208]})
    with pytest.raises(ModelError, match="another first group: expected 3 DC, got 4"):
        check_model(other)
