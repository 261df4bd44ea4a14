"""Arguments of every width and kind become plain numbers, or errors in words; JSON is JSON."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from isthmus import Codec, InputError, Limits
from isthmus.batch.job import Job
from isthmus.image.box import Box, box_in
from isthmus.plain import json_text, number, whole
from isthmus.quality import Quality
from isthmus.rate_control import Target

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]
NO_NUMBERS = [
    "60",
    b"60",
    None,
    True,
    np.True_,
    [60],
    np.array([60]),
    60j,
    np.complex64(60),
    math.nan,
    np.float32("nan"),
]


@pytest.mark.parametrize("kind", [*INTEGERS, *FLOATS, Fraction, Decimal, np.asarray])
def test_quality_of_every_width(kind: type) -> None:
    assert Quality.of(kind(60)) == Quality(6000)
    assert type(Quality.of(kind(60)).hundredths) is int


@pytest.mark.parametrize("kind", [*INTEGERS, *FLOATS])
def test_a_box_of_every_width(kind: type) -> None:
    """Narrow integers wrap around: x + width of 100 + 100 is -56 in int8, and would lie inside."""
    with pytest.raises(InputError, match="within 120x120"):
        box_in((kind(100), kind(0), kind(100), kind(1)), 120, 120)  # type: ignore[arg-type]
    found = box_in((kind(100), kind(20), kind(20), kind(100)), 120, 120)  # type: ignore[arg-type]
    assert found == Box(20, 100, 100, 20)
    assert all(type(side) is int for side in found)
    assert box_in(np.array([1, 2, 3, 4], np.uint8), 120, 120) == Box(2, 1, 4, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "box", [(0, 0, 1.5, 1), (0, 0, "1", 1), (0, 0, 1), 7, (0, 0, math.nan, 1), (0, 0, math.inf, 1)]
)
def test_what_is_no_box(box: object) -> None:
    with pytest.raises(InputError, match="expected four whole numbers"):
        box_in(box, 9, 9)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [*INTEGERS, *FLOATS])
def test_whole_arguments_of_every_width(kind: type) -> None:
    codec = Codec(threads=kind(2), effort=kind(2), limits=Limits(kind(100), kind(99), kind(98)))
    found = [codec.threads, codec.effort, *vars(codec.limits).values()]
    assert found == [2, 2, 100, 99, 98]
    assert {type(value) for value in found} == {int}
    assert type(Target("bytes", kind(50)).value) is float
    job = Job("encode", "a", "b", quality=kind(60), threads=kind(2), effort=kind(2))
    assert (job.quality, job.threads, job.effort) == (60, 2, 2)
    assert {type(value) for value in (job.quality, job.threads, job.effort)} == {int, float}


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(InputError, match="the quality: expected 0 to 100, got"):
        Quality.of(value)  # type: ignore[arg-type]
    if value is not None:
        with pytest.raises(InputError, match="threads"):
            Codec(threads=value)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the effort: expected 1 to 4, got"):
        Codec(effort=value)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the target in dB PSNR: expected a number"):
        Target("psnr", value)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the limit max_pixels"):
        Limits(max_pixels=value)  # type: ignore[arg-type]


def test_whole_numbers_stay_exact() -> None:
    assert whole(2**63 + 1, "n") == 2**63 + 1
    assert whole(np.uint64(2**63 + 1), "n") == 2**63 + 1
    assert number(np.float32(0.1), "n") == float(np.float32(0.1))
    for value in (2.5, math.inf, "2", None):
        with pytest.raises(InputError, match="n: expected a whole number, got"):
            whole(value, "n")


def test_the_same_bytes_of_every_width(lossless_codec: Codec) -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    plain = lossless_codec.encode(picture, 60)
    assert lossless_codec.inspect(plain).quality == 60
    for kind in (np.uint8, np.int8, np.float16):
        assert lossless_codec.encode(picture, kind(60)) == plain


def test_json_is_what_every_reader_takes() -> None:
    value = {"a": math.inf, "b": [np.float32("nan"), (1, -math.inf)], "c": np.uint8(7), "d": np.array([0.5, math.nan])}

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    found = json.loads(json_text(value), parse_constant=refuse)
    assert found == {"a": None, "b": [None, [1, None]], "c": 7, "d": [0.5, None]}


def test_no_json_is_written_but_by_one_door() -> None:
    """`json.dumps` writes NaN and Infinity unless it is told not to."""
    package = Path(__file__).parents[1] / "src" / "isthmus"
    lines = [
        f"{path.name}: {line.strip()}"
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "json.dump" in line and "allow_nan=False" not in line and "sha256" not in line
    ]
    assert lines == ["plain.py: options: of `json.dumps`."]
