"""The whole codec with the release weights: real pictures, real damage, and no PyTorch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as samples

import isthmus
from isthmus.errors import BitstreamError, TruncatedError
from isthmus.image import container
from isthmus.model.registry import packaged_model, releases
from isthmus.quality import Quality

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return samples.astronaut()[100:180, 180:281]


@pytest.fixture(scope="module")
def codec() -> isthmus.Codec:
    return isthmus.Codec(threads=1)


@pytest.fixture(scope="module")
def compressed(codec: isthmus.Codec, photograph: np.ndarray) -> bytes:
    return codec.encode(photograph)


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def test_a_photograph_survives(codec: isthmus.Codec, compressed: bytes, photograph: np.ndarray) -> None:
    assert len(compressed) < photograph.nbytes / 10
    assert psnr_db(codec.decode(compressed), photograph) > 28


def test_quality_trades_bytes_for_likeness(codec: isthmus.Codec, photograph: np.ndarray) -> None:
    files = [codec.encode(photograph, quality) for quality in (0, 12.5, 50, 87.5, 100)]
    likeness = [psnr_db(codec.decode(file), photograph) for file in files]
    assert [len(file) for file in files] == sorted(len(file) for file in files)
    assert likeness == sorted(likeness)


@pytest.mark.parametrize("size", [(1, 1), (1, 33), (17, 1), (15, 16), (31, 65)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P", "CMYK"])
def test_every_size_and_mode(codec: isthmus.Codec, size: tuple[int, int], mode: str) -> None:
    image = Image.fromarray(samples.astronaut()[: size[1], : size[0]]).convert(mode)
    file = codec.encode(image)
    decoded = codec.decode_image(file)
    assert decoded.size == size
    assert decoded.mode == codec.inspect(file).restored_mode
    if "A" in image.getbands():
        assert decoded.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_the_same_input_gives_the_same_bytes(codec: isthmus.Codec, compressed: bytes, photograph: np.ndarray) -> None:
    assert codec.encode(photograph) == compressed
    assert isthmus.Codec(threads=1).encode(Image.fromarray(photograph)) == compressed


def test_a_window_is_part_of_the_whole(codec: isthmus.Codec, compressed: bytes) -> None:
    whole = codec.decode(compressed).astype(int)
    window = codec.decode(compressed, box=(40, 3, 50, 33))
    assert abs(whole[3:36, 40:90] - window).max() <= 1


def test_cut_files_are_errors(codec: isthmus.Codec, compressed: bytes) -> None:
    for end in range(0, len(compressed), 7):
        with pytest.raises(TruncatedError):
            codec.decode(compressed[:end])


def test_flipped_bits_are_errors(codec: isthmus.Codec, compressed: bytes) -> None:
    for position in range(len(compressed)):
        damaged = bytearray(compressed)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(BitstreamError):
            codec.decode(bytes(damaged))


def test_damaged_latents_behind_good_checksums_are_errors(
    codec: isthmus.Codec, compressed: bytes, rng: np.random.Generator
) -> None:
    parsed = container.parse(compressed)
    good = parsed.tile(0)
    broken = [good[:end] for end in (0, 1, 4, 5, len(good) // 2, len(good) - 1)]
    broken += [good + b"\0", good + bytes(4), bytes(len(good)), rng.bytes(len(good))]
    for position in rng.choice(len(good), 60, replace=False):
        flipped = bytearray(good)
        flipped[position] ^= 1 << int(rng.integers(8))
        broken.append(bytes(flipped))
    whole, accepted = codec.decode(compressed), 0
    for payload in broken:
        try:
            decoded = codec.decode(container.assemble(parsed.header, {}, [], [payload]))
        except BitstreamError:
            continue
        # A range coder reads zeros behind its end, so that a word of zeros more changes nothing.
        np.testing.assert_array_equal(decoded, whole)
        accepted += 1
    assert accepted <= 1


def test_another_size_or_quality_behind_good_checksums_is_an_error(codec: isthmus.Codec, compressed: bytes) -> None:
    from dataclasses import replace

    parsed = container.parse(compressed)
    for change in ({"width": 120}, {"height": 40}, {"quality": Quality(4900)}):
        header = replace(parsed.header, **change)
        with pytest.raises(BitstreamError):
            codec.verify(container.assemble(header, {}, [], parsed.tiles))


BLOCKED = """
import sys
for name in ("torch", "scipy", "skimage", "sklearn", "matplotlib"):
    sys.modules[name] = None
import numpy as np
import isthmus
data = isthmus.encode(np.full((20, 30, 3), 90, np.uint8))
assert isthmus.decode(data).shape == (20, 30, 3)
isthmus.verify(data)
"""


def test_no_torch_and_no_extra_is_needed() -> None:
    result = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("identity", [one for one in releases() if packaged_model(one).medium == 1])
def test_the_golden_photographs_decode_for_ever(codec: isthmus.Codec, identity: str) -> None:
    # Engines may differ by one level; everything else is exact.
    decoded = codec.decode_image((GOLDEN / f"photograph_{identity}.isth").read_bytes())
    with Image.open(GOLDEN / f"photograph_{identity}.png") as expected:
        difference = np.asarray(decoded).astype(int) - np.asarray(expected)
        assert decoded.getexif()[0x010E] == expected.getexif()[0x010E] == "golden"
    assert abs(difference[..., :3]).max() <= 1
    assert not difference[..., 3].any()
