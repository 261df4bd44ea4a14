"""The exact lapped transform that a model of the first generation nearly has: which function each latent channel is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.image.grid import BLOCK
from isthmus.model.model import Model
from isthmus.train.image.lapped_transform import lapped_windows

Array = npt.NDArray[Any]


def transform_of(model: Model) -> tuple[LappedTransform, Array, Array]:
    """The transform, and for each channel the sign and the size of the learned function in units of the exact one.

    Each of the learned 32x32x3 analysis functions is some 99.97 % the product of a colour, a column and a row.
    """
    forward, inverse = lapped_windows()
    graph = onnx.load_from_string(model.arrays["analysis.onnx"].tobytes()).graph
    (learned,) = (numpy_helper.to_array(tensor).astype(np.float64) for tensor in graph.initializer)
    n = len(learned)
    functions = (
        learned.reshape(n, 3, BLOCK, BLOCK, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n, 3, 2 * BLOCK, 2 * BLOCK)
    )
    dual = np.linalg.pinv(forward)
    amounts = np.einsum("kcji,ju,iv->kcuv", functions, dual, dual)
    frequency = (amounts**2).sum(1).reshape(n, -1).argmax(1)
    u, v = np.divmod(frequency, BLOCK)
    colours = amounts[np.arange(n), :, u, v]
    norm = np.linalg.norm(colours, axis=1)
    colour = _colour_axes(colours / norm[:, None])
    along = colours @ colour.T
    c = np.abs(along).argmax(1)
    channels = np.stack([c, u, v], 1)
    if len(np.unique(channels, axis=0)) != n:
        raise ValueError(f"{model.name}: two channels have the same function")
    transform = LappedTransform(*(a.astype(np.float32) for a in (forward, inverse, colour)), channels)
    return transform, np.sign(along[np.arange(n), c]), norm


def _colour_axes(directions: Array) -> Array:
    """(3, 3) orthonormal rows along which the colours (n, 3) of unit length lie: brightness, then two more."""
    bright = directions[np.abs(directions.sum(1)) > 0.9 * 3**0.5]
    first = (bright * np.sign(bright.sum(1, keepdims=True))).mean(0)
    first /= np.linalg.norm(first)
    others = directions[np.abs(directions @ first) < 0.5]
    _, _, plane = np.linalg.svd(others - np.outer(others @ first, first), full_matrices=False)
    angles = np.linspace(0, np.pi, 180, endpoint=False)
    turned = np.stack([np.cos(angles), np.sin(angles)], 1) @ plane[:2]
    across = np.stack([-np.sin(angles), np.cos(angles)], 1) @ plane[:2]
    fit = np.maximum((others @ turned.T) ** 2, (others @ across.T) ** 2).sum(0).argmax()
    return np.stack([first, turned[fit], across[fit]])
