"""Counting bytes fairly: layouts, rates, losses of standard codecs, and which points a curve keeps."""

import gzip
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from isthmus.autoencoder import Compressor, Data
from isthmus.autoencoder.compare import (
    Point,
    measure_compressor,
    measure_rival,
    rivals,
    tile,
    untile,
)
from isthmus.autoencoder.study import curve
from isthmus.errors import InputError


@pytest.mark.parametrize("shape", [(1, 4, 5), (7, 4, 5), (9, 3, 3, 3), (10, 2, 2)])
def test_tiles_come_apart_again(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, shape, dtype=np.uint8)
    whole = tile(pictures)
    assert whole.shape[0] * whole.shape[1] >= shape[0] * shape[1] * shape[2]
    assert_array_equal(untile(whole, shape), pictures)
    assert_array_equal(whole[: shape[1], : shape[2]], pictures[0])


@pytest.mark.parametrize("layout", ["each", "together"])
@pytest.mark.parametrize("colour", [False, True])
def test_rivals_lose_what_they_should(layout: str, colour: bool, digits: Data) -> None:
    pictures = np.stack([digits.test[:20]] * 3, axis=3) if colour else digits.test[:20]
    points = {rival.name + rival.setting: measure_rival(rival, pictures, layout) for rival in rivals((30, 90))}
    for name, point in points.items():
        assert point.raw_bytes == pictures.nbytes
        assert point.layout == layout
        assert math.isinf(point.psnr_db) == (not name.startswith("JPEG"))
    assert points["JPEGquality 30"].file_bytes < points["JPEGquality 90"].file_bytes
    assert points["JPEGquality 30"].mse > points["JPEGquality 90"].mse > 0


def test_lossless_rivals_really_are(digits: Data) -> None:
    from isthmus.autoencoder.compare import _open

    for rival in rivals(()):
        data = rival.encode(digits.test[0])
        decoded = (
            np.frombuffer(gzip.decompress(data), np.uint8).reshape(8, 8)
            if rival.name == "gzip"
            else _open(data).reshape(8, 8, -1)[..., 0]
        )
        assert_array_equal(decoded, digits.test[0])


def test_one_file_each_counts_every_header(compressor: Compressor, digits: Data) -> None:
    pictures = digits.test[:30]
    each = measure_compressor(compressor, pictures, "each")
    together = measure_compressor(compressor, pictures, "together")
    assert each.file_bytes == sum(len(compressor.compress(picture[None])) for picture in pictures)
    assert together.file_bytes == len(compressor.compress(pictures))
    assert each.mse == together.mse > 0
    assert each.file_bytes > together.file_bytes + 29 * 19  # the head and the checksum, 29 times more
    assert each.model_bytes == len(compressor.to_bytes())


def test_rates_and_decibels() -> None:
    point = Point("x", "y", "each", 4, file_bytes=100, model_bytes=300, raw_bytes=800, mse=65.025)
    assert (point.rate, point.rate_with_model, point.bytes_per_picture) == (8.0, 2.0, 25.0)
    assert point.psnr_db == pytest.approx(30.0)
    assert math.isinf(replace(point, mse=0).psnr_db)


@pytest.mark.parametrize("bad", [np.zeros((2, 4, 4)), np.zeros((2, 16), np.uint8), np.zeros((0, 4, 4), np.uint8)])
def test_what_no_picture_format_holds_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="8-bit pictures"):
        measure_rival(rivals()[0], bad, "each")


def test_a_curve_keeps_only_points_that_nothing_beats(digits: Data) -> None:
    small = Data("digits", digits.train[:300], digits.test[:60])
    points = curve(small, {"epochs": 40, "learning_rate": 0.01, "hidden": (16,), "random_state": 0}, (2, 8))
    own = [point for point in points if point.codec.startswith("autoencoder")]
    for layout in ("each", "together"):
        ours = sorted((p for p in own if p.layout == layout), key=lambda p: p.file_bytes)
        assert len(ours) >= (2 if layout == "together" else 1)  # alone, small codes all fit into one word
        assert all(b.mse < a.mse for a, b in pairwise(ours))
    assert {point.codec for point in points} == {"autoencoder dense", "PNG", "WebP lossless", "gzip", "JPEG"}
