"""Texture hides errors, flat places show them, and the training form of the rule agrees with the encoder's."""

import numpy as np
import torch

from isthmus.image.coders.masking import (
    GAIN,
    PLAIN_WEIGHT,
    POWER,
    RDOQ_WEIGHT,
    SAMPLES,
    STRIKING_POWER,
    striking,
    visibility,
)
from isthmus.train.image.masking import importance
from isthmus.train.image.masking import visibility as training_visibility

CHANNELS = 12
STEPS = np.linspace(5, 20, CHANNELS).astype(np.float32)


def test_flat_places_show_everything() -> None:
    y = np.zeros((4, 5, CHANNELS), np.float32)
    y[:, :, :3] = 100  # brightness and colour are no texture
    np.testing.assert_array_equal(visibility(y, STEPS, 10.0), np.ones((4, 5)))


def test_even_texture_follows_the_formula() -> None:
    y = np.zeros((4, 5, CHANNELS), np.float32)
    y[:, :, 7] = 3
    texture = (3 * STEPS[7]) ** 2 / SAMPLES
    np.testing.assert_allclose(visibility(y, STEPS, 10.0), (1 + GAIN * texture / 100) ** -POWER, rtol=1e-6)


def test_errors_are_hidden_in_texture_and_less_so_beside_it() -> None:
    y = np.zeros((1, 9, CHANNELS), np.float32)
    y[:, :4, 5:] = 20
    seen = visibility(y, STEPS, 10.0)[0]
    assert (np.diff(seen[3:6]) > 0).all()
    assert seen[0] < 0.5
    assert seen[-1] == 1


def test_finer_steps_are_hidden_better(rng: np.random.Generator) -> None:
    grey = rng.normal(0, 30, (5, 6, CHANNELS)).astype(np.float32)
    coarse, fine = visibility(grey / STEPS, STEPS, 40.0), visibility(grey / (STEPS / 4), STEPS / 4, 10.0)
    assert (fine < coarse).all()


def test_training_and_encoder_agree(rng: np.random.Generator) -> None:
    y = rng.laplace(0, 2, (2, 6, 8, CHANNELS)).astype(np.float32)
    nominal = np.array([7.0, 60.0], np.float32)
    steps = np.stack([STEPS, 3 * STEPS])
    trained = training_visibility(*(torch.from_numpy(a) for a in (y.transpose(0, 3, 1, 2).copy(), steps, nominal)))
    assert trained.shape == (2, 1, 6, 8)
    for i in range(2):
        np.testing.assert_allclose(trained[i, 0].numpy(), visibility(y[i], steps[i], float(nominal[i])), rtol=1e-4)


def test_tune_leads_from_even_errors_to_those_that_are_seen(rng: np.random.Generator) -> None:
    y = torch.from_numpy(rng.laplace(0, 2, (3, CHANNELS, 6, 8)).astype(np.float32))
    steps, nominal = torch.from_numpy(np.stack([STEPS] * 3)), torch.full((3,), 7.0)
    found = importance(y, steps, nominal, torch.tensor([0.0, 0.25, 1.0]), torch.ones(1))
    seen = RDOQ_WEIGHT * training_visibility(y, steps, nominal)
    assert (found[0] == PLAIN_WEIGHT).all()
    torch.testing.assert_close(found[1], 0.75 * PLAIN_WEIGHT + 0.25 * seen[1])
    torch.testing.assert_close(found[2], seen[2])


def test_channels_that_strike_the_eye_count_more_as_far_as_the_tune_says(rng: np.random.Generator) -> None:
    y = torch.from_numpy(rng.laplace(0, 2, (3, CHANNELS, 6, 8)).astype(np.float32))
    steps, nominal, tune = torch.from_numpy(np.stack([STEPS] * 3)), torch.full((3,), 7.0), torch.tensor([0.0, 0.5, 1.0])
    channels = torch.linspace(0.5, 2.5, CHANNELS)
    factor = importance(y, steps, nominal, tune, channels) / importance(y, steps, nominal, tune, torch.ones(CHANNELS))
    for one, share in zip(factor, tune, strict=True):
        expected = (channels ** (share * STRIKING_POWER))[:, None, None].expand_as(one)
        torch.testing.assert_close(one, expected)


def test_low_frequencies_of_brightness_strike_the_eye_most() -> None:
    along = np.arange(16)
    channels = np.stack([np.zeros(16, int), along, np.zeros(16, int)], 1)
    found = striking(channels)
    assert found[1] > 2
    assert (np.diff(found[2:8]) < 0).all()
    assert found[-1] < 1
    np.testing.assert_allclose(striking(channels[:, [0, 2, 1]]), found)
