"""The mathematics: PCA's error is reached from a random start, gradients are right, full-batch descent descends."""

import numpy as np
import pytest

from isthmus.autoencoder import Autoencoder, Data, checks
from isthmus.autoencoder.checks import compare_with_pca, descent, gradient_error, run_all
from isthmus.autoencoder.networks import Network


def test_linear_autoencoder_reaches_pcas_error_at_five_code_sizes(digits: Data) -> None:
    found = compare_with_pca(digits.train, epochs=90)
    assert [result.code_size for result in found] == [2, 4, 8, 16, 32]
    for result in found:
        # No linear map is better than PCA; float32 may round it under by a little.
        assert -1e-4 < result.excess < 0.01, result


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("linear", "mse"), ("dense", "mse"), ("dense", "bce"), ("variational", "mse"), ("variational", "bce"),
        ("convolutional", "mse"), ("convolutional", "bce"),
    ],
)  # fmt: skip
def test_gradients_agree_with_finite_differences(kind: str, loss: str, digits: Data) -> None:
    model = Autoencoder(kind, code_size=3, activation="tanh", epochs=1, random_state=0).fit(digits.train[:50])
    rows = model.scaling_.apply(digits.train[:6].reshape(6, -1), np.dtype(np.float64))
    assert gradient_error(model.network_, rows, loss) < 1e-5


def test_the_gradient_check_notices_a_wrong_gradient(digits: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Autoencoder(code_size=3, activation="tanh", hidden=(8,), epochs=1, random_state=0).fit(digits.train[:50])
    rows = model.scaling_.apply(digits.train[:6].reshape(6, -1), np.dtype(np.float64))
    right = Network.encode
    # The forward value stays, half of the encoder's gradient is lost.
    monkeypatch.setattr(Network, "encode", lambda self, x: right(self, x) * 0.5 + (right(self, x) * 0.5).detach())
    assert gradient_error(model.network_, rows) > 0.1


@pytest.mark.parametrize(("kind", "hidden"), [("linear", None), ("dense", (16,)), ("convolutional", (4,))])
def test_full_batch_descent_lowers_the_loss_at_every_step(kind: str, hidden: tuple | None, digits: Data) -> None:
    losses = descent(digits.train[:300], learning_rate=0.1, kind=kind, hidden=hidden, code_size=4)
    assert len(losses) == 50
    assert np.all(np.diff(losses) < 0)


def test_a_large_step_does_not_only_descend(digits: Data) -> None:
    losses = descent(digits.train[:300], learning_rate=30, kind="dense", hidden=(16,), code_size=4)
    assert not np.all(np.diff(losses) < 0)


def test_the_report_of_all_checks_says_ok(digits: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of four by four pixels: fewer steps than pictures take.
    monkeypatch.setattr(checks, "LINEAR_STEPS", 1000)
    lines = run_all(digits.train[:256, :4, :4])
    assert sum(line.endswith(" ok") for line in lines) == 5
    assert not any("WRONG" in line for line in lines)
