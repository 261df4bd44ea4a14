"""A whole study in one call: train, compress, compare with picture formats, plot, and write it all into a folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.autoencoder import compare, plots, report
from isthmus.autoencoder.compare import Point
from isthmus.autoencoder.compress import Compressor
from isthmus.autoencoder.data import Data
from isthmus.autoencoder.estimator import Autoencoder
from isthmus.autoencoder.quantizer import default_step
from isthmus.autoencoder.results import Study, to_json
from isthmus.errors import InputError
from isthmus.files import write_atomic
from isthmus.likeness import psnr_of_mse
from isthmus.plain import json_text

STEPS = 2350  # ten epochs of MNIST in batches of 256: what small data sets are given too
LITTLE_DATA = 10_000  # training samples under which batches are of 32
STUDY_QUALITIES = (10, 50, 90)
COMPARED = 1000  # test pictures that are compared with picture formats
CURVE_CODE_SIZES = (4, 8, 16, 32)
CURVE_STEPS = (1.0, 2.0, 4.0)  # multiples of the default quantizer step
MODEL_FILE, CODES_FILE, REPORT_FILE, RESULTS_FILE = "model.safetensors", "test.codes", "report.html", "results.json"


def default_epochs(samples: int, batch_size: int | None) -> int:
    """Epochs that make about as many gradient steps as ten epochs of MNIST do, and at least ten."""
    steps = max(1, -(-samples // (batch_size or max(1, samples))))
    return max(10, -(-STEPS // steps))


def untrained(samples: int, settings: Mapping[str, Any]) -> Autoencoder:
    """An `Autoencoder` for so many training samples.

    Where ``settings`` do not say, batches are smaller for little data, and epochs make as many steps as MNIST gets.
    """
    chosen = {"batch_size": 256 if samples >= LITTLE_DATA else 32, **settings}
    chosen.setdefault("epochs", default_epochs(samples, chosen["batch_size"]))
    return Autoencoder(**chosen)


def train(data: Data, settings: Mapping[str, Any]) -> tuple[Autoencoder, float]:
    """A fitted `Autoencoder` with these settings (see `untrained`), and the seconds that fitting took."""
    model = untrained(len(data.train), settings)
    start = time.perf_counter()
    model.fit(data.train, validation=data.test)
    return model, time.perf_counter() - start


def study(data: Data, settings: Mapping[str, Any], folder: Path, *, step: float | None = None) -> Study:
    """Train with ``settings`` of `Autoencoder`, measure on the test samples, and fill ``folder``.

    It gets the model, the compressed test samples, every plot as PNG, ``report.html`` and ``results.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, seconds = train(data, settings)
    compressor = Compressor.fit(model, data.train, step)
    model_bytes = compressor.save(folder / MODEL_FILE)
    codes_bytes = compressor.compress_to_file(data.test, folder / CODES_FILE)
    mse = compare.mean_squared_error(model.reconstruct(data.test), data.test)
    spec = model.network_.spec
    pictures = is_pictures(data.test)
    result = Study(
        data=data.name,
        train_samples=len(data.train),
        test_samples=len(data.test),
        shape=spec.shape,
        network=describe(model),
        weights=sum(parameter.numel() for parameter in model.network_.parameters()),
        epochs=model.n_iter_,
        train_seconds=seconds,
        final_loss=model.history_.loss[-1],
        test_mse=mse,
        test_psnr_db=psnr_of_mse(mse) if pictures else None,
        codes_bytes=codes_bytes,
        model_bytes=model_bytes,
        raw_bytes=data.test.nbytes,
        points=compare_all(compressor, data.test[:COMPARED]) if pictures else [],
    )
    figures = all_plots(model, data)
    for name, png in figures.items():
        write_atomic(folder / f"{name}.png", png, force=True)
    write_atomic(folder / RESULTS_FILE, json_text(to_json(result), indent=1).encode(errors="replace"), force=True)
    write_atomic(folder / REPORT_FILE, report.render(result, model, figures).encode(errors="replace"), force=True)
    return result


def compare_all(compressor: Compressor, pictures: NDArray[np.uint8]) -> list[Point]:
    """The autoencoder and every standard codec over the same pictures, in both layouts."""
    points = [compare.measure_compressor(compressor, pictures, layout) for layout in compare.LAYOUTS]
    for rival in compare.rivals(STUDY_QUALITIES):
        points += [compare.measure_rival(rival, pictures, layout) for layout in compare.LAYOUTS]
    return points


def curve(
    data: Data,
    settings: Mapping[str, Any],
    code_sizes: tuple[int, ...] = CURVE_CODE_SIZES,
    layouts: tuple[str, ...] = compare.LAYOUTS,
) -> list[Point]:
    """Points of a rate-distortion curve: several code sizes, each at three quantizer steps, and the standard codecs.

    Of the autoencoder's points in each layout only those stay that no other beats in both bytes and error.
    """
    pictures = data.test[:COMPARED]
    compare.check_pictures(pictures)
    points: list[Point] = []
    for code_size in code_sizes:
        model, _ = train(data, {**settings, "code_size": code_size})
        base = default_step(model, data.train)
        for factor in CURVE_STEPS:
            compressor = Compressor.fit(model, data.train, factor * base)
            setting = f"code {code_size}, step {factor * base:.2g}"
            points += [compare.measure_compressor(compressor, pictures, layout, setting) for layout in layouts]
    kept = [point for point in points if not any(_beats(other, point) for other in points)]
    return kept + [compare.measure_rival(rival, pictures, layout) for rival in compare.rivals() for layout in layouts]


def all_plots(model: Autoencoder, data: Data) -> dict[str, bytes]:
    """Every plot as PNG by its name; the walk goes from the first test sample to the first of another class."""
    test, labels = data.test, data.test_labels
    return {
        "reconstructions": plots.to_png(plots.reconstructions(model, test)),
        "losses": plots.to_png(plots.losses(model.history_)),
        "features": plots.to_png(plots.features(model)),
        "codes": plots.to_png(plots.code_space(model, test, labels)),
        "walk": plots.to_png(plots.walk(model, test[0], test[other_class(labels)])),
        "samples": plots.to_png(plots.samples(model)),
    }


def other_class(labels: NDArray[np.int64] | None) -> int:
    """The index of the first sample of another class than sample 0; without labels, or with one class, the last."""
    if labels is None:
        return -1
    others = np.flatnonzero(labels != labels[0])
    return int(others[0]) if len(others) else -1


def describe(model: Autoencoder) -> str:
    """The network in one line, as the textbooks write it."""
    spec = model.network_.spec
    layers = [spec.features, *spec.hidden, spec.code_size, *reversed(spec.hidden), spec.features]
    return f"{spec.kind} {'-'.join(map(str, layers))}"


def is_pictures(samples: NDArray[Any]) -> bool:
    """Whether picture formats can hold these samples."""
    try:
        compare.check_pictures(samples)
    except InputError:
        return False
    return True


def _beats(one: Point, other: Point) -> bool:
    same = one.layout == other.layout and one is not other
    no_worse = one.file_bytes <= other.file_bytes and one.mse <= other.mse
    return same and no_worse and (one.file_bytes, one.mse) != (other.file_bytes, other.mse)
