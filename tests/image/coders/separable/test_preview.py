"""Previews and crops with the release weights: they are the picture, and cheaper than the whole."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

import isthmus
from isthmus.errors import BitstreamError, InputError
from isthmus.image.coders.separable import synthesis
from isthmus.image.container import Container


@pytest.fixture(scope="module")
def codec() -> isthmus.Codec:
    return isthmus.Codec(threads=1)


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    image = Image.fromarray(data.coffee()[:250, :390]).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


@pytest.fixture(scope="module")
def compressed(codec: isthmus.Codec, photograph: Image.Image) -> bytes:
    return codec.encode(photograph)


def levels(a: Image.Image, b: Image.Image) -> np.ndarray:
    return np.abs(np.asarray(a, float) - np.asarray(b, float))


def test_a_preview_is_the_picture_at_a_sixteenth(
    codec: isthmus.Codec, compressed: bytes, photograph: Image.Image
) -> None:
    preview = codec.preview(compressed)
    reduced = photograph.reduce(16)
    assert (preview.size, preview.mode) == (reduced.size, "RGBA") == ((25, 16), "RGBA")
    ours, theirs = np.asarray(preview)[..., :3], np.asarray(reduced)[..., :3]
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98
    assert abs(ours.mean() - theirs.mean()) < 1
    assert levels(preview.getchannel("A"), reduced.getchannel("A")).max() <= 1


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 40, 90)])
def test_a_plain_colour_stays_itself(codec: isthmus.Codec, colour: tuple[int, int, int]) -> None:
    preview = codec.preview(codec.encode(Image.new("RGB", (70, 33), colour), 80))
    assert levels(preview, Image.new("RGB", (5, 3), colour)).max() <= 3


def test_a_preview_runs_no_synthesis(codec: isthmus.Codec, compressed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "synthesise", None)
    monkeypatch.setattr(synthesis, "decode_sixteenths", None)
    assert codec.preview(compressed).size == (25, 16)


def test_a_preview_of_several_tiles_has_no_seam(codec: isthmus.Codec) -> None:
    ramp = Image.linear_gradient("L").resize((40, 1100))
    preview = codec.preview(codec.encode(ramp, 60))
    assert (preview.size, preview.mode) == ((3, 69), "L")
    assert levels(preview, ramp.reduce(16)).max() <= 3


@pytest.mark.parametrize("position", [50, 400, -20])
def test_a_damaged_file_has_no_preview(codec: isthmus.Codec, compressed: bytes, position: int) -> None:
    damaged = bytearray(compressed)
    damaged[position] ^= 4
    with pytest.raises(BitstreamError):
        codec.preview(bytes(damaged))


@pytest.mark.parametrize("box", [(0, 0, 390, 250), (0, 0, 1, 1), (100, 33, 77, 120), (389, 249, 1, 1)])
def test_a_crop_is_part_of_the_whole(codec: isthmus.Codec, compressed: bytes, box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    whole = codec.decode_image(compressed).crop((x, y, x + width, y + height))
    crop = codec.decode_image(compressed, box)
    assert (crop.size, crop.mode) == ((width, height), "RGBA")
    assert levels(crop, whole).max() <= 1
    assert crop.getchannel("A").tobytes() == whole.getchannel("A").tobytes()


@pytest.mark.parametrize("box", [(0, 0, 391, 1), (-1, 0, 5, 5), (0, 0, 0, 5), (390, 0, 1, 1)])
def test_a_crop_outside_is_refused(codec: isthmus.Codec, compressed: bytes, box: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="390x250"):
        codec.decode_image(compressed, box)


def test_a_crop_decodes_only_its_tiles(codec: isthmus.Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    # Noise, which no sharp layer takes.
    image = Image.effect_noise((3100, 20), 60).convert("RGBA")
    image.putalpha(image.convert("L"))
    compressed = codec.encode(image, 0)
    read: list[int] = []
    original = Container.tile

    def tile(self: Container, index: int) -> bytes:
        read.append(index)
        return original(self, index)

    monkeypatch.setattr(Container, "tile", tile)
    codec.decode_image(compressed, (2400, 3, 100, 10))
    assert set(read) == {2}
    read.clear()
    codec.decode_image(compressed, (2060, 3, 100, 10))
    assert set(read) == {1, 2}
