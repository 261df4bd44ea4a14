"""What an autoencoder is: its settings, and what fitting leaves. What can be done with it is the estimator's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from isthmus.autoencoder.choices import Activation, Augmentation, Kind, Loss, Optimizer, Schedule
from isthmus.autoencoder.choices import Scaling as ScalingName
from isthmus.autoencoder.networks import Network
from isthmus.autoencoder.scaling import Scaling
from isthmus.autoencoder.training import History


class State(BaseEstimator):  # type: ignore[misc]
    """Settings of an autoencoder and, once it is fitted, the network with all that it needs.

    `Autoencoder` says what each setting means. As scikit-learn's rules want it, the settings are kept as they were
    given, and what fitting finds has an underscore at the end of its name.

    Attributes after fitting:
        network_: the network.
        scaling_: from the units of the data to those of the network and back.
        history_: the loss of every epoch.
        shape_: of one sample.
        trained_on_: the NumPy name of the training data's dtype.
        n_features_in_: the first axis of a sample, as scikit-learn counts.
        n_iter_: epochs done.
        code_mean_: (code_size,) float64, over the training codes.
        code_covariance_: (code_size, code_size) float64.
    """

    network_: Network
    scaling_: Scaling
    history_: History
    shape_: tuple[int, ...]
    trained_on_: str
    n_features_in_: int
    n_iter_: int
    code_mean_: NDArray[np.float64]
    code_covariance_: NDArray[np.float64]
    _n_features_out: int

    def __init__(
        self,
        kind: Kind = "dense",
        *,
        code_size: int | None = None,
        hidden: Sequence[int] | None = None,
        activation: Activation | Sequence[Activation] = "relu",
        code_activation: Activation = "linear",
        output_activation: Activation | Literal["auto"] = "auto",
        scaling: ScalingName | Literal["auto"] = "auto",
        loss: Loss = "mse",
        optimizer: Optimizer = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: Schedule = "constant",
        batch_size: int | None = 256,
        epochs: int = 10,
        max_steps: int | None = None,
        stop_loss: float | None = None,
        noise: float | None = None,
        beta: float | None = None,
        augmentation: Sequence[Augmentation] = (),
        shuffle: bool = True,
        threads: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.kind = kind
        self.code_size = code_size
        self.hidden = hidden
        self.activation = activation
        self.code_activation = code_activation
        self.output_activation = output_activation
        self.scaling = scaling
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_steps = max_steps
        self.stop_loss = stop_loss
        self.noise = noise
        self.beta = beta
        self.augmentation = augmentation
        self.shuffle = shuffle
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose
