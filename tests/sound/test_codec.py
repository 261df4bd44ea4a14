"""Arrays of samples to files and back: all shapes, rates and lengths, ranges, silence, and what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sounds
from isthmus.codec import Codec
from isthmus.errors import InputError, LimitExceededError, ModelError
from isthmus.model.model import Model
from isthmus.rate_control import Target, encode_to_target
from isthmus.sound.layout import FRAMES
from isthmus.sound.limits import SoundLimits
from isthmus.sound.source import sound_of_array


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels(sound_codec: Codec, channels: int) -> None:
    wanted = sounds.chord(2500, channels)
    data = sound_codec.encode(wanted, 90, rate=44_100)
    found = sound_codec.decode(data)
    assert (found.shape, found.dtype) == (wanted.shape, np.float32)
    assert all(sounds.snr_db(wanted[:, i], found[:, i]) > 30 for i in range(channels))
    info = sound_codec.verify(data)
    assert info.facts == {"samples": 2500, "rate": 44_100, "channels": channels}


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_rates(sound_codec: Codec, rate: int) -> None:
    wanted = sounds.chord(3000, 1, rate)
    found = sound_codec.decode(sound_codec.encode(wanted[:, 0], 90, rate=rate))
    assert sounds.snr_db(wanted, found) > 25


@pytest.mark.parametrize("samples", [1, 2, 1023, 1024, 1025])
def test_lengths(sound_codec: Codec, samples: int) -> None:
    wanted = sounds.chord(samples)
    found = sound_codec.decode(sound_codec.encode(wanted, 100, rate=44_100))
    assert found.shape == wanted.shape
    assert abs(found - wanted).max() < 0.01


@pytest.mark.parametrize(("dtype", "scale", "depth"), [("int16", 2**15, "16-bit"), ("int32", 2**31, "24-bit")])
def test_whole_numbers(sound_codec: Codec, dtype: str, scale: int, depth: str) -> None:
    wanted = sounds.chord(2000)
    data = sound_codec.encode((wanted * scale).astype(dtype), 80, rate=44_100)
    np.testing.assert_allclose(sound_codec.decode(data), sound_codec.decode(encoded(sound_codec, wanted)), atol=2e-3)
    assert sound_codec.inspect(data).as_dict()["depth"] == depth


def encoded(codec: Codec, samples: np.ndarray, quality: float = 80) -> bytes:
    return codec.encode(samples, quality, rate=44_100)


def test_the_dial(sound_codec: Codec) -> None:
    wanted = sounds.chord()
    ratios = [sounds.snr_db(wanted, sound_codec.decode(encoded(sound_codec, wanted, q))) for q in (0, 30, 60, 100)]
    assert ratios == sorted(ratios)
    assert ratios[-1] > 35


def test_silence_is_silent(sound_codec: Codec) -> None:
    silence = np.zeros((20_000, 2), np.float32)
    assert not sound_codec.decode(encoded(sound_codec, silence)).any()


def test_a_step_beside_silence(sound_codec: Codec) -> None:
    """Nothing is heard long before an attack: of the noise, the frame before it has nothing at all."""
    sound = np.zeros((8 * 1024, 1), np.float32)
    sound[5000:] = sounds.chord(8 * 1024 - 5000, 1)
    found = sound_codec.decode(encoded(sound_codec, sound, 30))[:, 0]
    assert abs(found[: 3 * 1024]).max() < 1e-4
    assert (found[4096:4600] ** 2).mean() < 1e-3 * (found[5000:] ** 2).mean()


@pytest.fixture(scope="module")
def long() -> np.ndarray:
    """Three blocks at 1000 samples a second, whose frames have 64."""
    return sounds.chord(2 * FRAMES * 64 + 5000, 3, 1000)


def test_ranges(sound_codec: Codec, long: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sound_codec.encode(long, 40, rate=1000)
    whole = sound_codec.decode(data)
    block = FRAMES * 64
    decoded: list[tuple[int, int]] = []
    from isthmus.sound.decoding import SoundDecoder

    one = SoundDecoder._decoded

    def noted(self: SoundDecoder, block: int, pair: int) -> Any:
        decoded.append((block, pair))
        return one(self, block, pair)

    monkeypatch.setattr(SoundDecoder, "_decoded", noted)
    for start, stop, blocks in (
        (0, 10, {0}),
        (block - 10, block + 10, {0, 1}),
        (block - 40, block - 33, {0}),
        (block + 40, 2 * block - 40, {1}),
        (2 * block, len(long), {1, 2}),
        (0, len(long), {0, 1, 2}),
    ):
        decoded.clear()
        np.testing.assert_array_equal(sound_codec.decode(data, box=(start, stop)), whole[start:stop])
        assert {number for number, _ in decoded} == blocks


@pytest.mark.parametrize("box", [(-1, 5), (5, 5), (0, 10_001), (1, 2, 3), ("a", "b"), 7])
def test_ranges_that_are_not_inside(sound_codec: Codec, box: Any) -> None:
    data = sound_codec.encode(sounds.chord(10_000), 20, rate=44_100)
    with pytest.raises(InputError, match="range"):
        sound_codec.decode(data, box=box)


def test_threads_change_nothing(sound_model: Model, long: np.ndarray) -> None:
    alone, several = Codec(sound_model, threads=1), Codec(sound_model, threads=3)
    data = alone.encode(long, 30, rate=1000)
    assert several.encode(long, 30, rate=1000) == data
    np.testing.assert_array_equal(several.decode(data), alone.decode(data))


def test_progress(sound_codec: Codec, long: np.ndarray) -> None:
    seen: list[tuple[int, int]] = []
    data = sound_codec.encode(long, 10, rate=1000, progress=lambda done, count: seen.append((done, count)))
    assert seen == [(i, 6) for i in range(1, 7)]
    seen.clear()
    sound_codec.decode(data, progress=lambda done, count: seen.append((done, count)))
    assert seen == [(i, 6) for i in range(1, 7)]


def test_targets(sound_codec: Codec) -> None:
    content = sound_of_array(sounds.chord(30_000), 44_100, SoundLimits())
    reached = encode_to_target(sound_codec, content, Target("kbps", 150))
    assert 140 < reached.value <= 150
    assert content.rate(len(reached.data)).value == reached.value
    assert len(encode_to_target(sound_codec, content, Target("bytes", 12_000)).data) <= 12_000
    with pytest.raises(InputError, match="dB PSNR is not for this"):
        encode_to_target(sound_codec, content, Target("psnr", 30))


def test_arrays_that_are_no_sound(sound_codec: Codec) -> None:
    chord = sounds.chord(100)
    cases: list[tuple[Any, Any, str]] = [
        (chord, None, "samples need a rate"),
        (chord, 0, "the rate is out of range"),
        (chord, 44_100.5, "the rate"),
        (chord, "fast", "the rate"),
        (chord[:0], 44_100, "the sound is empty"),
        (np.where(chord > 0, np.nan, chord), 44_100, "finite"),
    ]
    for samples, rate, message in cases:
        with pytest.raises(InputError, match=message):
            sound_codec.encode(samples, rate=rate)


def test_limits(sound_codec: Codec) -> None:
    with pytest.raises(LimitExceededError, match="too long"):
        sound_of_array(sounds.chord(100), 8000, SoundLimits(max_samples=199))


def test_models_are_for_one_medium(sound_model: Model) -> None:
    with pytest.raises(ModelError, match=r"cannot code sounds: expected medium 2.*got medium 1"):
        Codec("fast").encode(sounds.chord(100), rate=8000)
    with pytest.raises(ModelError, match=r"cannot code pictures: expected medium 1.*got medium 2"):
        Codec(sound_model).encode(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ModelError, match=r"unknown: expected none, got more"):
        Codec(replace(sound_model, arrays=sound_model.arrays | {"more": np.zeros(1)})).encode(
            sounds.chord(100), rate=8000
        )


def test_a_model_with_other_groups(tmp_path: Any) -> None:
    other = sounds.write_model(tmp_path / "other.isthmodel", (2, 16, 8))
    with pytest.raises(ModelError, match="does not fit the coder of sounds"):
        Codec(other).encode(sounds.chord(100), rate=8000)


def test_what_is_asked_of_pictures_alone(sound_codec: Codec) -> None:
    data = sound_codec.encode(sounds.chord(100), rate=8000)
    for picture_only in (sound_codec.decode_image, sound_codec.preview):
        with pytest.raises(InputError, match="expected a picture, got a sound"):
            picture_only(data)
    with pytest.raises(InputError, match="depth is not for a sound"):
        sound_codec.encode(sounds.chord(100), rate=8000, depth=8)
    with pytest.raises(InputError, match="rate is not for a picture"):
        Codec().encode(np.zeros((4, 4, 3), np.uint8), rate=8000)
