"""The search for a target, on curves that tests make and on photographs with the release weights."""

import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from skimage import data

import isthmus
from isthmus.bench.metrics import METRICS
from isthmus.errors import InputError
from isthmus.image.picture import Picture, as_picture
from isthmus.rate_control import MAX_ENCODES, Target, encode_to_target


@pytest.fixture(scope="module")
def codec() -> isthmus.Codec:
    return isthmus.Codec(threads=1)


@pytest.fixture(scope="module")
def picture() -> Picture:
    return as_picture(data.coffee()[100:228, 200:360])


@dataclass
class CurveCodec:
    """Stands in for the codec: a file of as many bytes as a curve says."""

    curve: Callable[[float], float]
    encodes: int = 0

    def encode(self, picture: Picture, quality: float, tune: object = None) -> bytes:
        assert tune is None
        assert 0 <= quality <= 100
        assert round(quality, 2) == quality
        self.encodes += 1
        return bytes(round(self.curve(quality)))


CURVES = {
    "exponential": lambda q: 3000 * math.exp(0.045 * q),
    "steep at the end": lambda q: 2000 + 200 * q + 300000 * (q / 100) ** 12,
    "flat, then steep": lambda q: 5000 + 100000 * max(0, q - 70) / 30,
    "nearly flat": lambda q: 100000 * (1 + 0.002 * q),
    "in steps": lambda q: 3000 * math.exp(0.045 * (q // 0.4 * 0.4)),
    "noisy": lambda q: 3000 * math.exp(0.045 * q) * (1 + 0.002 * math.sin(1000 * q)),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.77, 0.999])
def test_bytes_on_every_curve(name: str, share: float, picture: Picture) -> None:
    curve = CURVES[name]
    target = int(curve(0) + share * (curve(100) - curve(0)))
    codec = CurveCodec(curve)
    found = encode_to_target(codec, picture, Target("bytes", target))  # type: ignore[arg-type]
    assert 0.99 * target <= len(found.data) <= target or found.note
    assert len(found.data) <= target
    assert len(found.data) >= 0.97 * target
    assert found.value == len(found.data) == round(curve(found.quality))
    assert found.encodes == codec.encodes <= MAX_ENCODES


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_bytes_of_a_photograph(codec: isthmus.Codec, picture: Picture, share: float) -> None:
    least, most = (len(codec.encode(picture, quality)) for quality in (0, 100))
    target = round(least + share * (most - least))
    found = encode_to_target(codec, picture, Target("bytes", target))
    assert 0.985 * target <= len(found.data) <= target
    assert codec.inspect(found.data).quality == found.quality


def test_bits_per_pixel_are_of_the_whole_file(codec: isthmus.Codec, picture: Picture) -> None:
    found = encode_to_target(codec, picture, Target("bpp", 1.0))
    assert 0.985 <= codec.inspect(found.data).bpp <= 1.0


@pytest.mark.parametrize(("kind", "above"), [("psnr", 0.1), ("ssimulacra2", 0.5)])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_likeness(codec: isthmus.Codec, picture: Picture, kind: Any, above: float, share: float) -> None:
    def measure(file: bytes) -> float:
        return METRICS[kind](picture(0, 0, 128, 160), codec.decode(file))

    worst, best = (measure(codec.encode(picture, quality)) for quality in (0, 100))
    value = worst + share * (best - worst)
    found = encode_to_target(codec, picture, Target(kind, value))
    assert found.value == measure(found.data) >= value
    # Of so small a picture a single latent can be worth more than the tolerance; then that is said.
    assert found.value <= value + above or found.note
    assert found.value <= value + 3 * above


def test_too_few_bytes_is_an_error_that_says_how_few_it_takes(codec: isthmus.Codec, picture: Picture) -> None:
    least = len(codec.encode(picture, 0))
    with pytest.raises(InputError, match=rf"quality 0\).*at most {least - 1:g} bytes, got {least:g}"):
        encode_to_target(codec, picture, Target("bytes", least - 1))


def test_too_good_a_likeness_is_an_error(codec: isthmus.Codec, picture: Picture) -> None:
    with pytest.raises(InputError, match=r"quality 100\).*at least 90 dB PSNR"):
        encode_to_target(codec, picture, Target("psnr", 90))


def test_more_bytes_than_the_dial_can_fill(codec: isthmus.Codec, picture: Picture) -> None:
    found = encode_to_target(codec, picture, Target("bytes", 10**6))
    assert (found.quality, found.encodes) == (100, 2)
    assert "end of the dial" in found.note


def test_less_likeness_than_the_dial_has(codec: isthmus.Codec, picture: Picture) -> None:
    found = encode_to_target(codec, picture, Target("psnr", 3))
    assert found.quality == 0
    assert "end of the dial" in found.note


@pytest.mark.parametrize("value", [0, -5, math.nan, math.inf])
def test_what_is_no_target(value: float) -> None:
    with pytest.raises(InputError, match="positive"):
        Target("bytes", value)


def test_too_small_for_a_metric(codec: isthmus.Codec) -> None:
    with pytest.raises(InputError, match="at least 8 pixels"):
        encode_to_target(codec, as_picture(data.coffee()[:7, :50]), Target("ssimulacra2", 60))


BLOCKED = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None
import numpy as np
import isthmus
from isthmus.image.picture import as_picture
from isthmus.rate_control import Target, encode_to_target

picture = as_picture(np.tile(np.arange(48, dtype=np.uint8)[:, None] * 5, (1, 40)))
try:
    found = encode_to_target(isthmus.Codec("fast", threads=1), picture, Target({kind!r}, {value}))
except isthmus.MissingExtraError as error:
    print("missing:", error)
else:
    print("reached:", found.value)
"""
REPORTS = ("matplotlib", "jinja2", "bjontegaard", "imagecodecs")


@pytest.mark.parametrize(
    ("kind", "value", "blocked", "expected"),
    [
        ("psnr", 35, (*REPORTS, "scipy", "skimage", "ssimulacra2", "torch", "sklearn"), "reached: "),
        ("ssimulacra2", 60, (*REPORTS, "scipy", "skimage", "ssimulacra2", "torch", "sklearn"), "reached: "),
    ],
)
def test_a_likeness_needs_no_more_than_its_metric(
    kind: str, value: float, blocked: tuple[str, ...], expected: str
) -> None:
    code = BLOCKED.format(kind=kind, value=value, blocked=blocked)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert re.match(expected, result.stdout)


@pytest.mark.parametrize("name", ["in steps", "two bytes there, four back", "one lonely step"])
def test_a_dial_with_jumps_is_never_said_to_have_no_nearer_file(name: str, picture: Picture) -> None:
    """Its bytes fall as well as rise: what was found is the nearest found, and no more than that is said."""
    curves: dict[str, Callable[[float], float]] = {
        "in steps": lambda q: 200 + 20 * (q // 4),
        "two bytes there, four back": lambda q: 200 + 4 * q + (40 if round(100 * q) % 3 else 0),
        "one lonely step": lambda q: 298 if q == 14.53 else 200 + (q // 1) * 10 if q > 14.53 else 180,
    }
    found = encode_to_target(CurveCodec(curves[name]), picture, Target("bytes", 300))  # type: ignore[arg-type]
    assert len(found.data) <= 300
    if len(found.data) < 297:
        assert found.note.startswith(f"the nearest found is {len(found.data)} bytes")
        assert "a nearer one may exist" in found.note
