"""Runs the networks of an entropy model in fixed point: the mean and scale index of every latent, pass by pass.

Encoder and decoder walk the same passes; only what happens at each one differs. The networks are those that
`isthmus.train.context` trains; `isthmus.coding.formats` says why their sums are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from isthmus.coding.boards import known_around, pad, positions, window_positions
from isthmus.coding.definition import Definition, Neighbourhood, Pass, Window
from isthmus.coding.formats import LATENT_LIMIT, MEAN_STEPS, SCALES, SLOPE, Format
from isthmus.quality import HUNDREDTHS, Quality
from isthmus.tune import WHOLE

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Whole = Int32 | Float64
"""Whole numbers."""
Float = npt.NDArray[Any]
"""Of the format's arithmetic."""
Index = npt.NDArray[np.intp]
ScaleIndices = npt.NDArray[np.uint8]
Code = Callable[[slice, Index, Int32, ScaleIndices], Int32]
"""code(channels, positions, means, scale indices) -> decoded latents, all (positions, channels); means and latents in
sixteenths of a step."""


def _rounded(x: Float, form: Format) -> Float:
    """Rounds to whole numbers, in place."""
    if form.weight_bits is None:
        # Halves to even: half added to a large float32 would itself be rounded.
        return np.rint(x, out=x)
    x += 0.5
    return np.floor(x, out=x)


def _activation(x: Float, form: Format) -> Float:
    """Rounds to the grid of activations, in place."""
    x *= 1 << form.activation_bits
    _rounded(x, form)
    np.clip(x, form.activation_low, form.activation_high, out=x)
    x *= 1.0 / (1 << form.activation_bits)
    return x


def _leaky(x: Float, form: Format) -> Float:
    """Leaky rectifier, rounded to the grid of activations."""
    return _activation(np.maximum(x, x * SLOPE), form)


def _scale_indices(x: Float, form: Format) -> ScaleIndices:
    return _rounded(np.clip(x, 0, SCALES - 1), form).astype(np.uint8)


def _sixteenths(x: Float) -> Int32:
    """Steps in whole sixteenths; rounded in float64, where half added to any sum is exact."""
    sixteenths = np.multiply(x, MEAN_STEPS, dtype=np.float64)
    sixteenths += 0.5
    return np.floor(sixteenths, out=sixteenths).astype(np.int32)


LARGE = 512
"""Positions of a plane from which on it pays to have an engine, which takes a while to begin."""
ZERO = 128
"""What is added to numbers of 8 bits for the engine, which is quickest with those that have no sign."""


class _Dial(NamedTuple):
    """Where the dials stand: quality 0..10000, tune 0..100."""

    quality: int
    tune: int


@dataclass(frozen=True)
class _Plane:
    """The positions of a plane, and those of them (P,) that a pass codes."""

    height: int
    width: int
    at: Index
    engine: Callable[[Pass], PassEngine] | None

    def around(self, x: Float, window: Window, everywhere: bool) -> Float:
        """(P or H*W, rows*columns*C): the windows of x (H*W, C) around the positions coded, or around all."""
        windows = window_positions(self.height, self.width, window)
        if not everywhere:
            windows = windows[self.at]
        return pad(x, self.height, self.width, window)[windows].reshape(len(windows), -1)


class PassEngine(Protocol):
    """Runs the network of a pass elsewhere, with the same result; see `isthmus.model.pass_graph`."""

    def __call__(self, **inputs: npt.NDArray[Any]) -> npt.NDArray[Any]: ...


@dataclass(frozen=True)
class ContextModel:
    """The fixed-point networks of one model.

    Attributes:
        definition: their passes and layers.
        weights: what `isthmus.coding.weights.numbers` makes of the arrays of a model file.
        compand: (LATENT_LIMIT + 1,), the companded magnitude of 0, 1, 2, ... sixteenths.
        engine: what runs the networks of large planes where the format is "bytes"; None for NumPy alone.
    """

    definition: Definition
    weights: dict[str, npt.NDArray[Any]]
    compand: Float
    engine: Callable[[Pass], PassEngine] | None = None

    def walk(
        self, height: int, width: int, quality: int, code: Code, groups: int | None = None, tune: int = 0
    ) -> Int32:
        """Codes the latents of a plane of height x width positions.

        Args:
            quality: 0..10000.
            code: what is done with the latents of each pass.
            groups: how many groups of channels, from the first; None for all.
            tune: 0..100, of a tuned definition.

        Returns:
            decoded latents (H*W, C) int32 in sixteenths of a step, of the channels of those groups.
        """
        dial = _Dial(quality, tune)
        coded = self.definition.groups[:groups]
        decoded = np.zeros((height * width, sum(coded)), np.int32)
        engine = self.engine if height * width >= LARGE and self.definition.form.weight_bits is None else None
        nothing: tuple[int, Any] = (ZERO, np.uint8) if engine else (0, self.definition.form.dtype)
        known = np.full((height * width, 2 * decoded.shape[1]), *nothing)
        for one in self.definition.passes:
            if one.group == len(coded):
                break
            at = positions(one.board, one.phase, height, width)
            plane = _Plane(height, width, at, engine)
            if len(at):
                if one.neighbours:
                    means, scales = self._from_neighbours(one, one.neighbours, plane, decoded, dial)
                else:
                    means, scales = self._from_groups(one, plane, known, dial)
                scale_indices = _scale_indices(scales, self.definition.form)
                found = code(one.slice, at, means, scale_indices)
                decoded[at, one.slice] = found
            else:
                found = np.zeros((0, one.channels), np.int32)
            if 2 * (one.first + one.channels) < known.shape[1] or not one.ends:
                self._note(one, plane, found, decoded[:, one.slice], known)
        return decoded

    def _from_groups(self, one: Pass, plane: _Plane, known: Float, dial: _Dial) -> tuple[Int32, Float]:
        """Means, in sixteenths, and scales of a pass from the features of all that is decoded."""
        features = known[:, : one.features]
        out = self._network(one, plane, features if one.everywhere else features[plane.at], dial)
        return _sixteenths(out[:, : one.channels]), out[:, one.channels :]

    def _from_neighbours(
        self, one: Pass, around: Neighbourhood, plane: _Plane, decoded: Int32, dial: _Dial
    ) -> tuple[Int32, Float]:
        """Means, in sixteenths, and scales of a pass from what is decoded of its own group around each position.

        The network sees how the neighbours differ from their weighted mean, and which of them are known.
        """
        height, width, at, window = plane.height, plane.width, plane.at, around.window
        windows = window_positions(height, width, window).take(at, 0)
        mask = known_around(one.board, one.phase, height, width, window)  # (P, taps)
        planes = np.ascontiguousarray(pad(decoded[:, one.slice], height, width, window).T, np.float64)
        near = planes.take(windows, 1)  # (n, P, taps)
        weight = mask * self.weights[around.near]
        total = np.maximum(weight.sum(1), 1)
        base = np.floor(np.einsum("npt,pt->np", near, weight) / total)
        near -= base[:, :, None]
        near *= mask
        difference = near.transpose(1, 0, 2).reshape(len(at), -1)
        if plane.engine:
            parts = self.as_bytes(difference), _as_bytes(mask, self.definition.form)
        else:
            parts = self._companded(difference), mask.astype(self.definition.form.dtype)
        out = self._network(one, plane, np.concatenate(parts, 1), dial)
        linear = np.clip(difference, -LATENT_LIMIT, LATENT_LIMIT) @ self.weights[f"{one.name}.linear.weight"]
        means = _sixteenths(out[:, : one.channels] + linear / MEAN_STEPS) + base.T.astype(np.int32)
        return means, out[:, one.channels :]

    def _network(self, one: Pass, plane: _Plane, features: Float, dial: _Dial) -> Float:
        """(P, 2n): what a pass's network makes of features (H*W, F), or (P, F) where no block has a window."""
        w, name, form = self.weights, one.name, self.definition.form
        x = self._quality_bias(one, dial) + w[f"{name}.{one.enter}.bias"]
        if plane.engine:
            return self._by_engine(one, plane, plane.engine(one), features, x)
        begin = 0
        for part in one.inputs:
            x = x + features[:, begin : begin + part.size] @ w[f"{name}.{part.name}.weight"]
            begin += part.size
        x = _leaky(x, form)
        for index, block in enumerate(one.blocks):
            everywhere = index < one.spread
            around = plane.around(x, block.window, everywhere) if block.taps > 1 else x
            if index == one.spread and one.everywhere:
                x = x[plane.at]
            added = around @ w[f"{name}.{block.name}.weight"] + w[f"{name}.{block.name}.bias"]
            x = _activation(x + _leaky(added, form), form)
        return np.asarray(x @ w[f"{name}.last.weight"] + w[f"{name}.last.bias"])

    def _by_engine(self, one: Pass, plane: _Plane, engine: PassEngine, features: Float, bias: Float) -> Float:
        """`_network`, with the bias of the first layer."""
        inputs = {"features": np.ascontiguousarray(features), "bias": bias}
        if one.everywhere:
            window = next(block.window for block in one.blocks if block.taps > 1)
            inputs["plane"] = np.array([plane.height, plane.width, one.width])
            inputs["at"] = plane.at
            inputs["around"] = window_positions(plane.height, plane.width, window)[plane.at]
        return np.asarray(engine(**inputs))

    def _note(self, one: Pass, plane: _Plane, found: Int32, decoded: Int32, known: Float) -> None:
        """Puts the features of what a pass has found, (P, n), and its group (H*W, n) decoded, where the passes after it
        look for them."""
        columns = known[:, 2 * one.first : 2 * (one.first + one.channels)]
        if not one.neighbours:
            columns[plane.at] = self._features(found, plane)
        elif one.ends:
            window = one.neighbours.highpass
            flat = highpass(decoded, plane.height, plane.width, window) if window else decoded
            columns[:] = self._features(flat, plane)

    def _features(self, x: Whole, plane: _Plane) -> Float:
        """(P, 2n): the companded latents (P, n), given in sixteenths, and their magnitudes."""
        if plane.engine:
            signed = self.as_bytes(x)
            # About `ZERO`, a number without a sign is the larger one of a number and its negative.
            return np.concatenate([signed, np.maximum(signed, np.negative(signed))], 1)
        signed = self._companded(x)
        return np.concatenate([signed, np.abs(signed)], 1)

    def as_bytes(self, sixteenths: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """What the engine takes for latents in sixteenths, whole numbers of any type: companded."""
        at = np.add(sixteenths, LATENT_LIMIT, dtype=np.intp, casting="unsafe")
        return np.asarray(self.byte_table.take(at, mode="clip"))

    @cached_property
    def byte_table(self) -> npt.NDArray[np.uint8]:
        """What the engine takes for latents of -LATENT_LIMIT to LATENT_LIMIT sixteenths."""
        return _as_bytes(np.concatenate([-self.compand[:0:-1], self.compand]), self.definition.form)

    def _companded(self, sixteenths: Whole) -> Float:
        magnitudes = np.minimum(np.abs(sixteenths), LATENT_LIMIT).astype(np.intp)
        return np.asarray(np.copysign(self.compand[magnitudes], sixteenths), self.compand.dtype)

    def _quality_bias(self, one: Pass, dial: _Dial) -> Float:
        """A pass's bias between the two nearest quality points; exact in every step but one division."""
        table = self.weights[f"{one.name}.quality"]
        index, share = Quality(dial.quality).between(self.definition.points)
        mixed = table[index] * (HUNDREDTHS - share) + table[index + 1] * share
        whole = HUNDREDTHS
        if self.definition.tuned:
            tuned = self.weights[f"{one.name}.tuned"]
            mixed = mixed * WHOLE + (tuned[index] * (HUNDREDTHS - share) + tuned[index + 1] * share) * dial.tune
            whole *= WHOLE
        mixed = mixed / whole
        if table.dtype.kind == "f":
            return _activation(mixed, self.definition.form)
        unit = self.weights[f"{one.name}.{one.enter}.unit"]
        return np.asarray(np.rint(mixed).astype(unit.dtype) * unit)


def _as_bytes(features: Float, form: Format) -> npt.NDArray[np.uint8]:
    """Features, which are whole numbers of the format's units, about `ZERO`."""
    return np.asarray(features * (1 << form.feature_bits) + ZERO, np.uint8)


def highpass(x: Whole, height: int, width: int, window: Window) -> Float64:
    """Latents (H*W, n) in sixteenths less the mean of the windows inside the plane, rounded down."""
    # Nine latents of 32 bits may be more than 32 bits.
    total = _window_sums(x.astype(np.float64), height, width, window)
    return np.asarray(x - np.floor(total / _window_counts(height, width, window)))


@lru_cache(maxsize=8)
def _window_counts(height: int, width: int, window: Window) -> Float64:
    """(H*W, 1), not to be written to: how many positions of the windows around each lie in the plane."""
    counts = _window_sums(np.ones((height * width, 1)), height, width, window)
    counts.flags.writeable = False
    return counts


def _window_sums(x: Float64, height: int, width: int, window: Window) -> Float64:
    """(H*W, n): the sums of x (H*W, n) within the windows around each position, as far as they are in the plane."""
    sums = pad(x, height, width, window).reshape(height + window[0] - 1, width + window[1] - 1, -1)
    for axis, size in enumerate((height, width)):
        sums = reduce(np.add, (sums.take(range(first, first + size), axis) for first in range(window[axis])))
    return sums.reshape(height * width, -1)
