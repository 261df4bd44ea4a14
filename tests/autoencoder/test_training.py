"""The training loop: ways to take batches, optimizers, when it stops, and what augmentation may change."""

import numpy as np
import pytest
import torch

from isthmus.autoencoder import Autoencoder, Data
from isthmus.autoencoder.augmentation import AUGMENTATIONS, augment
from isthmus.autoencoder.training import OPTIMIZERS
from isthmus.errors import InputError

SMALL = {"code_size": 4, "hidden": (16,), "random_state": 0}


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 3), (1, 3 * 40), (16, 3 * 3), (1000, 3)])
def test_full_batch_mini_batch_and_one_at_a_time(batch_size: int | None, steps: int, digits: Data) -> None:
    model = Autoencoder(batch_size=batch_size, epochs=3, **SMALL).fit(digits.train[:40])
    assert model.history_.steps == steps
    assert len(model.history_.loss) == model.n_iter_ == 3
    assert model.history_.stopped_by == "epochs"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_descends(optimizer: str, digits: Data) -> None:
    rate = {"sgd": 0.5, "nesterov": 0.5, "lbfgs": 1.0}.get(optimizer, 0.01)
    batch = None if optimizer == "lbfgs" else 32
    model = Autoencoder(optimizer=optimizer, learning_rate=rate, batch_size=batch, epochs=6, **SMALL)
    losses = model.fit(digits.train[:500]).history_.loss
    assert losses[-1] < 0.9 * losses[0]


def test_stops_at_the_loss_threshold(digits: Data) -> None:
    reference = Autoencoder(epochs=20, batch_size=32, **SMALL).fit(digits.train).history_.loss
    threshold = reference[8]
    model = Autoencoder(epochs=20, batch_size=32, stop_loss=threshold, **SMALL).fit(digits.train)
    assert model.history_.stopped_by == "stop_loss"
    assert model.history_.loss == reference[: model.n_iter_]
    assert model.history_.loss[-1] <= threshold < model.history_.loss[-2]


def test_stops_at_the_maximum_of_steps_within_an_epoch(digits: Data) -> None:
    model = Autoencoder(epochs=20, batch_size=10, max_steps=7, **SMALL).fit(digits.train[:40])
    assert (model.history_.steps, model.n_iter_, model.history_.stopped_by) == (7, 2, "max_steps")


def test_divergence_is_an_error_that_says_what_to_do(digits: Data) -> None:
    model = Autoencoder("linear", code_size=4, optimizer="sgd", learning_rate=1e6, random_state=0)
    with pytest.raises(InputError, match=r"diverged in epoch .* Lower the learning rate"):
        model.fit(digits.train)


def test_held_out_samples_are_measured_every_epoch_without_changing_training(digits: Data) -> None:
    plain = Autoencoder(epochs=4, **SMALL).fit(digits.train)
    watched = Autoencoder(epochs=4, **SMALL).fit(digits.train, validation=digits.test)
    assert watched.history_.loss == plain.history_.loss
    assert len(watched.history_.validation_loss) == 4
    assert watched.history_.validation_loss[-1] < watched.history_.validation_loss[0]


def test_cosine_schedule_ends_at_zero(digits: Data) -> None:
    # With the rate at zero in the last steps, one epoch more of the same plan changes little; a constant rate moves on.
    def last_change(schedule: str) -> float:
        losses = Autoencoder(schedule=schedule, epochs=12, batch_size=32, **SMALL).fit(digits.train).history_.loss
        return abs(losses[-1] - losses[-2])

    assert last_change("cosine") < 0.5 * last_change("constant")


def test_weight_decay_shrinks_weights(digits: Data) -> None:
    def size(decay: float) -> float:
        model = Autoencoder(optimizer="adamw", weight_decay=decay, epochs=10, **SMALL).fit(digits.train)
        return float(sum(parameter.detach().square().sum() for parameter in model.network_.parameters()))

    assert size(1.0) < size(0.0)


def test_order_of_samples_is_kept_without_shuffling(digits: Data) -> None:
    first = Autoencoder(shuffle=False, epochs=1, batch_size=10, **SMALL).fit(digits.train[:20])
    again = Autoencoder(shuffle=False, epochs=1, batch_size=10, **SMALL).fit(digits.train[:20])
    turned = Autoencoder(shuffle=False, epochs=1, batch_size=10, **SMALL).fit(digits.train[:20][::-1].copy())
    assert first.history_.loss == again.history_.loss != turned.history_.loss


def test_no_augmentation_is_the_identity() -> None:
    rows = torch.rand(5, 6 * 7)
    assert torch.allclose(augment(rows, (6, 7), ()), rows, atol=1e-5)


def test_flips_are_mirrors_and_both_ways_occur() -> None:
    torch.manual_seed(0)
    rows = torch.rand(64, 4 * 5 * 3)
    pictures = rows.view(-1, 4, 5, 3)
    found = augment(rows, (4, 5, 3), ("flip",)).view(-1, 4, 5, 3)
    same = torch.isclose(found, pictures, atol=1e-5).flatten(1).all(dim=1)
    mirrored = torch.isclose(found, pictures.flip(2), atol=1e-5).flatten(1).all(dim=1)
    assert (same ^ mirrored).all()
    assert 10 < int(mirrored.sum()) < 54


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_keeps_the_range_and_changes_pictures_one_by_one(name: str) -> None:
    torch.manual_seed(0)
    picture = torch.rand(1, 12 * 12)
    found = augment(picture.repeat(20, 1), (12, 12), (name,))
    assert float(found.min()) >= float(picture.min()) - 1e-5
    assert float(found.max()) <= float(picture.max()) + 1e-5
    assert len(torch.unique(found.round(decimals=4), dim=0)) > 1


def test_shifts_move_a_dot_by_at_most_a_twelfth() -> None:
    torch.manual_seed(0)
    picture = torch.zeros(1, 25, 25)
    picture[0, 12, 12] = 1
    found = augment(picture.reshape(1, -1).repeat(50, 1), (25, 25), ("shift",)).view(-1, 25, 25)
    rows = (found.sum(dim=2) * torch.arange(25)).sum(dim=1) / found.sum(dim=(1, 2))
    distance = np.abs(rows.numpy() - 12)
    assert distance.max() <= 0.08 * 25 + 1e-3
    assert distance.max() > 1


def test_training_with_augmentation_learns(digits: Data) -> None:
    model = Autoencoder(augmentation=("shift", "rotate", "zoom"), epochs=6, batch_size=32, **SMALL).fit(digits.train)
    assert model.history_.loss[-1] < 0.8 * model.history_.loss[0]
