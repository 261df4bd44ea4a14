"""A model's numbers at a quality: interpolated between its quality points."""

import numpy as np
import pytest

from isthmus.medium.setting import Setting
from isthmus.model.registry import release_model
from isthmus.quality import Quality


def test_quality_points_are_met_and_shared_between() -> None:
    model = release_model()
    points = model.definition.points
    for index in range(points):
        weights = Setting(model, Quality(10_000 * index // (points - 1))).quality_weights
        assert weights.dtype == np.float32
        assert weights.tolist() == [float(k == index) for k in range(points)]
    between = Setting(model, Quality(10_000 // (points - 1) // 5)).quality_weights
    assert between[:2].tolist() == pytest.approx([0.8, 0.2])
    assert not between[2:].any()
