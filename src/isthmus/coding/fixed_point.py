"""The entropy model in fixed point: the order of the passes, and the mean and scale index of every latent.

It runs the networks that `isthmus.train.context` trains. Weights are multiples of 2**-12, activations multiples of
2**-8, all bounded, so every sum of products is exact in float64 whatever the order of summation, and any two machines
agree to the last bit. Encoder and decoder walk the same passes; only what happens at each one differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
ScaleIndices = npt.NDArray[np.uint8]

WEIGHT_BITS = 12
"""Fraction bits of a weight."""
WEIGHT_LIMIT = 8.0
"""Weights lie within +-this, 16 bits each; with `ACTIVATION_LIMIT` it keeps every sum below 2**53 units."""
ACTIVATION_BITS = 8
"""Fraction bits of an activation."""
ACTIVATION_LIMIT = 2048.0
"""Activations are clipped to +-this."""
MEAN_STEPS = 16
"""Means, and so decoded latents, are multiples of 1/16 of a quantization step."""
LATENT_LIMIT = 1 << 15
"""Decoded latents enter the networks clipped to +-this, in sixteenths."""
QUALITY_UNITS = 10_000
"""Quality 100 in the units of the file's header."""
SCALES = 64
"""Scale indices, each with a probability table of its own."""
DC_CHANNELS = 3
"""Channels of the first group, which is coded on lattices: the DC coefficients of three colours."""
DC_PHASES = 5
DC_WINDOW = 5
SLOPE = 0.125

Code = Callable[[slice, npt.NDArray[np.intp], Float64, ScaleIndices], Float64]
"""code(channels, positions, means, scale indices) -> decoded latents, all (positions, channels); means and latents in
steps."""


def dc_phase(height: int, width: int) -> npt.NDArray[np.int64]:
    """(H, W): the pass, 0 to 4, in which each position's DC is coded: ever finer lattices."""
    i, j = np.indices((height, width))
    phase = np.full((height, width), 4)
    phase[(i % 2 == 1) & (j % 2 == 1)] = 3
    phase[(i % 2 == 0) & (j % 2 == 0)] = 2
    phase[(i % 4 == 2) & (j % 4 == 2)] = 1
    phase[(i % 4 == 0) & (j % 4 == 0)] = 0
    return phase


def checkerboard(height: int, width: int) -> npt.NDArray[np.int64]:
    """(H, W): 0 on the first half of the positions, 1 on the second."""
    i, j = np.indices((height, width))
    return np.asarray((i + j) % 2)


def _activation(x: Float64) -> Float64:
    """Rounds to the grid of activations, in place."""
    x *= 1 << ACTIVATION_BITS
    x += 0.5
    np.floor(x, out=x)
    x *= 1.0 / (1 << ACTIVATION_BITS)
    return np.clip(x, -ACTIVATION_LIMIT, ACTIVATION_LIMIT, out=x)


def _leaky(x: Float64) -> Float64:
    """Leaky rectifier whose slope is a power of two, rounded to the grid of activations."""
    return _activation(np.maximum(x, x * SLOPE))


def _scale_indices(x: Float64) -> ScaleIndices:
    return np.floor(np.clip(x, 0, SCALES - 1) + 0.5).astype(np.uint8)


def _means(x: Float64) -> Float64:
    return np.asarray(np.floor(x * MEAN_STEPS + 0.5) / MEAN_STEPS)


def _window_positions(height: int, width: int, size: int) -> npt.NDArray[np.intp]:
    """(H*W, size*size): flat indices, into a plane padded by size//2, of each position's neighbourhood."""
    padded = width + size - 1
    i, j = np.indices((height, width))
    di, dj = np.indices((size, size))
    base = (i * padded + j).reshape(-1, 1)
    return np.asarray(base + (di * padded + dj).reshape(1, -1), np.intp)


def _pad(planes: Float64, height: int, width: int, margin: int) -> Float64:
    """planes (H*W, C) -> zero-padded, flattened (H'*W', C)."""
    channels = planes.shape[1]
    out = np.zeros((height + 2 * margin, width + 2 * margin, channels))
    out[margin : margin + height, margin : margin + width] = planes.reshape(height, width, channels)
    return out.reshape(-1, channels)


@dataclass(frozen=True)
class ContextModel:
    """The fixed-point networks of one model.

    Attributes:
        groups: channels coded together, in order; the first group holds the DC coefficients.
        points: quality points between which the biases are interpolated.
        weights: name -> float64 array, multiples of 2**-12 (see `docs/format.md` for names and shapes).
        compand: (LATENT_LIMIT + 1,) float64, the companded magnitude of 0, 1, 2, ... sixteenths.
    """

    groups: tuple[int, ...]
    points: int
    weights: dict[str, Float64]
    compand: Float64

    def walk(self, height: int, width: int, quality: int, code: Code) -> Float64:
        """Codes all latents of a tile of height x width positions; quality in 0..10000.

        Returns:
            decoded latents (H*W, C) float64 in steps, multiples of 1/16.
        """
        total = sum(self.groups)
        decoded = np.zeros((height * width, total))
        n = self.groups[0]
        decoded[:, :n] = self.walk_dc(height, width, quality, code)
        known = np.empty((height * width, 2 * total))
        self._features(_highpass(decoded[:, :n], height, width), known, 0, n)
        before = n
        for group, n in enumerate(self.groups[1:], 1):
            values = self._walk_group(group, before, height, width, quality, known, code)
            decoded[:, before : before + n] = values
            before += n
            if before < total:
                self._features(values, known, before - n, n)
        return decoded

    def _companded(self, x: Float64) -> Float64:
        sixteenths = np.minimum(np.abs(x) * MEAN_STEPS, LATENT_LIMIT).astype(np.int64)
        return np.asarray(np.copysign(self.compand[sixteenths], x))

    def _features(self, x: Float64, known: Float64, before: int, n: int) -> None:
        """Appends the companded latents and their magnitudes to known, which holds `before` pairs of columns."""
        signed = self._companded(x)
        known[:, 2 * before : 2 * before + n] = signed
        known[:, 2 * before + n : 2 * (before + n)] = np.abs(signed)

    def _bias(self, name: str, quality: int) -> Float64:
        """A bias row interpolated between the two nearest quality points; exact in every step but one division."""
        table = self.weights[name]
        position = quality * (self.points - 1)
        index = min(position // QUALITY_UNITS, self.points - 2)
        part = position - index * QUALITY_UNITS
        mixed = (table[index] * (QUALITY_UNITS - part) + table[index + 1] * part) / QUALITY_UNITS
        return _activation(mixed)

    def walk_dc(self, height: int, width: int, quality: int, code: Code) -> Float64:
        """The first part of `walk` alone: (H*W, first group) float64, the DC coefficients, in steps."""
        n, taps, margin = self.groups[0], DC_WINDOW**2, DC_WINDOW // 2
        w = self.weights
        near_weight = w["dc.near"]
        phases = dc_phase(height, width).reshape(-1)
        windows = _window_positions(height, width, DC_WINDOW)
        decoded = np.zeros((height * width, n))
        for phase in range(DC_PHASES):
            at = np.flatnonzero(phases == phase)
            if not len(at):
                continue
            known = (phases < phase).astype(np.float64)[:, None]
            mask = _pad(known, height, width, margin)[windows[at], 0]  # (P, taps)
            near = _pad(decoded, height, width, margin)[windows[at]].transpose(0, 2, 1)
            near = near * mask[:, None, :]
            total = np.maximum((mask * near_weight).sum(1, keepdims=True), 1)
            base = np.floor((near * near_weight).sum(2) / total * MEAN_STEPS) / MEAN_STEPS
            difference = ((near - base[:, :, None]) * mask[:, None, :]).reshape(len(at), n * taps)
            inputs = np.concatenate([self._companded(difference), mask], 1)
            name = f"dc.{phase}"
            hidden = inputs @ w[f"{name}.first.weight"] + w[f"{name}.first.bias"]
            hidden = _leaky(hidden + self._bias(f"{name}.quality", quality))
            second = hidden @ w[f"{name}.second.weight"] + w[f"{name}.second.bias"]
            hidden = _activation(hidden + _leaky(second))
            out = hidden @ w[f"{name}.last.weight"] + w[f"{name}.last.bias"]
            limit = LATENT_LIMIT / MEAN_STEPS
            linear = np.clip(difference, -limit, limit) @ w[f"{name}.linear.weight"]
            means = _means(base + out[:, :n] + linear)
            decoded[at] = code(slice(0, n), at, means, _scale_indices(out[:, n:]))
        return decoded

    def _walk_group(
        self,
        group: int,
        before: int,
        height: int,
        width: int,
        quality: int,
        known: Float64,
        code: Code,
    ) -> Float64:
        n = self.groups[group]
        w = self.weights
        board = checkerboard(height, width).reshape(-1)
        windows = _window_positions(height, width, 3)
        decoded = np.zeros((height * width, n))
        half = np.zeros((height * width, 2 * n))
        for phase in range(2):
            at = np.flatnonzero(board == phase)
            if not len(at):
                continue
            name = f"ac.{group}.{phase}"
            state = known[:, : 2 * before] @ w[f"{name}.known.weight"]
            if phase:
                first = np.flatnonzero(board == 0)
                part = np.empty((len(first), 2 * n))
                self._features(decoded[first], part, 0, n)
                half[first] = part
                state += half @ w[f"{name}.half.weight"]
            state += w[f"{name}.project.bias"] + self._bias(f"{name}.quality", quality)
            state = _leaky(state)
            around = _pad(state, height, width, 1)[windows[at]].reshape(len(at), -1)
            spatial = around @ w[f"{name}.spatial.weight"] + w[f"{name}.spatial.bias"]
            hidden = _activation(state[at] + _leaky(spatial))
            mixed = hidden @ w[f"{name}.mix.weight"] + w[f"{name}.mix.bias"]
            hidden = _activation(hidden + _leaky(mixed))
            out = hidden @ w[f"{name}.last.weight"] + w[f"{name}.last.bias"]
            channels = slice(before, before + n)
            decoded[at] = code(channels, at, _means(out[:, :n]), _scale_indices(out[:, n:]))
        return decoded


def _highpass(dc: Float64, height: int, width: int) -> Float64:
    """(H*W, n) less the mean of its 3x3 neighbourhood inside the tile, rounded down to sixteenths."""
    windows = _window_positions(height, width, 3)
    total = _pad(dc, height, width, 1)[windows].sum(1)
    count = _pad(np.ones((height * width, 1)), height, width, 1)[windows].sum(1)
    return np.asarray(dc - np.floor(MEAN_STEPS * total / count) / MEAN_STEPS)


def names(groups: tuple[int, ...]) -> Iterator[str]:
    """The names of all passes, in coding order."""
    yield from (f"dc.{phase}" for phase in range(DC_PHASES))
    for group in range(1, len(groups)):
        yield from (f"ac.{group}.{phase}" for phase in range(2))
