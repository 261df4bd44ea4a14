"""The names that settings take are those that there is something for."""

from typing import get_args

import pytest

from isthmus.autoencoder import Autoencoder, Data, choices
from isthmus.autoencoder.networks import ACTIVATIONS
from isthmus.autoencoder.training import OPTIMIZERS
from isthmus.cli.learn import options
from isthmus.errors import InputError


def test_every_name_has_its_function_and_every_function_its_name() -> None:
    assert get_args(choices.Activation) == tuple(ACTIVATIONS)
    assert get_args(choices.Optimizer) == tuple(OPTIMIZERS)
    assert list(options.KINDS.choices) == list(get_args(choices.Kind))
    assert list(options.OPTIMIZERS.choices) == list(get_args(choices.Optimizer))


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("kind", choices.Kind),
        ("loss", choices.Loss),
        ("schedule", choices.Schedule),
        ("scaling", choices.Scaling),
        ("augmentation", choices.Augmentation),
    ],
)
def test_the_refusal_lists_the_names(setting: str, names: object, digits: Data) -> None:
    wrong = ["twist"] if setting == "augmentation" else "twist"
    with pytest.raises(InputError) as refused:
        Autoencoder(epochs=1, **{setting: wrong}).fit(digits.train[:20])
    assert ", ".join(get_args(names)) in str(refused.value)
