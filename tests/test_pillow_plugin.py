"""Pillow with the plugin: what people do with any other format, done with .isth."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError
from skimage import data

import doubles
import isthmus
import isthmus.pillow_plugin
from isthmus.bitstream.head import parse_head
from isthmus.bitstream.varint import write_varint
from isthmus.image.chunks import CHUNKS
from isthmus.image.container import parse
from pictures import by_mode, text

EXIF_ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def original() -> Image.Image:
    return Image.fromarray(data.astronaut()[100:180, 180:301])


@pytest.fixture(scope="module")
def saved(original: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pillow") / "photo.isth"
    original.save(path, quality=80, icc_profile=b"profile", xmp=b"<x/>")
    return path


def error_levels(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


def test_round_trip(original: Image.Image, saved: Path) -> None:
    with Image.open(saved) as image:
        assert (image.format, image.mode, image.size) == ("ISTH", "RGB", original.size)
        assert image.get_format_mimetype() == "image/x-isthmus"
        assert error_levels(image, original) < 5
    assert isthmus.decode(saved.read_bytes()).shape == (80, 121, 3)


def test_model_and_effort_are_options_of_saving(lossless_coder: doubles.LosslessCoder, tmp_path: Path) -> None:
    Image.new("RGB", (4, 5)).save(tmp_path / "a.isth", effort=2, model=doubles.FakeModel(bytes(8)))
    assert lossless_coder.efforts == [2]
    assert isthmus.inspect((tmp_path / "a.isth").read_bytes()).model_id == "0" * 16


def test_opening_decodes_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(isthmus.Codec, "decode_image", refuse)
    with Image.open(saved) as image:
        assert image.info == {"icc_profile": b"profile", "xmp": b"<x/>", "quality": 80.0, "tune": 1.0}
        image.verify()
    with Image.open(saved) as image, pytest.raises(AssertionError, match="decoded"):
        image.load()


def test_opening_reads_only_the_front(saved: Path) -> None:
    with saved.open("rb") as file, Image.open(file) as image:
        assert image.size == (121, 80)
        assert file.tell() < 200 < saved.stat().st_size


def test_a_large_private_chunk_at_the_front_is_passed_over(saved: Path) -> None:
    data = saved.read_bytes()
    private = CHUNKS.write(b"q", bytes(40 << 20))
    whole = parse(data)
    head = whole.header_bytes
    body = data[:head] + private + data[head : len(data) - whole.chunk_bytes[b"Z"]]
    longer = body + CHUNKS.write(b"Z", write_varint(len(body)))
    parse(longer)
    with Image.open(io.BytesIO(longer)) as image, Image.open(saved) as before:
        assert image.tobytes() == before.tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "L", "LA", "1"])
def test_modes(original: Image.Image, mode: str) -> None:
    image = original.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "ISTH")
    with Image.open(buffer) as back:
        assert back.mode == mode
        assert back.copy().mode == mode
        if "A" in mode:
            assert back.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_metadata_can_be_given_and_left_out(original: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "described"
    image = original.copy()
    image.info["icc_profile"] = b"old"
    for options, expected in (({}, b"old"), ({"icc_profile": b"new"}, b"new"), ({"icc_profile": None}, None)):
        buffer = io.BytesIO()
        image.save(buffer, "ISTH", exif=exif, **options)
        with Image.open(buffer) as back:
            assert back.info.get("icc_profile") == expected
            assert back.getexif()[0x010E] == "described"
    assert image.info == {"icc_profile": b"old"}


def test_orientation_is_applied_once(original: Image.Image) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    buffer = io.BytesIO()
    original.save(buffer, "ISTH", exif=exif)
    with Image.open(buffer) as back:
        assert back.size == original.size[::-1]
        assert back.getexif()[EXIF_ORIENTATION] == 1
        assert error_levels(back, original.transpose(Image.Transpose.ROTATE_270)) < 10


def test_what_was_worked_on_is_not_turned_again(original: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    original.save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "opened.isth", icc_profile=b"profile")
        image.rotate(-90, expand=True).save(tmp_path / "by_hand.isth")
        image.convert("L").save(tmp_path / "converted.isth")
        image.convert("RGB").save(tmp_path / "given.isth", exif=image.info["exif"])
    sizes = {}
    for path in tmp_path.glob("*.isth"):
        with Image.open(path) as back:
            sizes[path.stem] = back.size
            assert back.getexif()[EXIF_ORIENTATION] == 1
    assert sizes == {"opened": (80, 121), "by_hand": (80, 121), "converted": (121, 80), "given": (80, 121)}


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_the_chosen_frame_is_saved(frame: int, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.gif") as image:
        image.seek(frame)
        image.save(tmp_path / "a.isth", quality=80)
    with Image.open(tmp_path / "a.isth") as back:
        assert error_levels(back, frames[frame]) < 3


def test_saved_on_as_a_tiff_it_has_its_own_size(original: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION], exif[256], exif[257], exif[262] = 6, 121, 80, 6
    original.save(tmp_path / "a.isth", exif=exif)
    with Image.open(tmp_path / "a.isth") as image:
        for options in ({}, {"exif": image.info["exif"]}, {"exif": image.getexif()}):
            image.save(tmp_path / "a.tif", **options)
            with Image.open(tmp_path / "a.tif") as back:
                assert back.size == (80, 121)
                assert back.tobytes() == image.tobytes()


def test_thumbnail_takes_the_preview(monkeypatch: pytest.MonkeyPatch, original: Image.Image) -> None:
    buffer = io.BytesIO()
    original.resize((640, 480)).save(buffer, "ISTH")
    with Image.open(buffer) as image:
        image.load()
        image.thumbnail((15, 15))
        slow = image.copy()
    monkeypatch.setattr(isthmus.Codec, "decode_image", None)
    with Image.open(buffer) as image:
        image.thumbnail((15, 15))
        assert image.size == slow.size == (15, 11)
        assert error_levels(image, slow) < 4


def test_a_large_thumbnail_takes_the_picture(saved: Path) -> None:
    with Image.open(saved) as image:
        image.thumbnail((60, 60))
        assert image.size == (60, 40)


def test_pickle_and_seek(saved: Path) -> None:
    with Image.open(saved) as image:
        image.seek(0)
        with pytest.raises(EOFError):
            image.seek(1)
        again = pickle.loads(pickle.dumps(image))
        assert again.tobytes() == image.tobytes()


def test_bomb_guard_at_open(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 121 * 80 // 2 - 1)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(saved)


def test_a_front_that_is_damaged_or_cut(saved: Path) -> None:
    good = saved.read_bytes()
    for end in range(parse_head(good).size + 1):
        with pytest.raises(OSError):  # noqa: PT011 - an UnidentifiedImageError where the magic itself is cut
            Image.open(io.BytesIO(good[:end]))
    with pytest.raises(OSError, match="CRC"):
        Image.open(io.BytesIO(good[:20] + b"\xff" + good[21:]))
    with pytest.raises(OSError, match="text mode"):
        Image.open(io.BytesIO(good.replace(b"\r\n", b"\n", 1)))
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(b"no picture at all"))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_body_that_is_cut(saved: Path, share: float) -> None:
    good = saved.read_bytes()
    cut = io.BytesIO(good[: int(share * len(good))])
    with Image.open(cut) as image, pytest.raises(OSError, match="ends"):
        image.load()
    with Image.open(cut) as image, pytest.raises(OSError, match="ends"):
        image.verify()


def test_a_body_that_is_damaged(saved: Path) -> None:
    damaged = bytearray(saved.read_bytes())
    damaged[-40] ^= 1
    with Image.open(io.BytesIO(damaged)) as image, pytest.raises(OSError, match="damaged"):
        image.load()


def test_metadata_that_is_damaged(saved: Path) -> None:
    good = saved.read_bytes()
    with Image.open(io.BytesIO(good)) as image:
        assert image.info["xmp"] == b"<x/>"
        assert image.fp is not None
        front = image.fp.tell() - 9  # where the chunk after the metadata begins, which was peeked at
    at = parse_head(good).size + 5
    with pytest.raises(OSError, match="ICC chunk"):
        Image.open(io.BytesIO(good[:at] + b"?" + good[at + 1 :]))
    for position in range(front):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the byte
            Image.open(io.BytesIO(damaged)).load()


def test_what_cannot_be_saved(original: Image.Image, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot write mode I;16"):
        Image.new("I;16", (4, 4)).save(tmp_path / "deep.isth")
    with pytest.raises(ValueError, match="quality"):
        original.save(tmp_path / "loud.isth", quality=101)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_file_is_said(saved: Path) -> None:
    image = Image.open(saved)
    image.close()
    with pytest.raises(ValueError, match="closed"):
        image.load()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lossless": True, "quality": 70}, "expected lossless alone, got quality"),
        ({"qualty": 70}, "got qualty. quality is one"),
        ({"optimize": True}, "unknown option"),
        ({"quality": 50, "target_bytes": 500}, "one of them"),
    ],
)
def test_options_that_would_be_ignored_are_errors(
    options: dict[str, object], message: str, original: Image.Image, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        original.save(tmp_path / "a.isth", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["RGB", "P", "P+table", "PA", "CMYK", "La", "1"])
def test_lossless_saving(name: str, tmp_path: Path) -> None:
    image, path = by_mode()[name].resize((160, 120)), tmp_path / "a.isth"
    image.save(path, lossless=True)
    assert path.read_bytes() == isthmus.encode(image, lossless=True)
    with Image.open(path) as found:
        assert (found.mode, found.has_transparency_data) == (image.mode, image.has_transparency_data)
        assert found.info["lossless"] is True
        assert found.tobytes() == image.tobytes()
        if image.mode in ("P", "PA"):
            assert found.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()
        # What Pillow opened is kept again as it is.
        found.save(tmp_path / "b.isth", lossless=True)
    assert (tmp_path / "b.isth").read_bytes() == path.read_bytes()
    with Image.open(path) as found:
        found.draft(None, (8, 6))
        preview = isthmus.preview(path.read_bytes())
        assert (found.mode, found.size) == (preview.mode, (10, 8))
        assert found.tobytes() == preview.tobytes()


def test_layers_are_an_option_of_saving(tmp_path: Path) -> None:
    image, path = text(160, 96), tmp_path / "a.isth"
    for layers in ("photo", "sharp", "auto"):
        image.save(path, layers=layers)
        assert path.read_bytes() == isthmus.encode(image, layers=layers)
    with pytest.raises(ValueError, match="layers: expected auto or photo or sharp"):
        image.save(path, layers="both")


def test_targets_and_sizes_are_options_of_saving(original: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.isth"
    original.save(path, target_bytes=1500, lossless=False)
    assert 1400 < path.stat().st_size <= 1500
    assert path.read_bytes() == isthmus.encode(original, target_bytes=1500)
    original.save(path, max_side=60)
    with Image.open(path) as image:
        assert image.size == (60, 40)


def test_the_second_dial_is_an_option_of_saving(original: Image.Image, tmp_path: Path, tuned_model: Path) -> None:
    path = tmp_path / "a.isth"
    original.save(path, quality=60, tune="psnr", model=tuned_model)
    assert path.read_bytes() == isthmus.encode(original, 60, tune="psnr", model=tuned_model)
    with Image.open(path) as image:
        assert image.info == {"quality": 60.0, "tune": 0.0}
    original.save(path, tune=np.float32(0.5), target_bytes=900, model=tuned_model)
    assert isthmus.inspect(path.read_bytes()).tune == 0.5
    with pytest.raises(ValueError, match="got 'ssim'"):
        original.save(tmp_path / "b.isth", tune="ssim", model=tuned_model)
    assert [found.name for found in tmp_path.iterdir()] == ["a.isth"]


@pytest.mark.usefixtures("no_tune")
def test_a_tune_without_the_dial_is_refused(original: Image.Image, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no second dial"):
        original.save(tmp_path / "b.isth", tune=1)
    assert not list(tmp_path.iterdir())
