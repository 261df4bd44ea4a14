import errno
import io
import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from isthmus.codec import Codec
from isthmus.errors import InputError, IsthmusError, LimitExceededError, UnsupportedPictureError
from isthmus.image.chunks import EXIF, ICC, XMP
from isthmus.image.files import format_of, open_picture, save_picture
from isthmus.image.limits import Limits
from isthmus.image.picture import as_picture
from pictures import photo, whole

XMP_PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def saved(image: Image.Image, name: str, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, name, **options)
    file.seek(0)
    return file


def png16(colour_type: int, channels: int) -> io.BytesIO:
    """A 2x2 PNG of 16 bits a channel, which Pillow itself cannot write in colour."""
    import zlib

    def block(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 2, 16, colour_type, 0, 0, 0)
    rows = (b"\0" + bytes(2 * channels * 2)) * 2
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", zlib.compress(rows)) + block(b"IEND", b"")
    )


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bit_png_is_refused(colour_type: int, channels: int) -> None:
    with pytest.raises(UnsupportedPictureError, match=r"8 bits.*magick"):
        open_picture(png16(colour_type, channels))


def test_sixteen_bits_a_pixel_are_fine() -> None:
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    info = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + masks
    head = struct.pack("<2sIHHI", b"BM", 14 + len(info) + 4, 0, 0, 14 + len(info))
    picture = open_picture(io.BytesIO(head + info + struct.pack("<HH", 0xF800, 0x001F)))
    assert whole(picture).tolist() == [[[255, 0, 0], [0, 0, 255]]]


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_modes_are_refused(mode: str) -> None:
    with pytest.raises(UnsupportedPictureError, match="8 bits"):
        as_picture(Image.new(mode, (3, 3)))
    with pytest.raises(UnsupportedPictureError, match="8 bits"):
        open_picture(saved(Image.new(mode, (3, 3)), "TIFF"))


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(name: str) -> None:
    frames = [photo(), ImageOps.invert(photo())]
    with pytest.raises(UnsupportedPictureError, match=r"got 2.*Extract a frame"):
        open_picture(saved(frames[0], name, save_all=True, append_images=frames[1:]))


def test_a_phone_picture_of_two_frames_is_its_first() -> None:
    frames = [photo(), ImageOps.invert(photo())]
    picture = open_picture(saved(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert "first of 2 pictures" in picture.notes[0]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    file = saved(photo(), name, exif=exif, **options.get(name, {}))
    stored = np.asarray(photo()).astype(int)
    turns = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: stored[::-1].transpose(1, 0, 2),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: stored[:, ::-1].transpose(1, 0, 2),
    }
    picture = open_picture(file)
    assert abs(whole(picture) - turns[orientation]).max() <= (6 if name == "JPEG" else 0)
    kept = Image.Exif()
    kept.load(picture.metadata[EXIF])
    assert kept.get(0x0112, 1) == 1
    assert kept[0x010F] == "Maker"


def test_orientation_in_xmp_is_reset() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = open_picture(saved(photo(), "JPEG", exif=exif, xmp=XMP_PACKET))
    assert (picture.width, picture.height) == (9, 13)
    assert b'Orientation="6"' not in picture.metadata[XMP]
    assert b"adobe:ns:meta" in picture.metadata[XMP]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_metadata_round_trip(name: str) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9286] = b"comment"
    plain_xmp = XMP_PACKET.replace(b'"6"', b'"1"')
    image = photo()
    image.info |= {"icc_profile": icc, "exif": exif.tobytes(), "xmp": plain_xmp}
    file = io.BytesIO()
    save_picture(image, file, name)
    file.seek(0)
    metadata = open_picture(file).metadata
    assert metadata[ICC] == icc
    assert metadata[XMP] == plain_xmp
    kept = Image.Exif()
    kept.load(metadata[EXIF])
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8769)[0x9286] == b"comment"


def test_exif_in_the_text_of_old_png_files() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    info = PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    picture = open_picture(saved(photo(), "PNG", pnginfo=info))
    assert (picture.width, picture.height) == (9, 13)
    kept = Image.Exif()
    kept.load(picture.metadata[EXIF])
    assert kept[0x010F] == "Maker"
    assert kept.get(0x0112, 1) == 1


@pytest.mark.parametrize(("name", "error"), [("PNG", 0), ("WEBP", 0), ("TIFF", 0), ("AVIF", 6)])
def test_colours_under_transparent_pixels_are_saved(name: str, error: int, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (16, 16, 4), np.uint8)
    pixels[:8, :, 3] = 0
    file = io.BytesIO()
    save_picture(Image.fromarray(pixels), file, name)
    with Image.open(file) as back:
        assert np.abs(np.asarray(back).astype(int) - pixels).max() <= error


def test_palette_transparency_is_kept() -> None:
    image = photo().convert("P")
    image.info["transparency"] = 0
    picture = open_picture(saved(image, "PNG", transparency=image.getpixel((0, 0))))
    assert picture.has_alpha
    assert picture.mode == "P"
    assert picture.alpha(0, 0, 1, 1)[0, 0] == 0


def test_transparent_colour_of_rgb_is_kept() -> None:
    picture = open_picture(saved(photo(), "PNG", transparency=photo().getpixel((0, 0))))
    assert (picture.mode, picture.has_alpha) == ("RGBA", True)
    assert picture.alpha(0, 0, 1, 2).tolist() == [[0, 255]]


def test_cmyk_without_a_profile_says_so() -> None:
    picture = as_picture(photo().convert("CMYK"))
    assert any("approximate" in note for note in picture.notes)
    np.testing.assert_array_equal(whole(picture), np.asarray(photo()))


def test_cmyk_with_an_unusable_profile_says_so() -> None:
    image = photo().convert("CMYK")
    image.info["icc_profile"] = b"nonsense"
    picture = as_picture(image)
    assert any("unusable" in note for note in picture.notes)
    assert ICC not in picture.metadata


def lab_picture(profile: bytes | None) -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.applyTransform(photo(), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    image.info.pop("icc_profile", None)
    if profile is not None:
        image.info["icc_profile"] = profile
    return image


def test_lab_is_converted_by_its_profile_which_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 6500)).tobytes()
    sources = []
    build = ImageCms.buildTransform

    def watched(source: ImageCms.ImageCmsProfile, *rest: object) -> ImageCms.ImageCmsTransform:
        sources.append(source.tobytes())
        return build(source, *rest)

    image = lab_picture(profile)
    monkeypatch.setattr(ImageCms, "buildTransform", watched)
    picture = as_picture(image)
    assert ICC not in picture.metadata
    assert sources == [profile]
    assert "LAB was converted to sRGB by its profile" in picture.notes


@pytest.mark.parametrize("profile", [b"nonsense", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()])
def test_lab_with_an_unusable_profile_says_so(profile: bytes) -> None:
    picture = as_picture(lab_picture(profile))
    assert any("LAB profile is unusable" in note for note in picture.notes)
    assert ICC not in picture.metadata
    np.testing.assert_array_equal(whole(picture), whole(as_picture(lab_picture(None))))


def test_the_size_is_checked_before_decoding() -> None:
    with pytest.raises(LimitExceededError, match="at most 100 pixels, got 13x9 = 117"):
        open_picture(saved(photo(), "PNG"), Limits(max_pixels=100))


def test_pillows_own_limit_neither_counts_nor_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    seen = set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.add(Image.MAX_IMAGE_PIXELS)
            return super().read(size)

    assert open_picture(Watched(saved(photo(), "PNG").getvalue())).width == 13
    assert seen == {50}


def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=pipe.write_bytes, args=(saved(photo(), "PNG").getvalue(),))
    thread.start()
    assert open_picture(pipe).width == 13
    thread.join()


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(InputError, match=r"a\.txt is not a picture"):
        open_picture(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_a_cut_picture_is_an_input_error(name: str) -> None:
    data = saved(photo(64, 64), name).getvalue()
    with pytest.raises(InputError):
        open_picture(io.BytesIO(data[: len(data) // 2]))


def test_formats() -> None:
    assert format_of(Path("a.PNG")) == "PNG"
    with pytest.raises(InputError, match=r"\.xyz"):
        format_of(Path("a.xyz"))


def test_a_format_that_cannot_hold_the_mode() -> None:
    with pytest.raises(InputError, match=r"JPEG cannot hold.*transparency, write a \.png"):
        save_picture(photo().convert("RGBA"), io.BytesIO(), "JPEG")


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(InputError, match=r"a\.jpg is empty: expected a picture file, got 0 bytes"):
        open_picture(tmp_path / "a.jpg")


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 2 many")
    with pytest.raises(InputError, match=r"a\.ppm cannot be read: got ValueError"):
        open_picture(tmp_path / "a.ppm")
    data = saved(photo(64, 64), "PNG").getvalue()
    (tmp_path / "b.png").write_bytes(data[:-100])
    with pytest.raises(InputError, match=r"b\.png cannot be read"):
        open_picture(tmp_path / "b.png")


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "PPM", "AVIF", "JPEG2000", "BMP", "TGA", "SGI"])
def test_damage_raises_nothing_untyped(name: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    data = saved(photo(), name, exif=exif.tobytes(), xmp=XMP_PACKET).getvalue()
    step = max(len(data) // 150, 1)
    refused = 0
    for at in range(0, len(data), step):
        for damaged in (data[:at], data[:at] + b"\xff" + data[at + 1 :], data[:at] + b"\0" + data[at + 1 :]):
            try:
                whole(open_picture(io.BytesIO(damaged), Limits(max_pixels=10_000)))
            except IsthmusError:
                refused += 1
    assert refused


def test_a_failing_disk_is_no_fault_of_the_picture() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output") as caught:
        open_picture(Failing(saved(photo(64, 64), "PNG").getvalue()))
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("exif", [b"nonsense", b"MM\0*"])
@pytest.mark.parametrize("xmp", [{}, {"xmp": XMP_PACKET}])
@pytest.mark.parametrize("name", ["TIFF", "AVIF"])
def test_malformed_exif_is_an_input_error(name: str, xmp: dict[str, bytes], exif: bytes) -> None:
    image = photo()
    image.info |= {"exif": exif, **xmp}
    with pytest.raises(InputError, match=f"{name} cannot hold this picture"):
        save_picture(image, io.BytesIO(), name)


def test_a_full_disk_stays_a_full_disk() -> None:
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        save_picture(photo(), Full(), "PNG")


@pytest.mark.parametrize("suffix", [".jpg", ".mpo", ".png", ".webp", ".tiff", ".avif"])
@pytest.mark.parametrize("source", ["x.jpg", "x.tiff", "x.webp"])
def test_metadata_through_an_isth_file(lossless_codec: Codec, tmp_path: Path, source: str, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9286] = b"comment"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo().save(tmp_path / source, exif=exif.tobytes(), icc_profile=icc)
    lossless_codec.encode_file(tmp_path / source, tmp_path / "x.isth")
    lossless_codec.decode_file(tmp_path / "x.isth", tmp_path / f"y{suffix}")
    with Image.open(tmp_path / f"y{suffix}") as decoded:
        assert decoded.getexif()[0x010F] == "Maker"
        assert decoded.getexif().get_ifd(0x8769)[0x9286] == b"comment"
        assert decoded.info["icc_profile"] == icc
