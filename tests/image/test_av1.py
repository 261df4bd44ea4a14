import io

import numpy as np
import pytest
from PIL import Image

from isthmus.errors import CorruptError, MissingExtraError
from isthmus.image import av1
from isthmus.image.av1 import decode_av1, encode_av1
from pictures import text

PIXELS = np.asarray(text(75, 50))


def decode(obus: bytes, height: int = 50, width: int = 75) -> np.ndarray:
    return decode_av1(obus, height, width, "a payload")


@pytest.mark.parametrize("size", [(1, 1), (50, 75), (16, 33), (64, 1)])
def test_it_is_what_pillow_makes_of_the_whole_file(size: tuple[int, int]) -> None:
    pixels = np.asarray(text(*size[::-1]))
    file = av1._avif(pixels, 70, av1._SPEEDS[1])
    obus = encode_av1(pixels, 70)
    assert len(file) - len(obus) > 250
    with Image.open(io.BytesIO(file)) as image:
        np.testing.assert_array_equal(decode(obus, *size), np.asarray(image))


def test_more_quality_is_more_bytes_and_less_error() -> None:
    payloads = [encode_av1(PIXELS, quality) for quality in (10, 50, 90)]
    errors = [np.abs(decode(obus).astype(int) - PIXELS).mean() for obus in payloads]
    assert [len(obus) for obus in payloads] == sorted(len(obus) for obus in payloads)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 3


def test_a_page_is_one_piece() -> None:
    page, tiled = text(512, 1024), io.BytesIO()
    options = {"codec": "aom", "speed": av1._SPEEDS[1], "subsampling": "4:4:4", "advanced": av1._SCREEN}
    page.save(tiled, "AVIF", quality=50, autotiling=True, max_threads=1, **options)
    assert len(encode_av1(np.asarray(page), 50)) < 0.8 * len(tiled.getvalue())


@pytest.mark.parametrize("size", [(75, 50), (50, 76), (51, 75), (2**16, 2**16), (1, 1)])
def test_another_size_is_refused_before_any_decoder_sees_it(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    obus = encode_av1(PIXELS, 50)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(av1.Image, "open", never)
    with pytest.raises(CorruptError, match=r"wrong size: expected .*, got \(75, 50\)"):
        decode(obus, *size)


def parts() -> tuple[bytes, bytes]:
    """The sequence header and the frame."""
    obus = encode_av1(PIXELS, 50)
    (_, _, _, end), _ = av1._units(obus)
    return obus[:end], obus[end:]


def test_what_is_not_one_still_picture_is_refused() -> None:
    sequence, frame = parts()
    for obus in (b"", sequence, frame, frame + sequence, sequence + frame + frame, sequence + sequence + frame):
        with pytest.raises(CorruptError, match="no AV1 still picture"):
            decode(obus)
    for profile_byte in (0b000_1_1_000, 0b010_1_1_000, 0b001_0_1_000, 0b001_1_0_000):
        with pytest.raises(CorruptError, match="no AV1 still picture in 4:4:4"):
            decode(sequence[:2] + bytes([profile_byte]) + sequence[3:] + frame)


@pytest.mark.parametrize(
    ("at", "what"),
    [(37, "more than 8 bits"), (34, "superresolution"), (65, "film grain"), (-1, "another size to show")],
)
def test_what_decoders_take_differently_is_refused(at: int, what: str) -> None:
    """A bit of the sequence header, whose sizes have 7 and 6 bits here, or of the frame header."""
    sequence, frame = parts()
    header, body = bytearray(sequence), bytearray(frame)
    if at < 0:
        first = len(frame) - len(frame_body(frame))
        # One more bit stands before it where the picture is coded with screen tools.
        body[first] ^= 0b00010000 if body[first] & 0b01000000 else 0b00100000
    else:
        header[2 + at // 8] ^= 128 >> at % 8
    with pytest.raises(CorruptError, match=f"is no plain AV1 still picture: expected none of .*, got {what}$"):
        decode(bytes(header + body))


def frame_body(frame: bytes) -> bytes:
    ((_, _, begin, _),) = av1._units(frame)
    return frame[begin:]


@pytest.mark.parametrize(
    "obus", [b"\x0a", b"\x0a\x09ab", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x8a\0", b"\x0e\0\0"]
)
def test_broken_units_are_corrupt(obus: bytes) -> None:
    with pytest.raises(CorruptError, match="damaged"):
        decode(obus)


def test_a_cut_or_changed_picture_is_never_a_crash() -> None:
    obus = encode_av1(PIXELS, 30)
    changed = [obus[:end] for end in range(0, len(obus), 7)]
    changed += [obus[:at] + bytes([obus[at] ^ 1 << at % 8]) + obus[at + 1 :] for at in range(0, len(obus), 5)]
    refused = 0
    for damaged in changed:
        # The chunk's CRC is what tells damage; here only crashes and other sizes are ruled out.
        try:
            decoded = decode(damaged)
        except CorruptError:
            refused += 1
            continue
        assert decoded.shape == PIXELS.shape
    assert refused > len(obus) // 7


def test_without_avif_in_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    obus = encode_av1(PIXELS, 50)
    monkeypatch.setattr(av1, "can_decode", lambda: False)
    monkeypatch.setattr(av1, "can_encode", lambda: False)
    with pytest.raises(MissingExtraError, match="Pillow has no AVIF here: expected its encoder aom"):
        encode_av1(PIXELS, 50)
    with pytest.raises(MissingExtraError, match="expected its decoder"):
        decode(obus)
