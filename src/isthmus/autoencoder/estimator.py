"""`Autoencoder`: the textbook's autoencoders as one scikit-learn estimator over arrays of samples or pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm import tqdm  # type: ignore[import-untyped]

from isthmus.autoencoder import parameters, storage
from isthmus.autoencoder.networks import Network
from isthmus.autoencoder.scaling import fit_scaling
from isthmus.autoencoder.state import State
from isthmus.autoencoder.training import train
from isthmus.errors import InputError

CHUNK = 4096  # rows a network sees at once outside training: bounds the memory of the hidden layers
STATISTICS_ROWS = 10_000  # rows that the code's mean and covariance are measured on

Array = NDArray[Any]
_one_fit = RLock()


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, State):  # type: ignore[misc]
    """Learn a short code for samples, and the way back (Rumelhart, Hinton, Williams 1986; Hinton, Salakhutdinov 2006).

    Samples are ``(n, features)`` or pictures ``(n, H, W)`` or ``(n, H, W, C)`` of any numeric dtype; 8-bit pictures are
    best given as they are (`uint8`). Arrays of 64-bit numbers are computed in float64, all others in float32.

    Args:
        kind: ``linear`` (h = W_e x + b_e, x^ = W_d h + b_d), ``dense``, ``convolutional`` (needs pictures),
            ``variational`` (dense, Kingma and Welling 2014) or ``denoising`` (dense, Vincent et al. 2008).
        code_size: numbers in the code, the width of the bottleneck; None is a quarter of the features, at most 128.
        hidden: units of the encoder's hidden layers, which the decoder mirrors; for ``convolutional`` the filters of
            each halving layer. None: (256,), for ``convolutional`` (16, 32), for ``linear`` no layer.
        activation: of the hidden layers, one name for all, or one for each, encoder first: linear, relu, leaky_relu,
            elu, gelu, silu, softplus, tanh, sigmoid.
        code_activation: of the bottleneck.
        output_activation: ``auto`` is sigmoid where the scaling is ``unit``, and linear otherwise.
        scaling: ``unit``, ``center``, ``standard`` or ``none`` (see `fit_scaling`); ``auto`` is ``center`` for linear
            networks and ``unit`` for the others.
        loss: ``mse`` or ``bce`` (binary cross-entropy; needs a sigmoid output and rows in 0..1).
        optimizer: sgd, nesterov, adam, adamw, rmsprop, adagrad or lbfgs (up to 10 iterations a step).
        learning_rate, momentum, weight_decay: of the optimizer.
        schedule: ``constant``, or ``cosine`` for a learning rate that falls to zero over the planned steps.
        batch_size: samples a step; None is full batch, 1 is one sample at a time.
        epochs, max_steps: the most passes over the data, and the most steps (None: as many as the passes need).
        stop_loss: stop after the first epoch whose mean loss, in scaled units, is at or under this.
        noise: deviation of the noise added to the input, in scaled units; None is 0.3 for ``denoising``, else 0.
        beta: weight of the variational term; None is 1 with ``bce`` (the evidence bound) and 0.1 with ``mse``
            (a Gaussian decoder of deviation 0.22).
        augmentation: any of shift, rotate, zoom, flip; needs pictures.
        shuffle: a new order of the samples every epoch.
        threads: CPU threads while fitting; None leaves PyTorch's own choice.
        random_state: seed, generator or None, as everywhere in scikit-learn.
        verbose: show a progress bar.

    `State` says what there is after `fit`.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: ArrayLike, y: object = None, *, validation: ArrayLike | None = None) -> Self:
        """Train on samples ``(n, ...)``; ``y`` is ignored; ``validation`` samples are measured after every epoch.

        Raises `InputError` (a ValueError) for settings or arrays that do not fit together, and when the loss blows up.
        """
        samples: Array = validate_data(self, X, dtype="numeric", allow_nd=True)
        self.shape_ = samples.shape[1:]
        self.trained_on_ = str(samples.dtype)
        spec = parameters.network_spec(self, self.shape_)
        config = parameters.training_config(self, spec)
        short = samples.dtype.itemsize <= 2 or samples.dtype == np.float32
        dtype: np.dtype[Any] = np.dtype(np.float32 if short else np.float64)
        rows = samples.reshape(len(samples), -1)
        self.scaling_ = fit_scaling(parameters.scaling_name(self), rows)
        scaled = torch.from_numpy(self.scaling_.apply(rows, dtype))
        held_out = None if validation is None else torch.from_numpy(self._scaled_rows(validation, dtype))

        def bar(count: int) -> Iterator[int]:
            return iter(
                tqdm(range(count), desc=f"{spec.kind} {spec.code_size}", unit="epoch", disable=not self.verbose)
            )

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with _torch_settings(seed, self.threads):
            self.network_ = Network(spec).to(scaled.dtype)
            self.history_ = train(self.network_, scaled, config, validation=held_out, epochs=bar)
        self.n_iter_ = len(self.history_.loss)
        self._n_features_out = spec.code_size
        some = scaled[:: -(-len(scaled) // STATISTICS_ROWS)]
        with torch.no_grad():
            codes = self.network_.encode(some).double().numpy()
        self.code_mean_ = codes.mean(axis=0)
        self.code_covariance_ = np.atleast_2d(np.cov(codes.T, bias=True))
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Encode samples ``(n, ...)`` to codes ``(n, code_size)``, float32 or float64 as fitted."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="numeric", allow_nd=True, reset=False)
        rows = self._scaled_rows(X, self._dtype)
        return self._in_chunks(self.network_.encode, rows, self.network_.spec.code_size)

    def inverse_transform(self, X: ArrayLike) -> Array:
        """Decode codes ``(n, code_size)`` to samples ``(n, ...)`` in the units of the training data, never rounded."""
        check_is_fitted(self)
        codes = np.asarray(X, dtype=self._dtype)
        if codes.ndim != 2 or codes.shape[1] != self.network_.spec.code_size:
            expected = f"codes (n, {self.network_.spec.code_size})"
            raise InputError("these are not codes of this model", expected=expected, got=codes.shape)
        rows = self._in_chunks(self.network_.decode, codes, self.network_.spec.features)
        return self.scaling_.undo(rows).reshape(-1, *self.shape_)

    def reconstruct(self, X: ArrayLike) -> Array:
        """Samples through the bottleneck and back; 8-bit pictures again if it was fitted to 8-bit pictures."""
        return self.as_pictures(self.inverse_transform(self.transform(X)))

    def as_pictures(self, samples: Array) -> Array:
        """Round and clip decoded samples to ``uint8`` if the estimator was fitted to that, else leave them alone."""
        if self.trained_on_ != "uint8":
            return samples
        return np.clip(np.rint(samples), 0, 255).astype(np.uint8)

    def learned_features(self) -> Array:
        """What a step of each code number adds to a sample, ``(code_size, ...)``, in units of the data.

        For one decoding layer these are the columns of W_d, with hidden layers the decoder's slope at the mean code.
        """
        check_is_fitted(self)
        mean = torch.from_numpy(self.code_mean_.astype(self._dtype))
        features: Array = self.network_.learned_features(mean).numpy() * self.scaling_.scale
        return features.reshape(-1, *self.shape_)

    def score_samples(self, X: ArrayLike) -> Array:
        """Minus the mean squared reconstruction error of each sample, ``(n,)``, in squared units of the data.

        Low values are strange samples: what the network never learned to rebuild.
        """
        samples = np.asarray(X)
        difference = self.inverse_transform(self.transform(X)) - samples
        squares: Array = difference.reshape(len(samples), -1) ** 2
        errors: NDArray[np.float64] = squares.mean(axis=1, dtype=np.float64)
        return -errors

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean of `score_samples`: higher is better, so that scikit-learn's searches can use it."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Array:
        """Invent samples ``(n_samples, ...)``: decode codes drawn from a normal distribution.

        It is the standard normal for variational networks, which are trained for that, and for the others the one that
        has the mean and covariance of the training codes, which they are not.
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise InputError("n_samples is too small", expected="at least 1", got=n_samples)
        generator = check_random_state(random_state)
        size = self.network_.spec.code_size
        if self.network_.spec.kind == "variational":
            return self.inverse_transform(generator.standard_normal((n_samples, size)))
        return self.inverse_transform(
            generator.multivariate_normal(self.code_mean_, self.code_covariance_, n_samples, check_valid="ignore")
        )

    def save(self, path: str | Path) -> int:
        """Write the fitted model to one safetensors file and return its size in bytes."""
        check_is_fitted(self)
        return storage.save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` wrote; raises an `IsthmusError` that says what is wrong with the file."""
        model = cls()
        storage.load_into(model, Path(path))
        return model

    @property
    def _dtype(self) -> np.dtype[Any]:
        parameter = next(self.network_.parameters())
        return np.dtype(np.float64 if parameter.dtype == torch.float64 else np.float32)

    def _scaled_rows(self, X: ArrayLike, dtype: np.dtype[Any]) -> Array:
        samples = np.asarray(X)
        if samples.shape[1:] != self.shape_:
            expected = f"samples (n, {', '.join(map(str, self.shape_))})"
            raise InputError("these samples do not fit the model", expected=expected, got=samples.shape)
        return self.scaling_.apply(samples.reshape(len(samples), -1), dtype)

    def _in_chunks(self, function: Any, rows: Array, width: int) -> Array:
        out = np.empty((len(rows), width), dtype=self._dtype)
        with torch.no_grad():
            for start in range(0, len(rows), CHUNK):
                chunk = torch.from_numpy(np.ascontiguousarray(rows[start : start + CHUNK]))
                out[start : start + CHUNK] = function(chunk).numpy()
        return out


@contextmanager
def _torch_settings(seed: int, threads: int | None) -> Iterator[None]:
    """Seed PyTorch and set its threads for a while, leaving the caller's own settings as they were.

    One at a time: both are the process's, and two who overlap would leave each other's behind.
    """
    with _one_fit, torch.random.fork_rng(devices=[]):
        before = torch.get_num_threads()
        torch.manual_seed(seed)
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
