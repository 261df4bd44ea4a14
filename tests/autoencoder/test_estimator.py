"""The estimator: scikit-learn's own checks, shapes and dtypes, settings, seeds, and what it refuses."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from isthmus.autoencoder import Autoencoder, Compressor, Data
from isthmus.autoencoder.networks import ACTIVATIONS
from isthmus.autoencoder.scaling import fit_scaling
from isthmus.errors import InputError

# Kind by kind, the checks of scikit-learn that fail, and why. `convolutional` is not here: it takes pictures only, and
# scikit-learn checks with flat rows.
EXPECTED_FAILURES: dict[str, dict[str, str]] = {"linear": {}, "dense": {}, "variational": {}, "denoising": {}}
# scikit-learn skips this one itself unless SCIPY_ARRAY_API is set before SciPy is imported.
NOT_RUN = {"check_array_api_input"}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.EstimatorCheckFailedWarning")
@pytest.mark.parametrize("kind", EXPECTED_FAILURES)
def test_scikit_learns_checks_pass(kind: str) -> None:
    results = check_estimator(Autoencoder(kind, epochs=1), on_fail=None, on_skip=None)
    status = {result["check_name"]: result["status"] for result in results}
    unsuccessful = {name for name, value in status.items() if value != "passed"}
    assert len(status) > 40
    assert unsuccessful - NOT_RUN == set(EXPECTED_FAILURES[kind])


def test_convolutional_refuses_flat_rows() -> None:
    with pytest.raises(InputError, match="needs pictures"):
        Autoencoder("convolutional").fit(np.zeros((4, 16)))


@pytest.mark.parametrize("kind", ["linear", "dense", "convolutional", "variational", "denoising"])
@pytest.mark.parametrize("shape", [(7, 9), (6, 5, 3), (8, 8, 1)])
def test_shapes_of_pictures_return(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (10, *shape), dtype=np.uint8)
    model = Autoencoder(kind, code_size=3, epochs=1, random_state=0).fit(pictures)
    assert model.transform(pictures).shape == (10, 3)
    assert model.inverse_transform(np.zeros((2, 3))).shape == (2, *shape)
    assert model.reconstruct(pictures).dtype == np.uint8
    assert model.sample(4, random_state=0).shape == (4, *shape)
    assert model.score_samples(pictures).shape == (10,)
    assert model.learned_features().shape == (3, *shape)


def test_every_kind_learns(digits: Data) -> None:
    mean_error = np.mean((digits.test - digits.train.mean(axis=0)) ** 2)
    for kind, loss in [
        ("linear", "mse"), ("dense", "mse"), ("dense", "bce"), ("convolutional", "mse"), ("variational", "bce"),
        ("denoising", "mse"),
    ]:  # fmt: skip
        model = Autoencoder(kind, code_size=8, batch_size=32, epochs=8, learning_rate=3e-3, loss=loss, random_state=0)
        error = -model.fit(digits.train).score(digits.test)
        assert error < 0.8 * mean_error, f"{kind} with {loss}: {error:.0f} against {mean_error:.0f} of the mean picture"


def test_the_default_network_is_the_textbooks() -> None:
    model = Autoencoder(epochs=1, max_steps=1, random_state=0).fit(np.zeros((2, 28, 28), np.uint8))
    layers = [module for module in model.network_.modules() if isinstance(module, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [
        (784, 256), (256, 128), (128, 256), (256, 784),
    ]  # fmt: skip
    assert model.network_.spec.output_activation == "sigmoid"
    assert model.network_.spec.activations == ("relu", "relu")


def test_same_seed_same_model_and_other_seed_another(digits: Data) -> None:
    def codes(seed: int) -> np.ndarray:
        model = Autoencoder("variational", code_size=2, hidden=(8,), epochs=2, random_state=seed)
        return model.fit(digits.train[:100]).transform(digits.test[:5])

    assert_array_equal(codes(1), codes(1))
    assert np.abs(codes(1) - codes(2)).max() > 0.01


def test_fitting_leaves_the_callers_generator_and_threads_alone(digits: Data) -> None:
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    Autoencoder(hidden=(4,), epochs=1, random_state=0, threads=2).fit(digits.train[:50])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("given", "computed"),
    [(np.uint8, np.float32), (np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64)],
)
def test_precision_follows_the_data(given: type, computed: type, digits: Data) -> None:
    model = Autoencoder(hidden=(4,), epochs=1, random_state=0).fit(digits.train[:50].astype(given))
    assert model.transform(digits.test[:5].astype(given)).dtype == computed


def test_scaling_is_undone(digits: Data) -> None:
    data = digits.train.astype(np.float64) * 3 - 1000
    for scaling in ("unit", "center", "standard", "none"):
        model = Autoencoder(hidden=(4,), epochs=1, scaling=scaling, random_state=0).fit(data)
        rows = model.scaling_.apply(data.reshape(len(data), -1), np.dtype(np.float64))
        assert_allclose(model.scaling_.undo(rows), data.reshape(len(data), -1), rtol=1e-12)
    assert model.scaling_.scale.min() == 1.0


def test_works_in_pipelines_and_searches(digits: Data) -> None:
    flat = digits.train.reshape(len(digits.train), -1).astype(float)[:200]
    pipeline = make_pipeline(StandardScaler(), Autoencoder(code_size=3, hidden=(8,), epochs=1, random_state=0))
    assert pipeline.fit_transform(flat).shape == (200, 3)
    assert list(pipeline[-1].get_feature_names_out()) == ["autoencoder0", "autoencoder1", "autoencoder2"]
    search = GridSearchCV(
        Autoencoder("linear", epochs=10, batch_size=16, learning_rate=0.01, random_state=0), {"code_size": [1, 8]}, cv=2
    )
    assert search.fit(flat).best_params_ == {"code_size": 8}
    assert_array_equal(pickle.loads(pickle.dumps(pipeline)).transform(flat), pipeline.transform(flat))


def test_samples_of_the_variational_kind_are_decoded_normal_codes(digits: Data) -> None:
    model = Autoencoder("variational", code_size=2, hidden=(8,), epochs=1, random_state=0).fit(digits.train[:100])
    codes = np.random.RandomState(3).standard_normal((4, 2))
    assert_array_equal(model.sample(4, random_state=3), model.inverse_transform(codes))


def test_score_samples_is_minus_the_squared_error(dense: Autoencoder, digits: Data) -> None:
    difference = dense.inverse_transform(dense.transform(digits.test)) - digits.test
    assert_allclose(dense.score_samples(digits.test), -np.mean(difference**2, axis=(1, 2)), rtol=1e-5)
    assert dense.score(digits.test) == pytest.approx(-np.mean(difference**2), rel=1e-5)


def test_learned_features_of_a_linear_network_are_the_columns_of_its_decoder(digits: Data) -> None:
    model = Autoencoder("linear", code_size=3, epochs=1, random_state=0).fit(digits.train)
    unit = model.inverse_transform(np.eye(3)) - model.inverse_transform(np.zeros((3, 3)))
    assert_allclose(model.learned_features(), unit, atol=1e-3)


def test_learned_features_of_a_deep_network_are_its_slope_at_the_mean_code(dense: Autoencoder) -> None:
    mean, step = dense.code_mean_, 1e-2
    moved = mean + step * np.eye(8)
    slope = (dense.inverse_transform(moved) - dense.inverse_transform(mean[None])) / step
    features = dense.learned_features()
    assert np.abs(features - slope).max() < 0.05 * np.abs(features).max()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "quantum"}, "kind is unknown: expected one of linear, dense"),
        ({"kind": "linear", "hidden": (3,)}, "no hidden layers"),
        ({"code_size": 0}, "no units"),
        ({"hidden": (0,)}, "no units"),
        ({"activation": "step"}, "activation is unknown"),
        ({"activation": ("relu", "tanh", "relu")}, "each of the 2, got 3"),
        ({"code_activation": "step"}, "code_activation is unknown"),
        ({"output_activation": "step"}, "output_activation is unknown"),
        ({"scaling": "log"}, "scaling is unknown"),
        ({"loss": "mae"}, "loss is unknown"),
        ({"loss": "bce", "scaling": "standard"}, "needs numbers in 0..1"),
        ({"loss": "bce", "output_activation": "linear"}, "needs numbers in 0..1"),
        ({"optimizer": "magic"}, "optimizer is unknown"),
        ({"schedule": "random"}, "schedule is unknown"),
        ({"learning_rate": 0}, "learning_rate is too small: expected a number above 0, got 0"),
        ({"batch_size": 0}, "batch_size is too small"),
        ({"epochs": 0}, "epochs is too small"),
        ({"max_steps": 0}, "max_steps is too small"),
        ({"augmentation": ("blur",)}, "augmentation is unknown"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Autoencoder(**settings).fit(np.zeros((4, 4, 4), np.uint8))


def test_wrong_shapes_are_refused(dense: Autoencoder) -> None:
    with pytest.raises(InputError, match=r"expected samples \(n, 8, 8\), got \(2, 8, 9\)"):
        dense.transform(np.zeros((2, 8, 9)))
    with pytest.raises(InputError, match=r"expected codes \(n, 8\), got \(2, 9\)"):
        dense.inverse_transform(np.zeros((2, 9)))
    with pytest.raises(InputError, match="augmentation needs pictures"):
        Autoencoder(augmentation=("flip",)).fit(np.zeros((4, 4)))
    with pytest.raises(InputError, match="too many dimensions"):
        Autoencoder().fit(np.zeros((2, 2, 2, 2, 2)))
    with pytest.raises(InputError, match="n_samples is too small"):
        dense.sample(0)


def test_one_activation_for_each_layer(digits: Data) -> None:
    names = ("tanh", "elu", "silu", "sigmoid")
    model = Autoencoder(hidden=(6, 5), activation=names, code_activation="tanh", epochs=1, random_state=0)
    model.fit(digits.train[:20])
    modules = [type(module) for module in (*model.network_.encoder, *model.network_.decoder)]
    kinds = [type(ACTIVATIONS[name]()) for name in names]
    assert [module for module in modules if module is not torch.nn.Linear] == kinds
    assert np.abs(model.transform(digits.test)).max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaling", ["standard", "unit", "center"])
def test_what_is_constant_up_to_rounding_is_not_divided(scaling: str, dtype: type) -> None:
    """Means of equal numbers are off by rounding: their deviation is 1e-17, and not a number to divide by."""
    rows = np.full((1000, 3), 0.1, dtype)
    rows[::2] = np.nextafter(rows[::2], dtype(1))
    found = fit_scaling(scaling, rows)
    assert_array_equal(found.scale, 1.0)
    assert np.abs(found.apply(rows, np.dtype(dtype))).max() < 1e-6
    if scaling == "standard":
        rows[:, 1] = np.arange(1000)
        found = fit_scaling(scaling, rows)
        assert_allclose(found.scale, [1, np.std(np.arange(1000)), 1])


def test_small_numbers_are_not_taken_for_rounding() -> None:
    rows = np.random.default_rng(0).normal(0, 1e-20, (1000, 2))
    assert_allclose(fit_scaling("standard", rows).scale, 1e-20, rtol=0.1)


def test_a_model_without_any_error_has_a_quantizer(
    dense: Autoencoder, digits: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Autoencoder, "score", lambda *_: 0.0)
    compressor = Compressor.fit(dense, digits.train)
    exact = dense.inverse_transform(dense.transform(digits.test))
    found = dense.inverse_transform(compressor.symbols(digits.test) * compressor.steps + compressor.centers)
    assert (compressor.steps > 0).all()
    assert float(np.sqrt(np.mean((found - exact) ** 2))) < 0.5


def test_settings_of_every_width_are_plain(digits: Data, tmp_path: Path) -> None:
    """200 epochs as uint8, times the batches of an epoch, would wrap around."""
    model = Autoencoder(
        "dense",
        code_size=np.uint8(2),
        hidden=np.array([16], np.uint8),
        learning_rate=np.float32(0.01),
        epochs=np.uint8(200),
        batch_size=np.int16(64),
        max_steps=np.uint8(3),
        random_state=0,
    ).fit(digits.train[:256])
    assert model.history_.steps == 3
    model.save(tmp_path / "model")
    found = Autoencoder.load(tmp_path / "model").get_params()
    assert (found["hidden"], found["epochs"], found["code_size"]) == ([16], 200, 2)


def test_fits_in_several_threads_do_as_alone_and_leave_no_trace(digits: Data) -> None:
    def fit(threads: int) -> np.ndarray:
        model = Autoencoder("dense", code_size=2, epochs=2, random_state=0, threads=threads)
        return model.fit(digits.train[:128]).transform(digits.test[:9])

    before, state = torch.get_num_threads(), torch.get_rng_state()
    alone = fit(1)
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(fit, [1, 1, 2, 1, 2, 1]))
    for codes in together:
        assert_allclose(codes, alone, rtol=1e-4, atol=1e-5)
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), state)
