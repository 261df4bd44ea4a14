"""The transform and the steps that training begins from: nothing lost, finer steps where the eye sees more."""

import numpy as np
import torch

from isthmus.image.coders.masking import DC_CHANNELS, striking
from isthmus.train.image.lapped_transform import (
    BRIGHT_LOG_STEPS,
    LEVEL,
    SHARPER,
    STEP_FREQUENCIES,
    STRIKING_STEPS,
    eye_log_steps,
    make_lapped_transform,
)
from isthmus.train.image.modules import Network
from tiny_training import tiny_config, tiny_transform


def along(colour: int) -> np.ndarray:
    """(16, 3): channels of a colour and every vertical frequency."""
    return np.array([[colour, u, 0] for u in range(16)])


def struck(channels: np.ndarray) -> np.ndarray:
    """How much smaller steps are where errors strike the eye, as logarithms."""
    return STRIKING_STEPS * np.log(striking(channels))


def test_steps_grow_with_frequency() -> None:
    for colour in range(3):
        assert (np.diff(eye_log_steps(along(colour))[1:]) >= -1e-3).all()
    corners = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]])
    dc = eye_log_steps(corners)
    # Of the three DC channels the third is finer.
    np.testing.assert_allclose(dc, np.array([-0.5, -0.35, -0.6]) - LEVEL - struck(corners), rtol=1e-6)
    first, last = eye_log_steps(along(0))[[1, 9]]
    assert STEP_FREQUENCIES[4] == 9
    low, high = struck(along(0))[[1, 9]]
    np.testing.assert_allclose(last, BRIGHT_LOG_STEPS[4] - LEVEL - high, rtol=1e-6)
    np.testing.assert_allclose(first, BRIGHT_LOG_STEPS[1] - LEVEL + np.log(1 - SHARPER * 7 / 8) - low, rtol=1e-6)


def test_channels_come_in_the_order_of_their_energy(photo: np.ndarray) -> None:
    pictures = np.stack([photo[:96, :96], photo[96:, 96:192]])
    transform = make_lapped_transform(pictures, 24)
    assert transform.channels[:3].tolist() == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    energy = np.mean([(transform.analyse(picture) ** 2).mean((0, 1)) for picture in pictures], 0)[DC_CHANNELS:]
    assert (np.diff(energy) <= 0).all()
    np.testing.assert_allclose(transform.colour @ transform.colour.T, np.eye(3), atol=1e-6)
    # Brightness has most of the energy.
    assert (transform.channels[3:10, 0] == 0).all()


def test_a_new_network_begins_as_the_exact_inverse(photo: np.ndarray) -> None:
    """All coefficients, unquantized: the picture itself, whatever the dials say."""
    config = tiny_config().changed({"network.latents": "768", "network.groups": "3,13,752"})
    transform = make_lapped_transform(photo[None, :96, :96], 768)
    network = Network(config.network)
    network.begin(transform, torch.from_numpy(eye_log_steps(transform.channels)))
    pixels = photo[:96, :128]
    coefficients = torch.from_numpy(transform.analyse(pixels).transpose(2, 0, 1)[None].copy())
    dials = network.at(torch.tensor([0.4]), torch.tensor([0.6]))
    octaves = torch.full((1, 1, 5, 7), 0.75)
    y = coefficients / dials.steps[:, :, None, None]
    y[:, network.config.first_gained :] /= torch.exp2(octaves)
    with torch.no_grad():
        output = network.synthesise(y, octaves, dials)
    expected = pixels[16:-16, 16:-16].transpose(2, 0, 1).astype(np.float32) - 128
    np.testing.assert_allclose(output[0].numpy(), expected, atol=0.01)


def test_training_and_codec_invert_alike(rng: np.random.Generator) -> None:
    exact = tiny_transform()
    network = Network(tiny_config().network)
    network.transform.load(exact)
    coefficients = rng.normal(0, 50, (5, 6, 24)).astype(np.float32)
    planes = network.transform(torch.from_numpy(coefficients.transpose(2, 0, 1)[None].copy()))
    np.testing.assert_allclose(planes[0].permute(1, 2, 0).numpy(), exact.synthesise(coefficients), atol=2e-3)
    again = network.transform.exact()
    for name in ("forward", "inverse", "colour", "channels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(exact, name))


def test_tune_moves_the_steps_from_equal_ones(photo: np.ndarray) -> None:
    network = Network(tiny_config().network)
    transform = tiny_transform()
    eye = eye_log_steps(transform.channels)
    network.begin(transform, torch.from_numpy(eye))
    network.signs[5] = -1
    dials = network.at(torch.tensor([0.3, 0.3, 0.3]), torch.tensor([0.0, 0.5, 1.0]))
    signs = network.signs.numpy()
    for steps, share in zip(dials.steps.numpy(), (0, 0.5, 1), strict=True):
        np.testing.assert_allclose(steps, signs * float(dials.nominal[0]) * np.exp(share * eye), rtol=1e-5)
