"""Anomalies, noise and invented samples: each measure tells a good model from a bad one."""

import numpy as np
import pytest
from scipy.ndimage import median_filter

from isthmus.autoencoder import Autoencoder, Data
from isthmus.autoencoder.uses import Anomalies, add_noise, anomaly_table, denoise, find_anomalies, novelty
from isthmus.errors import InputError


def test_digits_that_are_no_zeros_are_found(digits: Data) -> None:
    model = Autoencoder(code_size=4, hidden=(32,), batch_size=16, epochs=40, random_state=0)
    found = find_anomalies(digits.train, digits.train_labels, digits.test, digits.test_labels, 0, model)
    assert list(found.auc) == ["autoencoder error", "autoencoder code length", "PCA error", "isolation forest"]
    assert found.auc["autoencoder error"] > 0.98
    assert found.auc["PCA error"] > 0.98
    assert found.auc["autoencoder code length"] > 0.6


def test_no_method_sees_the_labels(digits: Data) -> None:
    # With test labels drawn at random there is nothing to find.
    labels = np.random.default_rng(0).integers(0, 10, len(digits.test))
    model = Autoencoder(code_size=4, hidden=(16,), batch_size=16, epochs=5, random_state=0)
    found = find_anomalies(digits.train, digits.train_labels, digits.test, labels, 0, model)
    assert all(0.3 < auc < 0.7 for auc in found.auc.values())


def test_a_class_without_others_is_refused(digits: Data) -> None:
    with pytest.raises(InputError, match="class 11 cannot be told"):
        find_anomalies(digits.train, digits.train_labels, digits.test, digits.test_labels, 11, Autoencoder(epochs=1))


def test_the_anomaly_table_ends_with_means() -> None:
    lines = anomaly_table([Anomalies(3, {"error": 0.5, "bits": 1.0}), Anomalies(4, {"error": 1.0, "bits": 0.25})])
    assert [line.split() for line in lines] == [
        ["normal", "error", "bits"], ["3", "0.500", "1.000"], ["4", "1.000", "0.250"], ["mean", "0.750", "0.625"],
    ]  # fmt: skip


def test_noise_has_the_deviation_asked_for() -> None:
    noisy = add_noise(np.full((50, 20, 20), 128, np.uint8), 20, seed=1)
    assert noisy.dtype == np.uint8
    assert noisy.std() == pytest.approx(20, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_a_denoising_network_beats_the_noise_and_one_without_training_does_not(digits: Data) -> None:
    settings = {"code_size": 32, "hidden": (128,), "batch_size": 32, "noise": 0.2, "random_state": 0}
    trained = denoise(Autoencoder("denoising", epochs=20, **settings).fit(digits.train), digits.test, 51)
    assert trained.autoencoder_db > trained.noisy_db + 1.5
    untrained = denoise(Autoencoder("denoising", epochs=1, max_steps=1, **settings).fit(digits.train), digits.test, 51)
    assert untrained.autoencoder_db < untrained.noisy_db
    assert untrained.noisy_db == trained.noisy_db > trained.median_db


def test_the_median_filter_works_within_each_picture(digits: Data) -> None:
    result = denoise(Autoencoder(epochs=1, random_state=0).fit(digits.train), digits.test[:9], 30)
    filtered = np.stack([median_filter(picture, 3) for picture in add_noise(digits.test[:9], 30)])
    mse = np.mean((filtered.astype(float) - digits.test[:9]) ** 2)
    assert result.median_db == pytest.approx(10 * np.log10(255**2 / mse))


def test_denoising_needs_8_bit_pictures(dense: Autoencoder) -> None:
    with pytest.raises(InputError, match="8-bit pictures"):
        denoise(dense, np.zeros((2, 8, 8)), 10)


def test_copies_are_noticed_and_real_pictures_are_not_copies(digits: Data) -> None:
    assert novelty(digits.train[:50], digits.train, digits.test).copies == 1.0
    assert novelty(digits.train[:50], digits.train, digits.test).median_distance < 1e-3
    real = novelty(digits.test, digits.train, digits.test)
    assert real.copies < 0.02
    assert real.median_distance == real.median_test_distance > 10
