"""The lapped transform's quantization steps: finer where the eye sees more."""

import importlib.util
from pathlib import Path

import numpy as np
import torch

from isthmus.model.registry import release_model
from isthmus.train.config import NetworkConfig, TrainConfig
from isthmus.train.image.lapped_transform import (
    BRIGHT_LOG_STEPS,
    STEP_FREQUENCIES,
    make_lapped_transform,
    relative_log_steps,
)
from isthmus.train.image.modules import Network
from isthmus.train.initial import load_weights


def test_steps_grow_with_frequency() -> None:
    frequencies = np.linspace(0, 21, 50)
    for colour in range(3):
        steps = relative_log_steps(np.full(50, colour), frequencies, np.zeros(50))
        assert (np.diff(steps) >= 0).all()
    knots = np.array(STEP_FREQUENCIES)
    steps = relative_log_steps(np.zeros(len(knots), np.int64), np.zeros(len(knots)), knots)
    np.testing.assert_allclose(steps, BRIGHT_LOG_STEPS)


def test_the_transform_sets_the_steps_of_every_quality(photo: np.ndarray) -> None:
    config = NetworkConfig(latents=24, groups=(3, 5, 16), points=3)
    transform = make_lapped_transform(photo[None, :96, :96], 24)
    network = Network(config)
    network.load_transform(transform)
    relation = (network.log_steps - network.nominal[:, None]).numpy()
    np.testing.assert_allclose(relation, np.tile(transform.log_steps, (3, 1)), atol=1e-5)
    # Of the three DC channels the third is finer.
    np.testing.assert_allclose(transform.log_steps[:3], [-0.5, -0.35, -0.6])


def test_the_release_has_these_steps() -> None:
    arrays = release_model().arrays
    relation = arrays["steps.log"] - arrays["steps.nominal"][:, None]
    np.testing.assert_allclose(relation, relation[:1].repeat(len(relation), 0), atol=1e-5)
    np.testing.assert_allclose(relation[0, :3], [-0.5, -0.35, -0.6], atol=1e-5)
    assert relation.max() == np.float32(relation[0].max())
    assert 0.4 < relation.max() <= 0.5 + 1e-5


def test_weights_of_equal_steps_can_follow_the_eye_too() -> None:
    path = Path(__file__).parents[3] / "scripts" / "follow_the_eye.py"
    spec = importlib.util.spec_from_file_location("follow_the_eye", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    _, state, _ = load_weights("release", TrainConfig())
    expected = state["log_steps"].clone()
    state["log_steps"] = state["nominal"][:, None].repeat(1, expected.shape[1])
    script.follow_the_eye(state)
    torch.testing.assert_close(state["log_steps"], expected, atol=1e-5, rtol=0)
