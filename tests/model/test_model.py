"""A model's numbers at a quality: interpolated between its quality points."""

import numpy as np
import pytest

from isthmus.model.registry import release_model


def test_quality_points_are_met_and_shared_between() -> None:
    model = release_model()
    points = model.metadata["points"]
    for index in range(points):
        weights = model.quality_weights(10_000 * index // (points - 1))
        assert weights.dtype == np.float32
        assert weights.tolist() == [float(k == index) for k in range(points)]
    between = model.quality_weights(10_000 // (points - 1) // 5)
    assert between[:2].tolist() == pytest.approx([0.8, 0.2])
    assert not between[2:].any()


def test_steps_shrink_as_the_quality_grows() -> None:
    model = release_model()
    nominal = np.concatenate([model.nominal_step(quality) for quality in range(0, 10_001, 250)])
    assert (np.diff(nominal) < 0).all()
    np.testing.assert_allclose(np.log(nominal[[0, -1]]), model.arrays["steps.nominal"][[0, -1]], rtol=1e-6)
    assert model.steps(5000).shape == (model.latents,)
