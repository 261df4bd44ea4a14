"""The synthesis networks as docs/format.md describes them, in NumPy: what the engine's graphs are compared with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Networks:
    """The networks of a model, where the quality dial stands.

    Args:
        arrays: of the model.
        weights: (points,), how much each quality point counts.
    """

    def __init__(self, arrays: Mapping[str, Array], weights: Array):
        self._arrays, self._weights = arrays, weights

    def features(self, sixteenths: Array, exponents: Array) -> Array:
        """(h, w, C + 1) whole sixteenths, of latents (h, w, C) as coded and the exponents (h, w) of their gains."""
        x = sixteenths.astype(int)
        height, width = x.shape[:2]
        near = x[:, :, :3].copy()
        for i in range(height):
            for j in range(width):
                around = x[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2, :3].reshape(-1, 3)
                near[i, j] -= around.sum(0) // len(around)
        x[:, :, :3] = near
        companded = np.sign(x) * self._arrays["compand"][np.minimum(np.abs(x), 32768)]
        return np.concatenate([companded, np.minimum(4 * exponents, 127)[:, :, None]], 2)

    def trunk(self, features: Array, tune: float) -> tuple[Array, Array]:
        """Corrections (h, w, K), and hidden (h, w, W) in whole steps."""
        a, weights = self._arrays, self._weights
        x = self._sums("trunk.enter", features / 16) + weights @ (a["trunk.quality"] + tune * a["trunk.tuned"])
        x = np.maximum(x, x / 8)
        for index in range(sum(name.endswith("depthwise.weight") for name in a if name.startswith("trunk."))):
            name = f"trunk.{index}"
            before, after = self._steps(f"{name}.depthwise")
            kernel = a[f"{name}.depthwise.weight"] * a[f"{name}.depthwise.unit"]
            seen = _windows(_whole(x, before) * before)
            near = (seen * kernel).sum(2) + self._whole_bias(f"{name}.depthwise", before)
            x = x + _whole(near, after) * after
            before, after = self._steps(f"{name}.expand")
            wide = self._sums(f"{name}.expand", _whole(x, before) * before, before)
            x = x + self._sums(f"{name}.reduce", _whole(wide, after, 0, 255) * after)
        step = self._steps("trunk")
        hidden = _whole(x, step)
        return self._sums("trunk.correct", hidden * step), hidden

    def grid(self, hidden: Array, planes: Array) -> Array:
        """RGB (16(h-1), 16(w-1), 3) around 0 in nominal steps, of planes alike."""
        a = self._arrays
        height, width, _ = hidden.shape
        left = self._sums("grid.leave", hidden * self._steps("trunk")).reshape(height, width, 4, 4, -1)
        x = left.transpose(0, 2, 1, 3, 4).reshape(4 * height, 4 * width, -1)[2:-2, 2:-2]
        rows, columns = x.shape[:2]
        squares = planes.reshape(rows, 4, columns, 12).transpose(0, 2, 1, 3).reshape(rows, columns, 48)
        x = x + squares @ a["grid.pixels.weight"] + a["grid.pixels.bias"]
        for index in range(sum(name.endswith("spatial.weight") for name in a if name.startswith("grid."))):
            before, after = self._steps(f"grid.{index}.spatial")
            seen = _windows(_whole(x, before) * before).reshape(rows, columns, -1)
            active = _whole(self._sums(f"grid.{index}.spatial", seen, before), after, 0, 255)
            x = x + self._sums(f"grid.{index}.mix", active * after)
        squares = squares + x @ a["grid.last.weight"] + a["grid.last.bias"]
        return squares.reshape(rows, columns, 4, 12).transpose(0, 2, 1, 3).reshape(planes.shape)

    def _sums(self, layer: str, x: Array, step: Array | None = None) -> Array:
        """Of a layer; with the step of what enters, where it adds whole numbers alone."""
        a = self._arrays
        bias = a[f"{layer}.bias"] if step is None else self._whole_bias(layer, step)
        return x @ (a[f"{layer}.weight"] * a[f"{layer}.unit"].astype(float)) + bias

    def _whole_bias(self, layer: str, step: Array) -> Array:
        unit = step * self._arrays[f"{layer}.unit"].astype(float)
        return np.rint(self._arrays[f"{layer}.bias"] / unit) * unit

    def _steps(self, layer: str) -> Array:
        return np.exp(np.log(self._arrays[f"{layer}.steps"]) @ self._weights)


def _whole(x: Array, step: Array, low: int = -128, high: int = 127) -> Array:
    return np.clip(np.rint(x / step), low, high)


def _windows(x: Array) -> Array:
    """(h, w, 9, n): what lies around each position, zeros beyond the edges."""
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    return np.stack([padded[i : i + height, j : j + width] for i in range(3) for j in range(3)], 2)
