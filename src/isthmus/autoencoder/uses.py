"""What else an autoencoder is for: finding strange samples, removing noise, inventing samples. Each is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from isthmus.autoencoder.compare import mean_squared_error
from isthmus.autoencoder.compress import Compressor
from isthmus.autoencoder.estimator import Autoencoder
from isthmus.errors import InputError
from isthmus.likeness import psnr_of_mse

PCA_VARIANCE = 0.95
COPY_QUANTILE = 0.01


@dataclass(frozen=True)
class Anomalies:
    """Areas under the ROC curve for telling samples of one class from all others, by method; 0.5 is guessing."""

    normal: int
    auc: dict[str, float]


@dataclass(frozen=True)
class Denoising:
    """PSNR in decibels against the clean pictures."""

    noise: float  # deviation in 8-bit levels
    noisy_db: float
    median_db: float  # 3x3 median filter
    autoencoder_db: float


@dataclass(frozen=True)
class Novelty:
    """Whether invented samples are copies: distances (root mean square) to the nearest training sample."""

    samples: int
    median_distance: float  # of invented samples
    median_test_distance: float  # of real test samples, the yardstick
    copies: float  # share of invented samples nearer than 99 % of the test samples are


def find_anomalies(
    train: ArrayLike, train_labels: ArrayLike, test: ArrayLike, test_labels: ArrayLike, normal: int, model: Autoencoder
) -> Anomalies:
    """Fit ``model`` to the class ``normal`` only, and rank the test samples by how strange they look.

    Methods: the autoencoder's reconstruction error and code length, PCA's reconstruction error (95 % of the variance)
    and scikit-learn's isolation forest, all fitted to the same samples without any label.
    """
    samples = np.asarray(train)[np.asarray(train_labels) == normal]
    tests = np.asarray(test)
    strange = np.asarray(test_labels) != normal
    if len(samples) < 2 or strange.all() or not strange.any():
        raise InputError(f"class {normal} cannot be told from others", expected="samples of it and of others")
    model.fit(samples)
    flat, flat_tests = _flat(samples), _flat(tests)
    pca = PCA(PCA_VARIANCE, svd_solver="full").fit(flat)
    forest = IsolationForest(random_state=0).fit(flat)
    pca_error = np.mean((pca.inverse_transform(pca.transform(flat_tests)) - flat_tests) ** 2, axis=1)
    strangeness = {
        "autoencoder error": -model.score_samples(tests),
        "autoencoder code length": Compressor.fit(model, samples).code_bits(tests),
        "PCA error": pca_error,
        "isolation forest": -forest.score_samples(flat_tests),
    }
    return Anomalies(normal, {name: float(roc_auc_score(strange, value)) for name, value in strangeness.items()})


def anomaly_table(results: Sequence[Anomalies]) -> list[str]:
    """Lines of a table: a row for each normal class, and their means where there are several."""
    names = list(results[0].auc)
    rows = [(str(result.normal), [result.auc[name] for name in names]) for result in results]
    if len(rows) > 1:
        rows.append(("mean", [float(column) for column in np.mean([values for _, values in rows], axis=0)]))
    lines = ["normal  " + "  ".join(names)]
    for label, values in rows:
        cells = (f"{value:.3f}".rjust(len(name)) for value, name in zip(values, names, strict=True))
        lines.append(label.ljust(len("normal")) + "  " + "  ".join(cells))
    return lines


def add_noise(pictures: ArrayLike, noise: float, *, seed: int = 0) -> NDArray[np.uint8]:
    """8-bit pictures with normal noise of deviation ``noise`` (in levels), rounded and clipped to 0..255."""
    clean = np.asarray(pictures)
    noisy = clean + np.random.default_rng(seed).normal(0, noise, clean.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def denoise(model: Autoencoder, pictures: ArrayLike, noise: float, *, seed: int = 0) -> Denoising:
    """Measure a fitted ``model`` on noisy versions of clean test pictures ``(n, H, W[, C]) uint8``."""
    clean = np.asarray(pictures)
    if clean.dtype != np.uint8 or clean.ndim < 3:
        raise InputError("denoising is measured on 8-bit pictures", got=f"{clean.shape} {clean.dtype}")
    noisy = add_noise(clean, noise, seed=seed)
    window = (1, 3, 3, 1)[: clean.ndim]
    return Denoising(
        noise,
        psnr_of_mse(mean_squared_error(noisy, clean)),
        psnr_of_mse(mean_squared_error(median_filter(noisy, window), clean)),
        psnr_of_mse(mean_squared_error(model.reconstruct(noisy), clean)),
    )


def novelty(invented: ArrayLike, train: ArrayLike, test: ArrayLike) -> Novelty:
    """Compare invented samples' distances to the training data with those of real test samples."""
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(_flat(train))
    features = _flat(train).shape[1]

    def distances(samples: ArrayLike) -> NDArray[np.float64]:
        nearest: NDArray[np.float64] = neighbours.kneighbors(_flat(samples))[0][:, 0] / np.sqrt(features)
        return nearest

    found, usual = distances(invented), distances(test)
    return Novelty(
        len(found),
        float(np.median(found)),
        float(np.median(usual)),
        float(np.mean(found < np.quantile(usual, COPY_QUANTILE))),
    )


def _flat(samples: ArrayLike) -> NDArray[Any]:
    array = np.asarray(samples)
    return array.reshape(len(array), -1).astype(np.float32)
