"""Damaged files: every cut and every flipped bit is an error, and what is not damaged still decodes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sounds
from isthmus.bitstream.chunks import deflate
from isthmus.bitstream.envelope import assemble
from isthmus.bitstream.head import parse_head
from isthmus.codec import Codec
from isthmus.errors import BitstreamError, CorruptError, InputError, IsthmusError, LimitExceededError, TruncatedError
from isthmus.sound.chunks import BLOCK, CHUNKS, TAGS
from isthmus.sound.container import parse_behind
from isthmus.sound.header import pack_header
from isthmus.sound.layout import FRAMES
from isthmus.sound.limits import SoundLimits

BLOCK_SAMPLES = FRAMES * 64


@pytest.fixture(scope="module")
def short(sound_codec: Codec) -> bytes:
    return sound_codec.encode(sounds.chord(300, 2, 8000), 20, rate=8000)


@pytest.fixture(scope="module")
def three_blocks(sound_codec: Codec) -> bytes:
    return sound_codec.encode(sounds.chord(3 * BLOCK_SAMPLES, 1, 1000), 10, rate=1000)


def test_every_cut(sound_codec: Codec, short: bytes) -> None:
    for end in range(len(short)):
        with pytest.raises(TruncatedError):
            sound_codec.decode(short[:end])


def test_a_part_of_a_file_shows_nothing(short: bytes) -> None:
    for data in (short, short[:-9]):
        with pytest.raises(InputError, match="nothing can be restored of a sound whose file ends early"):
            Codec().decoder_of_cut(data)


def test_every_byte(sound_codec: Codec, short: bytes) -> None:
    for position in range(len(short)):
        damaged = bytearray(short)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(BitstreamError):
            sound_codec.decode(bytes(damaged))


def with_payloads(data: bytes, payloads: dict[int, bytes], tags: bytes | None = None) -> bytes:
    """A file with other payloads in some places, and checksums that fit."""
    parsed = parse_behind(parse_head(data), data, SoundLimits())
    every = [payloads.get(i, bytes(one)) for i, one in enumerate(parsed.payloads)]
    return assemble(pack_header(parsed.header), CHUNKS, {} if tags is None else {TAGS: tags}, {BLOCK: every})


def payload(data: bytes, index: int) -> bytes:
    return bytes(parse_behind(parse_head(data), data, SoundLimits()).payloads[index])


def test_damage_is_local(sound_codec: Codec, three_blocks: bytes) -> None:
    whole = sound_codec.decode(three_blocks)
    broken = bytearray(payload(three_blocks, 1))
    broken[-3] ^= 16
    data = with_payloads(three_blocks, {1: bytes(broken)})
    sound_codec.inspect(data)
    with pytest.raises(CorruptError) as caught:
        sound_codec.decode(data)
    assert caught.value.__notes__ == ["in block 1, channels from 0"]
    # All but half a frame beside the damaged block.
    for start, stop in ((0, BLOCK_SAMPLES - 32), (2 * BLOCK_SAMPLES + 32, 3 * BLOCK_SAMPLES)):
        np.testing.assert_array_equal(sound_codec.decode(data, box=(start, stop)), whole[start:stop])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_payloads_of_any_bytes(sound_codec: Codec, short: bytes, data: st.DataObject) -> None:
    """With checksums that fit: what is decoded is what an encoder could have written, or an error of ours."""
    original = payload(short, 0)
    at = data.draw(st.integers(0, len(original) - 1))
    new = data.draw(st.binary(max_size=12))
    changed = original[:at] + new + original[at + data.draw(st.integers(0, 12)) :]
    try:
        found = sound_codec.decode(with_payloads(short, {0: changed}))
    except IsthmusError:
        return
    assert found.shape == (300, 2)
    assert np.isfinite(found).all()


def test_missing_and_surplus_blocks(sound_codec: Codec, short: bytes) -> None:
    parsed = parse_behind(parse_head(short), short, SoundLimits())
    for payloads in ([], [parsed.payload(0, 0)] * 2):
        with pytest.raises(BitstreamError):
            sound_codec.decode(assemble(pack_header(parsed.header), CHUNKS, {}, {BLOCK: payloads}))


@pytest.mark.parametrize("tags", [b"{", b"\xff", b"[]", b'{"title": 1}', b"[" * 100_000])
def test_tags_that_are_none(sound_codec: Codec, short: bytes, tags: bytes) -> None:
    with pytest.raises(CorruptError, match="tags"):
        sound_codec.inspect(with_payloads(short, {}, tags))


def test_tags_without_end(sound_codec: Codec, short: bytes) -> None:
    assert len(deflate(bytes(2**24 + 1))) < 2**15
    with pytest.raises(LimitExceededError):
        sound_codec.inspect(with_payloads(short, {}, bytes(2**24 + 1)))
