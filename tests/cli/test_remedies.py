"""What an error tells people to do, done to the letter, works."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import isthmus
import isthmus.pillow_plugin
from isthmus.errors import IsthmusError
from pictures import photo


def run(line: str) -> Result:
    from isthmus.cli import main

    return CliRunner().invoke(main, shlex.split(line))


def _noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def _deep() -> Image.Image:
    return Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50)


def _rich() -> Image.Image:
    image = photo(40, 30)
    image.info["xmp"] = b"<x/>" + bytes(70_000)
    return image


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remedies")
    (folder / "in").mkdir()
    photo(40, 30).save(folder / "in/a.png")
    photo(300, 200).save(folder / "photo.png")
    _noise(60, 40).save(folder / "tiny.jpg", quality=5)
    frames = [photo(40, 30).quantize(4), photo(40, 30).quantize(5).rotate(180)]
    frames[0].save(folder / "frames.gif", save_all=True, append_images=frames[1:])
    _deep().save(folder / "deep.png")
    clear = photo(40, 30).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((40, 30)))
    clear.save(folder / "clear.png")
    for name in ("photo", "clear"):
        isthmus.encode_file(folder / f"{name}.png")
    (folder / "xmp.isth").write_bytes(isthmus.encode(_rich()))
    (folder / "small").mkdir()
    (folder / "small/a.isth").write_bytes(isthmus.encode(photo(40, 30), quality=20))
    (folder / "done").mkdir()
    (folder / "done/a.isth").write_bytes(isthmus.encode(photo(40, 30)))
    return folder


@pytest.fixture(autouse=True)
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders_in_threads: None) -> None:
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize(
    ("wrong", "status", "remedy", "right"),
    [
        ("encode photo.png", 1, "Use --force", "encode photo.png --force"),
        ("decode photo.isth", 1, "Use --force", "decode photo.isth --force"),
        (
            "encode photo.png -o x.isth --max-pixels 9",
            1,
            "--max-pixels",
            "encode photo.png -o x.isth --max-pixels 60000",
        ),
        ("encode deep.png", 1, "`isthmus encode --depth 8`", "encode --depth 8 deep.png"),
        ("encode in -o small --workers 1", 1, "Use --force", "encode in -o small --workers 1 --force"),
        ("encode in -o small/x.png", 2, "small/x.png/ makes it a folder", "encode in -o small/x.png/ --workers 1"),
        ("encode in", 2, "say with -o", "encode in -o elsewhere --workers 1"),
        ("encode in photo.png -o y", 2, "give it alone", "encode in -o y --workers 1"),
        ("encode in -o in/y", 2, "choose a folder beside it", "encode in -o y --workers 1"),
        ("encode in -o photo.isth", 2, "photo.isth/ makes it a folder", "encode in -o z/photo.isth/ --workers 1"),
        ("encode photo.png tiny.jpg -o z.isth", 2, "z.isth/ makes it a folder", "encode photo.png tiny.jpg -o z.isth/"),
        ("encode photo.png -o photo.png", 2, "choose another -o", "encode photo.png -o other"),
        ("encode photo.png -o photo.jpg", 2, "encoded files are .isth files", "encode photo.png -o other.isth"),
        (
            "encode photo.png -o b.isth -q 5 --target-bytes 5k",
            2,
            "chooses the quality",
            "encode photo.png -o b.isth -q 5",
        ),
        (
            "encode photo.png --target-bytes many",
            2,
            "as in 50000, 50k",
            "encode photo.png -o b.isth --target-bytes 50k",
        ),
        ("decode photo.isth -o photo.isth", 2, "choose another -o", "decode photo.isth -o b.png"),
        ("decode photo.isth -o b.ico", 1, "--max-side 256", "decode photo.isth -o b.ico --max-side 256"),
        ("decode photo.isth -o b.ico", 1, "write a .png", "decode photo.isth -o b.png"),
        ("decode clear.isth -o b.jpg", 1, "write a .png or a .webp", "decode clear.isth -o b.webp"),
        ("decode clear.isth -o b.bmp", 1, "Write a .png or a .webp", "decode clear.isth -o b.png"),
        ("decode xmp.isth -o b.jpg", 1, "--strip", "decode xmp.isth -o b.jpg --strip"),
        ("decode xmp.isth -o b.jpg", 1, "write a .png", "decode xmp.isth -o b.png"),
        (
            "decode photo.isth -o b.png --to-quality 9",
            2,
            "name a .jpg",
            "decode photo.isth -o b.jpg --to-quality 9",
        ),
        ("decode photo.isth --to-quality 9", 2, "--to jpg", "decode photo.isth --to-quality 9 --to jpg"),
        (
            "decode done -o b --to-quality 9",
            2,
            "add --to jpg",
            "decode done -o b --to-quality 9 --to jpg --workers 1",
        ),
        ("decode photo.isth --to heic9", 2, "png, jpg, webp, tif", "decode photo.isth --to tif"),
        (
            "decode photo.isth --crop 1,2",
            2,
            "X,Y,W,H, as in 100,50,640,480",
            "decode photo.isth --crop 10,5,64,48 -o b.png",
        ),
        (
            "decode photo.isth --crop 0,0,9999,9 -o b.png",
            1,
            "within 300x200",
            "decode photo.isth --crop 0,0,300,9 -o b.png",
        ),
        ("decode photo.isth --scale 1/5", 2, "expected 1/2, 1/4, 1/8, 1/16", "decode photo.isth --scale 1/16 -o b.png"),
        ("encode photo.png -o b --model besst", 2, "`isthmus models` lists them", "models"),
        ("info photo.png", 1, "", "info photo.isth"),
    ],
)
def test_on_the_command_line(wrong: str, status: int, remedy: str, right: str) -> None:
    refused = run(wrong)
    assert refused.exit_code == status, refused.output
    assert remedy in " ".join(refused.stderr.split())
    mended = run(right)
    assert mended.exit_code == 0, mended.output


def test_keeping_what_is_not_made_smaller() -> None:
    larger = run("encode tiny.jpg -q 95 -o larger.isth")
    assert "larger than the input: keep that (--keep-smaller)" in larger.stdout
    kept = run("encode tiny.jpg -q 95 -o larger.isth --keep-smaller")
    assert (kept.exit_code, "copied to tiny.jpg" in kept.stdout or "left as it is" in kept.stdout) == (0, True)


def test_copying_what_is_left_alone() -> None:
    Path("in/notes.txt").write_text("mine")
    assert "1 other file left alone (--copy-others copies): notes.txt" in run("encode in -o c --workers 1").stdout
    assert run("encode in -o c --workers 1 --copy-others").exit_code == 0
    assert Path("c/notes.txt").read_text() == "mine"


def _first_frame() -> bytes:
    with Image.open("frames.gif") as image:
        image.seek(0)
        return isthmus.encode(image)


PYTHON: list[tuple[Callable[[], object], str, Callable[[], object]]] = [
    (lambda: isthmus.encode("photo.png"), "encode_file takes", lambda: isthmus.encode_file("photo.png", force=True)),
    (
        lambda: isthmus.encode(Path("photo.png").read_bytes()),
        "Image.open(io.BytesIO(data))",
        lambda: isthmus.encode(Image.open(__import__("io").BytesIO(Path("photo.png").read_bytes()))),
    ),
    (lambda: isthmus.decode("photo.isth"), "decode_file takes", lambda: isthmus.decode_file("photo.isth", force=True)),
    (lambda: isthmus.encode_file("photo.png"), "force=True", lambda: isthmus.encode_file("photo.png", force=True)),
    (
        lambda: isthmus.encode(_deep()),
        "depth=8",
        lambda: isthmus.encode(_deep(), depth=8),
    ),
    (lambda: isthmus.encode_file("frames.gif"), "image.seek(0)", _first_frame),
    (
        lambda: isthmus.decode_file("xmp.isth", "b.jpg"),
        "strip=True",
        lambda: isthmus.decode_file("xmp.isth", "b.jpg", strip=True),
    ),
    (
        lambda: isthmus.Codec(limits=isthmus.Limits(max_pixels=9)).encode(photo()),
        "Limits.max_pixels",
        lambda: isthmus.Codec(limits=isthmus.Limits(max_pixels=200)).encode(photo()),
    ),
    (
        lambda: isthmus.Codec(limits=isthmus.Limits(max_metadata_bytes=9)).encode(_rich()),
        "--strip (strip=True)",
        lambda: isthmus.Codec(limits=isthmus.Limits(max_metadata_bytes=9)).encode(_rich(), strip=True),
    ),
    (
        lambda: isthmus.Codec(limits=isthmus.Limits(max_file_bytes=9)).read_file("photo.isth"),
        "Limits.max_file_bytes",
        lambda: isthmus.Codec(limits=isthmus.Limits(max_file_bytes=99_999)).read_file("photo.isth"),
    ),
    (lambda: photo().save("p.isth", qualty=70), "quality is one", lambda: photo().save("p.isth", quality=70)),
]


@pytest.mark.parametrize(("wrong", "remedy", "right"), PYTHON, ids=[case[1] for case in PYTHON])
def test_in_python(wrong: Callable[[], object], remedy: str, right: Callable[[], object]) -> None:
    with pytest.raises(IsthmusError) as refused:
        wrong()
    assert remedy in str(refused.value)
    right()
