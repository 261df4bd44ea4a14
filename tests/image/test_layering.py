"""Two layers and a mask, with the real networks below: who shows what, at which cost, and damage."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from skimage import data as scikit

import isthmus
from containers import refused_with_any_bit_flipped
from isthmus.codec import Codec
from isthmus.errors import CorruptError, InputError, MissingExtraError, TruncatedError
from isthmus.image import av1, layering
from isthmus.image.box import Box
from isthmus.image.container import assemble, parse
from isthmus.image.header import NO_MODEL
from isthmus.image.layering import Beneath, bits_of_error
from isthmus.image.picture import as_picture
from isthmus.likeness import psnr_db
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.quality import Quality
from pictures import page, text, whole

PHOTO = scikit.cat()[60:220, 150:390]
MIXED = 30
"""A quality at which both layers show the page of `pictures`."""


def nothing_unshown(_: Box) -> float:
    """Of a coder that shows everything, with steps fine enough."""
    return 0.0


def kinds(picture: object) -> tuple[np.ndarray, np.ndarray]:
    def no_model() -> Model:
        raise AssertionError("no model is needed to look at a picture")

    return layering._kinds(as_picture(picture), Setting(no_model, Quality.of(50), threads=2))


@pytest.fixture(scope="module")
def mixed() -> bytes:
    return isthmus.encode(page(), quality=MIXED)


def test_each_layer_where_it_is_better(mixed: bytes) -> None:
    info = isthmus.verify(mixed)
    assert 0.3 < info.sharp < 0.8
    assert f", {100 * info.sharp:.0f} % in the sharp layer\n" in info.text()
    assert f"model {info.model_id}" in info.text()
    pixels, wanted = isthmus.decode(mixed), np.asarray(page())
    alone = {layers: isthmus.encode(page(), quality=MIXED, layers=layers) for layers in ("photo", "sharp")}
    price = bits_of_error(Quality.of(MIXED))

    def cost(file: bytes) -> float:
        return 8 * len(file) + price * float(((isthmus.decode(file).astype(float) - wanted) ** 2).sum())

    assert cost(mixed) < 0.8 * cost(alone["photo"])
    assert cost(mixed) < cost(alone["sharp"])
    # Text is better than networks have it, and the photograph, away from its edge, as they have it.
    beneath = isthmus.decode(alone["photo"])
    assert psnr_db(wanted[112:], pixels[112:]) > psnr_db(wanted[112:], beneath[112:]) + 1
    inside = (slice(16, 96), slice(144, 224))
    assert psnr_db(wanted[inside], pixels[inside]) > psnr_db(wanted[inside], beneath[inside]) - 0.5


def test_no_seam(mixed: bytes) -> None:
    error = np.abs(isthmus.decode(mixed).astype(int) - np.asarray(page())).mean(-1)
    assert error[104:112, 112:].mean() < 2 * error[16:96, 128:].mean()
    assert 0 < error[112:120].mean() < 2 * error[128:].mean()


@pytest.mark.parametrize("box", [(100, 90, 40, 50), (0, 120, 60, 20), (130, 10, 50, 50), (111, 111, 1, 1)])
def test_a_part_is_the_same_part_of_the_whole(mixed: bytes, box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    found = isthmus.decode(mixed, box).astype(int)
    assert np.abs(found - isthmus.decode(mixed)[y : y + height, x : x + width]).max() <= 1


def test_the_preview(mixed: bytes) -> None:
    preview = np.asarray(isthmus.preview(mixed)).astype(int)
    reduced = np.asarray(Image.fromarray(isthmus.decode(mixed)).reduce(16)).astype(int)
    mask = np.zeros((10, 15), bool)
    mask[8:] = True
    np.testing.assert_array_equal(preview[mask], reduced[mask])
    assert np.abs(preview - reduced).mean() < 4


def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise AssertionError("a model is looked for")

    for name in ("find_model", "release_model", "model_named"):
        monkeypatch.setattr(f"isthmus.codec.{name}", none)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA"])
def test_what_is_drawn_all_over_needs_no_model(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    no_model(monkeypatch)
    image = text(1100, 60).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    data = isthmus.encode(image, quality=70)
    info = isthmus.verify(data)
    assert (info.sharp, info.model_id, info.tiles, info.parts["latents"]) == (1, "0" * 16, 2, 12)
    assert "model" not in info.text()
    found = isthmus.decode_image(data)
    assert (found.mode, found.size) == (mode, image.size)
    assert psnr_db(np.asarray(image.convert("RGB")), np.asarray(found.convert("RGB"))) > 30
    if mode == "RGBA":
        np.testing.assert_array_equal(np.asarray(found)[..., 3], np.asarray(image)[..., 3])
    box = (1010, 10, 30, 20)
    np.testing.assert_array_equal(isthmus.decode(data, box), isthmus.decode(data)[10:30, 1010:1040])
    assert isthmus.preview(data).size == (69, 4)


def test_a_scanned_page_is_told_though_no_two_pixels_are_alike(rng: np.random.Generator) -> None:
    noisy = np.asarray(text(160, 96)) * 0.9 + rng.normal(0, 2, (96, 160, 3))
    page = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    assert not layering._worth_a_look(*kinds(PHOTO), nothing_unshown)
    assert layering._worth_a_look(*kinds(page), nothing_unshown)
    data, photo = (isthmus.encode(page, quality=50, layers=layers) for layers in ("auto", "photo"))
    assert isthmus.inspect(data).sharp > 0
    assert len(data) < len(photo)


def test_photographs_are_as_they_were() -> None:
    assert isthmus.encode(PHOTO, quality=40) == isthmus.encode(PHOTO, quality=40, layers="photo")


def test_networks_alone_on_demand() -> None:
    info = isthmus.inspect(isthmus.encode(text(160, 96), layers="photo"))
    assert (info.sharp, "sharp" in info.parts) == (0, False)


def test_a_photograph_in_the_sharp_layer_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    no_model(monkeypatch)
    data = isthmus.encode(PHOTO, quality=60, layers="sharp")
    assert isthmus.verify(data).sharp == 1
    assert psnr_db(PHOTO, isthmus.decode(data)) > 30


def test_layers_that_are_none() -> None:
    with pytest.raises(InputError, match="the layers: expected auto or photo or sharp, got both"):
        isthmus.encode(PHOTO, layers="both")


def test_a_nearly_empty_screen_is_told_by_what_is_on_it() -> None:
    """A word in the middle of one colour: a hundredth of the blocks, and all of those that are not flat."""
    screen = np.full((640, 960, 3), (66, 72, 76), np.uint8)
    word = np.kron(np.random.default_rng(0).random((8, 48)) < 0.5, np.ones((4, 4), bool))
    screen[304:336, 384:576][word] = 230
    drawn, flat = kinds(screen)
    assert 0 < drawn.mean() < 0.02
    assert layering._worth_a_look(drawn, flat, nothing_unshown)
    assert isthmus.inspect(isthmus.encode(screen)).sharp == 1


def test_errors_are_not_asked_for_where_some_part_has_enough_drawn_blocks() -> None:
    side = layering.TILE // layering.BLOCK
    flat, drawn = np.zeros((side, 2 * side + 5), bool), np.zeros((side, 2 * side + 5), bool)
    drawn[:2, : side // 2] = drawn[:, -5:] = True
    asked: list[Box] = []

    def errors(box: Box) -> float:
        asked.append(box)
        return layering._UNSHOWN

    assert layering._worth_a_look(drawn, flat, errors)
    assert not asked
    drawn[:, -5:] = False
    assert layering._worth_a_look(drawn, flat, errors)
    assert asked == [Box(0, 0, side, side)]
    assert not layering._worth_a_look(drawn, flat, nothing_unshown)


def test_few_drawn_blocks_are_enough_where_networks_leave_much_out(rng: np.random.Generator) -> None:
    """A map from the air, with a legend and, or not, with dots of one pixel, which no quality brings back."""
    ground = np.asarray(Image.fromarray(rng.integers(40, 120, (9, 12, 3), np.uint8)).resize((384, 288)))
    ground = np.clip(np.rint(ground + rng.normal(0, 1, ground.shape)), 0, 255).astype(np.uint8)
    ground[:32, :64] = np.asarray(text(64, 32))
    dotted = ground.copy()
    dotted[32:][rng.random((256, 384)) < 0.02] = (255, 40, 0)
    for picture, worth in ((ground, False), (dotted, True)):
        drawn, flat = kinds(picture)
        assert 0.01 < drawn.sum() / (~flat).sum() < 0.05
        assert not layering._worth_a_look(drawn, flat, nothing_unshown)
        assert (isthmus.encode(picture) == isthmus.encode(picture, layers="photo")) is not worth
    finest = isthmus.decode(isthmus.encode(dotted, quality=100, layers="photo"))
    assert ((finest.astype(float) - dotted) ** 2).mean() > layering._UNSHOWN


def test_what_networks_do_better_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layering, "_worth_a_look", lambda *found: True)
    assert isthmus.encode(PHOTO, quality=30) == isthmus.encode(PHOTO, quality=30, layers="photo")


def test_without_avif_in_pillow(monkeypatch: pytest.MonkeyPatch, mixed: bytes) -> None:
    for name in ("can_encode", "can_decode"):
        monkeypatch.setattr(av1, name, lambda: False)
    monkeypatch.setattr(layering, "can_encode", lambda: False)
    image = text(160, 96)
    assert isthmus.encode(image) == isthmus.encode(image, layers="photo")
    with pytest.raises(MissingExtraError, match="Pillow has no AVIF here"):
        isthmus.encode(image, layers="sharp")
    with pytest.raises(MissingExtraError, match="Pillow has no AVIF here"):
        isthmus.decode(mixed)
    assert isthmus.inspect(mixed).sharp > 0


def test_targets_and_tiles() -> None:
    small = isthmus.encode(page().crop((60, 0, 200, 80)), target_bytes=1500)
    assert 1300 < len(small) <= 1500
    assert isthmus.inspect(small).sharp > 0


def test_what_lies_beneath_is_smooth() -> None:
    mask = np.zeros((10, 15), bool)
    mask[:, :7] = mask[7:] = True
    beneath = Beneath(as_picture(page()), mask)
    pixels = beneath(0, 0, 160, 240)
    np.testing.assert_array_equal(pixels[:112, 112:], np.asarray(page())[:112, 112:])
    assert np.abs(np.diff(pixels[112:].astype(int), axis=0)).max() < 40
    np.testing.assert_array_equal(beneath(30, 50, 100, 120), pixels[30:130, 50:170])


def test_flip_any_bit_and_cut_anywhere() -> None:
    data = isthmus.encode(text(64, 32), quality=20, layers="sharp")
    assert isthmus.inspect(data).sharp == 1
    refused_with_any_bit_flipped(data)
    for end in range(len(data)):
        with pytest.raises(TruncatedError):
            parse(data[:end])


def changed(data: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """A file with other payloads of its sharp layer, all of whose checksums are right."""
    parsed = parse(data)
    return assemble(parsed.header, {}, [], map(bytes, parsed.tiles), sharp=change(list(map(bytes, parsed.sharp))))


def test_damage_that_no_checksum_tells(mixed: bytes) -> None:
    for change in (lambda old: [b""], lambda old: [old[0][:40]], lambda old: [b"\x01" + old[0]], lambda old: [b"\x09"]):
        damaged = changed(mixed, change)
        for decode in (isthmus.decode, isthmus.verify, isthmus.decode_image, isthmus.preview):
            with pytest.raises(CorruptError) as caught:
                decode(damaged)
            assert caught.value.__notes__ == ["in sharp tile 0"]
    everywhere = changed(isthmus.encode(text(64, 48)), lambda old: [bytes([0])])
    with pytest.raises(CorruptError, match="without a coder: expected a sharp layer everywhere"):
        isthmus.decode(everywhere)
    assert parse(everywhere).header.model_id == NO_MODEL


def test_tiles_of_both_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGB", (1100, 64), "white")
    image.paste(text(1024, 64), (0, 0))
    image.paste(Image.fromarray(PHOTO[:64, :140]), (960, 0))
    data = isthmus.encode(image, quality=MIXED)
    parsed = parse(data)
    assert [payload[0] for payload in parsed.sharp] == [2, 0]
    assert psnr_db(np.asarray(image), isthmus.decode(data)) > 30
    assert data == Codec(threads=2).encode(image, MIXED)
    box = (1000, 20, 60, 30)
    found = isthmus.decode(data, box).astype(int)
    assert np.abs(found - isthmus.decode(data)[20:50, 1000:1060]).max() <= 1
    assert whole(as_picture(image)).shape == (64, 1100, 3)
