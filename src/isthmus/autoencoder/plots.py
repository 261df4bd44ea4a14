"""Plots of a trained autoencoder: each is one call that returns a matplotlib figure; pyplot's state is left alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA

from isthmus.autoencoder.compare import Point
from isthmus.autoencoder.estimator import Autoencoder
from isthmus.autoencoder.training import History
from isthmus.errors import InputError

DPI = 100
CELL_INCHES = 0.8
LABEL_INCHES = 0.3
MARKERS = "osD^vP*X"


def reconstructions(model: Autoencoder, X: ArrayLike, count: int = 10) -> Figure:
    """Originals over reconstructions over errors (red: too bright, blue: too dark) of the first of ``X (n, ...)``."""
    samples = np.asarray(X)[:count]
    rebuilt = model.reconstruct(samples)
    error = rebuilt.astype(np.float64) - samples
    limit = max(float(np.abs(error).max()), 1e-12)
    rows = [("original", samples, None), ("rebuilt", rebuilt, None), ("error", error, limit)]
    return _grid([(name, as_images(values), bound) for name, values, bound in rows])


def losses(history: History) -> Figure:
    """Training loss, and validation loss if there is one, by epoch."""
    figure, axes = _axes(5.5, 3.2)
    epochs = np.arange(1, len(history.loss) + 1)
    axes.plot(epochs, history.loss, marker="o" if len(epochs) < 30 else None, label="training")
    if history.validation_loss:
        axes.plot(epochs, history.validation_loss, linestyle="--", label="held out")
        axes.legend()
    axes.set(xlabel="epoch", ylabel="loss (scaled units)", yscale="log" if min(history.loss) > 0 else "linear")
    return figure


def features(model: Autoencoder, count: int = 32) -> Figure:
    """What each code number adds to a picture (see `Autoencoder.learned_features`), the strongest first."""
    strength = model.learned_features() * np.sqrt(np.diag(model.code_covariance_)).reshape(-1, *[1] * len(model.shape_))
    order = np.argsort(-np.abs(strength).reshape(len(strength), -1).max(axis=1), kind="stable")[:count]
    images = as_images(strength[order])
    columns = min(8, len(images))
    rows = [images[i : i + columns] for i in range(0, len(images), columns)]
    limit = max(float(np.abs(images).max()), 1e-12)
    return _grid([("", row, limit) for row in rows])


def code_space(model: Autoencoder, X: ArrayLike, labels: ArrayLike | None = None) -> Figure:
    """The codes of ``X (n, ...)`` in two dimensions: as they are, or their first two principal components."""
    codes = model.transform(X)
    names = ("code 1", "code 2")
    if codes.shape[1] == 1:
        codes = np.column_stack([codes, np.zeros(len(codes))])
    elif codes.shape[1] > 2:
        codes = PCA(2, svd_solver="full").fit_transform(codes)
        names = ("first principal component of the code", "second")
    figure, axes = _axes(5.2, 4.4)
    colours = None if labels is None else np.asarray(labels)
    dots = axes.scatter(codes[:, 0], codes[:, 1], c=colours, cmap="tab10" if colours is not None else None, s=6)
    if colours is not None:
        axes.legend(*dots.legend_elements(num=None), title="class", fontsize="x-small", loc="best")
    axes.set(xlabel=names[0], ylabel=names[1])
    return figure


def walk(model: Autoencoder, first: ArrayLike, last: ArrayLike, steps: int = 10) -> Figure:
    """Pictures along the straight line between the codes of two samples ``(...)``; below, the same walk in pixels."""
    if steps < 2:
        raise InputError("a walk is too short", expected="at least 2 steps", got=steps)
    ends = np.stack([np.asarray(first), np.asarray(last)])
    codes = model.transform(ends)
    part = np.linspace(0, 1, steps)
    path = (1 - part)[:, None] * codes[0] + part[:, None] * codes[1]
    blend = np.tensordot(np.stack([1 - part, part], axis=1), ends.astype(np.float64), axes=1)
    return _grid(
        [
            ("codes", as_images(model.as_pictures(model.inverse_transform(path))), None),
            ("pixels", as_images(model.as_pictures(blend)), None),
        ]
    )


def samples(model: Autoencoder, count: int = 32, seed: int = 0) -> Figure:
    """Invented pictures (see `Autoencoder.sample`)."""
    images = as_images(model.as_pictures(model.sample(count, random_state=seed)))
    columns = min(8, count)
    return _grid([("", images[i : i + columns], None) for i in range(0, count, columns)])


def rate_distortion(points: Sequence[Point], layout: str) -> Figure:
    """PSNR over bytes a picture of every codec for one layout; lossless codecs are vertical lines."""
    figure, axes = _axes(6.2, 4.2)
    names = list(dict.fromkeys(point.codec for point in points if point.layout == layout))
    for index, name in enumerate(names):
        own = [point for point in points if point.codec == name and point.layout == layout]
        own.sort(key=lambda point: point.bytes_per_picture)
        sizes = [point.bytes_per_picture for point in own]
        colour = f"C{index % 10}"
        if all(isfinite(point.psnr_db) for point in own):
            decibels = [point.psnr_db for point in own]
            axes.plot(sizes, decibels, marker=MARKERS[index % len(MARKERS)], color=colour, label=name)
        else:
            axes.axvline(sizes[0], linestyle="--", color=colour, label=f"{name.removesuffix(' lossless')} (lossless)")
    axes.set(xlabel=f"file bytes a picture, {layout}", ylabel="PSNR (dB)", xscale="log")
    axes.legend(fontsize="small")
    return figure


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG file, without the library's version in it: equal figures are equal files."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def as_images(samples: NDArray[Any]) -> NDArray[Any]:
    """Samples as ``(n, H, W)`` or ``(n, H, W, 3)`` to show: flat ones as a square if they are one, else as a strip."""
    if samples.ndim == 4 and samples.shape[3] == 1:
        return samples[..., 0]
    if samples.ndim == 4 and samples.shape[3] != 3:
        means: NDArray[Any] = samples.mean(axis=3)
        return means
    if samples.ndim > 2:
        return samples
    side = round(sqrt(samples.shape[1]))
    return samples.reshape(len(samples), side, side) if side * side == samples.shape[1] else samples[:, None, :]


def _grid(rows: Sequence[tuple[str, NDArray[Any], float | None]]) -> Figure:
    """Rows of pictures; a bound b shows signed numbers from -b (blue) to b (red), None shows the data's own range."""
    columns = max(len(images) for _, images, _ in rows)
    margin = LABEL_INCHES if any(name for name, _, _ in rows) else 0.0
    width, height = columns * CELL_INCHES + margin, len(rows) * CELL_INCHES
    # In one coordinate system, a unit a cell: matplotlib takes longer to make axes than to draw a small picture.
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((margin / width, 0, 1 - margin / width, 1))
    plain = [images for _, images, bound in rows if bound is None]
    low = min((float(images.min()) for images in plain), default=0.0)
    high = max((float(images.max()) for images in plain), default=1.0)
    for line, (name, images, bound) in enumerate(rows):
        axes.text(-0.08, line + 0.5, name, rotation="vertical", ha="right", va="center")
        for column, image in enumerate(images):
            place: dict[str, Any] = {"extent": _cell(line, column, image.shape), "aspect": "auto"}
            if bound is not None and image.ndim == 3:
                axes.imshow(0.5 + image / (2 * bound), **place)
            elif bound is not None:
                axes.imshow(image, cmap="RdBu_r", vmin=-bound, vmax=bound, **place)
            else:
                shown = image if image.ndim == 2 or image.dtype == np.uint8 else (image - low) / (high - low or 1.0)
                axes.imshow(shown, cmap="gray", vmin=low, vmax=high, **place)
    axes.set(xlim=(0, columns), ylim=(len(rows), 0))
    axes.set_axis_off()
    return figure


def _cell(line: int, column: int, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) of a picture in the middle of a cell, which it fills but for a little."""
    height, width = (0.93 * side / max(shape[:2]) for side in shape[:2])
    across, down = column + 0.5, line + 0.5
    return across - width / 2, across + width / 2, down + height / 2, down - height / 2


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
