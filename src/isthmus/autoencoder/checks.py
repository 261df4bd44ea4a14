"""Checks that the mathematics holds: PCA's error is reached, gradients are right, small full-batch steps descend."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA

from isthmus.autoencoder.estimator import Autoencoder
from isthmus.autoencoder.networks import Network
from isthmus.autoencoder.training import TrainingConfig, objective

PCA_CODE_SIZES = (2, 4, 8, 16, 32)
PCA_TOLERANCE = 0.01
GRADIENT_TOLERANCE = 1e-5  # relative; central differences in float64 leave about 1e-7
# Found to converge on 8x8 and 28x28 pictures; the start is random, never PCA's answer.
LINEAR_TRAINING: dict[str, Any] = {
    "kind": "linear",
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "cosine",
    "batch_size": 128,
}
LINEAR_STEPS = 2000


@dataclass(frozen=True)
class PcaComparison:
    """Mean squared errors of a trained linear autoencoder and of PCA on the data that both were fitted to."""

    code_size: int
    autoencoder_mse: float
    pca_mse: float

    @property
    def excess(self) -> float:
        """How much larger the autoencoder's error is, as a fraction; PCA's is the smallest a linear map can have."""
        if self.pca_mse == 0:
            return 0.0 if self.autoencoder_mse == 0 else math.inf
        return self.autoencoder_mse / self.pca_mse - 1


def compare_with_pca(
    X: ArrayLike, code_sizes: Iterable[int] = PCA_CODE_SIZES, *, seed: int = 0, **settings: Any
) -> list[PcaComparison]:
    """Train linear autoencoders on ``X (n, ...)`` from random starts and compare with PCA (Baldi and Hornik 1989)."""
    rows = np.asarray(X).reshape(len(np.asarray(X)), -1).astype(np.float32)
    epochs = max(30, -(-LINEAR_STEPS // -(-len(rows) // int(LINEAR_TRAINING["batch_size"]))))
    results = []
    for code_size in code_sizes:
        pca = PCA(code_size, svd_solver="covariance_eigh").fit(rows.astype(np.float64))
        rebuilt = pca.inverse_transform(pca.transform(rows.astype(np.float64)))
        chosen = LINEAR_TRAINING | {"epochs": epochs, "code_size": code_size, "random_state": seed} | settings
        model = Autoencoder(**chosen).fit(rows)
        results.append(PcaComparison(code_size, -model.score(rows), float(np.mean((rebuilt - rows) ** 2))))
    return results


def gradient_error(network: Network, rows: ArrayLike, loss: str = "mse", *, seed: int = 0, probes: int = 40) -> float:
    """Largest relative difference between backpropagated gradients and central finite differences.

    ``probes`` weights and biases, drawn at random, are moved by 1e-6 each way in float64. Variational networks draw the
    same noise every time. The difference is relative to the larger of the two and of the mean gradient.
    """
    config = TrainingConfig(loss=loss)
    network = _copy(network).double()
    x = torch.from_numpy(np.asarray(rows, dtype=np.float64))

    def measured() -> torch.Tensor:
        torch.manual_seed(seed)
        return objective(network, x, x, config)

    with torch.random.fork_rng(devices=[]):
        measured().backward()  # type: ignore[no-untyped-call]
        weights = [parameter for parameter in network.parameters() if parameter.grad is not None]
        slopes = torch.cat([parameter.grad.flatten() for parameter in weights if parameter.grad is not None])
        typical = float(slopes.abs().mean())
        generator = np.random.default_rng(seed)
        worst = 0.0
        for _ in range(probes):
            parameter = weights[generator.integers(len(weights))]
            index = int(generator.integers(parameter.numel()))
            found = float((parameter.grad if parameter.grad is not None else parameter).flatten()[index])
            numeric = _central_difference(parameter, index, measured)
            worst = max(worst, abs(found - numeric) / max(abs(found), abs(numeric), typical))
    return worst


def descent(X: ArrayLike, *, learning_rate: float, steps: int = 50, seed: int = 0, **settings: Any) -> list[float]:
    """Losses before each of ``steps`` steps of plain full-batch gradient descent on ``X (n, ...)``."""
    model = Autoencoder(
        optimizer="sgd",
        learning_rate=learning_rate,
        batch_size=None,
        epochs=steps,
        random_state=seed,
        **settings,
    )
    return list(model.fit(np.asarray(X)).history_.loss)


def run_all(X: NDArray[Any], *, seed: int = 0) -> list[str]:
    """All three checks on training samples ``(n, ...)``, as lines with what was found and whether it is right."""
    lines = ["linear autoencoder against PCA, mean squared error:"]
    sizes = [size for size in PCA_CODE_SIZES if size < min(X[0].size, len(X))]
    for found in compare_with_pca(X, sizes, seed=seed):
        lines.append(
            f"  code {found.code_size:3d}: {found.autoencoder_mse:9.3f} against {found.pca_mse:9.3f}, "
            f"{found.excess:+.3%} {_verdict(found.excess < PCA_TOLERANCE)}"
        )
    model = Autoencoder("dense", code_size=4, hidden=(16,), activation="tanh", epochs=1, random_state=seed).fit(X[:64])
    rows = model.scaling_.apply(X[:8].reshape(min(8, len(X)), -1), np.dtype(np.float64))
    error = gradient_error(model.network_, rows, seed=seed)
    lines.append("gradients against finite differences, largest relative difference:")
    lines.append(f"  {error:.1e} {_verdict(error < GRADIENT_TOLERANCE)}")
    losses = descent(X, learning_rate=0.1, seed=seed, code_size=4, hidden=(16,))
    falls = int(np.sum(np.diff(losses) < 0))
    lines.append("full-batch gradient descent:")
    lines.append(f"  the loss fell at {falls} of {len(losses) - 1} steps {_verdict(falls == len(losses) - 1)}")
    return lines


def _verdict(right: bool) -> str:
    return "ok" if right else "WRONG"


def _central_difference(parameter: torch.Tensor, index: int, measured: Any, step: float = 1e-6) -> float:
    flat = parameter.data.view(-1)
    before = float(flat[index])
    losses = []
    with torch.no_grad():
        for moved in (before + step, before - step):
            flat[index] = moved
            losses.append(float(measured()))
    flat[index] = before
    return (losses[0] - losses[1]) / (2 * step)


def _copy(network: Network) -> Network:
    copy = Network(network.spec)
    copy.load_state_dict(network.state_dict())
    return copy
