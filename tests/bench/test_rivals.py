"""Every rival for real on small pictures: it comes back, more quality costs more, absence is said."""

import sys

import numpy as np
import pytest

from bench.helpers import photo
from isthmus.bench import rivals
from isthmus.bench.metrics import psnr
from isthmus.bench.rivals import RIVALS, Dial
from isthmus.errors import InputError, MissingExtraError

LOSSY = [name for name, rival in RIVALS.items() if not rival.lossless]
LOSSLESS = [name for name, rival in RIVALS.items() if rival.lossless]
SMALL = photo("chelsea", 96, 128)


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_is_installed_here(name: str) -> None:
    assert rivals.absence(RIVALS[name]) is None
    assert any(character.isdigit() for character in RIVALS[name].version())


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_rivals_lose_nothing(name: str) -> None:
    rival = RIVALS[name]
    data = rival.encode(SMALL, rival.points[0], 1)
    assert np.array_equal(rival.decode(data, 1), SMALL)
    assert len(data) < SMALL.size


@pytest.mark.parametrize("name", LOSSY)
def test_more_quality_costs_more_and_gives_more(name: str) -> None:
    rival = RIVALS[name]
    low, middle, high = (rival.qualities[index] for index in (0, len(rival.qualities) // 2, -1))
    data = [rival.encode(SMALL, quality, 1) for quality in (low, middle, high)]
    sizes = [len(some) for some in data]
    levels = [psnr(SMALL, rival.decode(some, 1)) for some in data]
    assert sizes == sorted(set(sizes))
    assert levels == sorted(set(levels))
    assert levels[0] < 33
    assert levels[-1] > 36


@pytest.mark.parametrize("name", RIVALS)
def test_odd_sizes_come_back_with_their_shape(name: str) -> None:
    rival = RIVALS[name]
    odd = photo("coffee", 37, 53)
    assert rival.decode(rival.encode(odd, rival.points[-1], 1), 1).shape == odd.shape


# AVIF is not among them: its encoder takes other decisions on several threads. Sweeps run on one.
@pytest.mark.parametrize("name", ["jpeg", "webp", "jxl", "jpeg2000"])
def test_the_bytes_do_not_depend_on_the_threads(name: str) -> None:
    rival = RIVALS[name]
    quality = rival.qualities[len(rival.qualities) // 2]
    assert rival.encode(SMALL, quality, 1) == rival.encode(SMALL, quality, 2)


@pytest.mark.parametrize("name", LOSSY)
def test_the_points_lie_on_the_dial_from_few_bytes_to_many(name: str) -> None:
    rival = RIVALS[name]
    assert rival.dial is not None
    assert list(rival.qualities) == sorted(set(rival.qualities))
    assert rival.dial.low <= rival.qualities[0]
    assert rival.qualities[-1] <= rival.dial.high


def test_mozjpeg_only_takes_bytes_away() -> None:
    plain, smaller = (RIVALS[name].encode(SMALL, 60, 1) for name in ("jpeg", "jpeg-moz"))
    assert len(smaller) < len(plain)
    assert np.array_equal(RIVALS["jpeg"].decode(smaller, 1), RIVALS["jpeg"].decode(plain, 1))


def test_a_dial_counts_its_steps() -> None:
    dial = Dial(-25, -0.05, 0.05)
    assert len(dial) == 500
    assert (dial[0], dial[1], dial[len(dial) - 1]) == (-25, -24.95, -0.05)


def test_a_missing_library_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    present, absent = rivals.choose(["jpeg", "jxl"])
    assert [rival.name for rival in present] == ["jpeg"]
    assert absent[0][0] == "JPEG XL"
    assert 'pip install "isthmus[bench]"' in absent[0][1]
    with pytest.raises(MissingExtraError):
        RIVALS["jxl"].encode(SMALL, -1, 1)


def test_an_unknown_codec_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="jpeg2000"):
        rivals.choose(["bpg"])
