"""`isthmus bench` and `isthmus compare` from the command line, with rivals for real."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.helpers import isthmus_double, photo
from isthmus.bench.codec import Own
from isthmus.bench.metrics import present
from isthmus.cli import main

# Worker processes are those of test_sweep.py.
pytestmark = pytest.mark.usefixtures("sweeps_in_threads")


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two pictures, large enough for every metric; by a parameter, of other sides."""
    pictures = tmp_path / "holiday"
    pictures.mkdir()
    for name in ("chelsea", "coffee"):
        Image.fromarray(photo(name, *getattr(request, "param", (176, 192)))).save(pictures / f"{name}.png")
    return pictures


# For what a sweep does, whatever its pictures.
SMALL = pytest.mark.parametrize("folder", [(48, 64)], indirect=True, ids=["small"])


def as_isthmus(rival: str) -> Own:
    """A rival in the place of isthmus: many times quicker."""
    return Own(
        lambda weights, name: isthmus_double(rival, name),
        lambda weights, picture, quality: np.ones((picture.shape[0] // 16, picture.shape[1] // 16), np.float32),
    )


WEBP = as_isthmus("webp")


def run(*words: str | Path, own: Own | None = WEBP) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words], obj=own, catch_exceptions=False)
    return result.exit_code, result.output


def bench(folder: Path, *words: str, own: Own | None = WEBP) -> tuple[int, str, Path]:
    out = folder.parent / "out"
    command = ("bench", folder, "-o", out, "--cache", folder.parent / "cache", "--processes", "2")
    code, text = run(*command, *words, own=own)
    return code, text, out


def test_bench_writes_all_its_reports(folder: Path) -> None:
    code, text, out = bench(folder, "--codecs", "isthmus,jpeg,png", "--every", "4", "--published", "--timing")
    assert code == 0, text
    compared = [name for name in present()[0] if name != "mse"]
    assert {path.name for path in out.iterdir()} == {
        "results.json",
        "points.csv",
        "report.html",
        *(f"rd_{metric}.{suffix}" for metric in compared for suffix in ("svg", "png")),
    }
    record = json.loads((out / "results.json").read_text())
    assert record["set"] == "holiday"
    assert str(folder.parent) not in (out / "results.json").read_text()
    assert record["bd_rate"]["psnr"]["jpeg"]["isthmus"]["percent"] < 0
    assert record["timing"]["threads"] == 1
    assert set(record["timing"]["codecs"]) == {"isthmus", "jpeg", "png"}
    assert all(row["encode_s"] > 0 for row in record["timing"]["codecs"].values())
    assert "isthmus beats JPEG 4:2:0" in text
    assert "1 thread(s)" in text


@SMALL
def test_bench_of_rivals_needs_no_weights_and_the_second_run_is_the_same(folder: Path) -> None:
    words = ("--codecs", "jpeg,webp", "--metrics", "mse,psnr")
    code, text, out = bench(folder, *words)
    assert code == 0, text
    assert "0/54 points" in text
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    code, text, out = bench(folder, *words)
    assert code == 0
    assert "0/54 points" not in text
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


@SMALL
def test_bench_takes_every_nth_quality(folder: Path) -> None:
    words = ("--codecs", "jpeg,webp,png", "--metrics", "psnr")
    _, _, out = bench(folder, *words)
    whole = json.loads((out / "results.json").read_text())
    code, text, out = bench(folder, *words, "--every", "3")
    assert code == 0, text
    part = json.loads((out / "results.json").read_text())
    for name in ("jpeg", "webp"):
        assert part["curves"][name]["quality"] == whole["curves"][name]["quality"][::-3][::-1]
    assert part["lossless"] == whole["lossless"]
    assert "--every 3" in part["command"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--codecs", "jpeg,bpg"), "unknown codec"),
        (("--codecs", "jpeg", "--metrics", "vmaf"), "unknown metric"),
        (("--codecs", "webp", "--anchor", "jpeg"), "unknown anchor"),
        (("--codecs", "jpeg", "--published", "nobody"), "unknown published curve"),
    ],
)
def test_bench_says_what_it_does_not_know(folder: Path, words: tuple[str, ...], said: str) -> None:
    code, text, out = bench(folder, *words)
    assert code == 2
    assert said in text
    assert "expected one of" in text
    assert not out.exists()


def test_without_its_tool_a_metric_is_left_out_with_a_note(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    code, text, out = bench(folder, "--codecs", "jpeg,webp", "--every", "6")
    assert code == 0, text
    note = "Butteraugli 3-norm is not here: the program butteraugli_main is not installed"
    assert note in text
    assert note in (out / "report.html").read_text()
    assert list(json.loads((out / "results.json").read_text())["bd_rate"]) == ["psnr", "ms_ssim", "ssimulacra2"]
    code, text, _ = bench(folder, "--codecs", "jpeg", "--metrics", "butteraugli")
    assert code != 0
    assert "apt install libjxl-devtools" in text


def test_codecs_of_one_name_are_refused(folder: Path) -> None:
    code, text, out = bench(folder, "--codecs", "jpeg,webp,jpeg")
    assert code == 2
    assert "two codecs of one name" in text
    assert not out.exists()
    assert bench(folder, "--codecs", "png")[0] == 2


@SMALL
def test_where_jpeg_is_not_measured_another_codec_is_the_anchor(folder: Path) -> None:
    code, text, out = bench(folder, "--codecs", "webp,png", "--metrics", "psnr")
    assert code == 0, text
    assert "--anchor" not in json.loads((out / "results.json").read_text())["command"]


def test_a_picture_that_a_codec_does_not_take_is_named(folder: Path) -> None:
    # WebP's sides end at 16,383 pixels.
    Image.new("RGB", (16400, 16), "grey").save(folder / "wide.png")
    code, text, out = bench(folder, "--codecs", "webp", "--metrics", "psnr", "--every", "20")
    assert code == 1
    assert "WebP does not take wide.png (width 16400, height 16)" in text
    assert not out.exists()


def test_compare_leaves_out_what_does_not_take_the_picture(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16400, 3), np.uint8)
    Image.fromarray(noise).save(folder / "wide.png")
    page = folder.parent / "page.html"
    code, text = run(
        "compare", folder / "wide.png", "-q", "50", "--codecs", "webp,png", "-o", page, own=as_isthmus("jpeg")
    )
    assert code == 0, text
    assert "PNG" in text
    assert "WebP" in page.read_text()
    assert run("compare", folder / "wide.png", "--codecs", "nonesuch")[0] == 2


@pytest.mark.parametrize("match", ["bytes", "psnr"])
def test_compare_prints_a_table_and_writes_a_page(folder: Path, match: str) -> None:
    page = folder.parent / "page.html"
    words = ("compare", folder / "chelsea.png", "-q", "50", "--match", match, "--codecs", "jpeg,png", "-o", page)
    code, text = run(*words)
    assert code == 0, text
    assert [line.split("  ")[0] for line in text.splitlines() if line.startswith(("isthmus ", "JPEG", "PNG"))] == [
        "isthmus",
        "JPEG 4:2:0",
        "PNG",
    ]
    assert page.read_text().startswith("<!doctype html>")
    code, text = run(*words)
    assert code == 1
    assert "--force" in text
    assert run(*words, "--force")[0] == 0


def test_compare_puts_several_pictures_on_one_page(folder: Path) -> None:
    page, broken = folder.parent / "page.html", folder.parent / "broken.png"
    broken.write_text("not a picture")
    pictures = sorted(folder.glob("*.png"))
    code, text = run("compare", *pictures, "--codecs", "jpeg", "-o", page)
    assert code == 0, text
    assert [text.count(f"{picture}\n") for picture in pictures] == [1, 1]
    assert "2 pictures\nCodec" in text
    assert all(f'"name": "{picture.name}"' in page.read_text() for picture in pictures)
    # One that is no picture is named, and the page is of the others.
    code, text = run("compare", pictures[0], broken, "--codecs", "jpeg", "-o", page, "--force")
    assert code == 1
    assert "broken.png: " in text
    assert "1 picture\n" in text
    assert pictures[0].name in page.read_text()


def test_compare_says_that_transparency_is_left_out(folder: Path) -> None:
    picture, page = folder / "chelsea.png", folder / "pages" / "page.html"
    said = "every codec got the picture on white"
    for alpha in (255, 100):
        with Image.open(picture) as image:
            image.putalpha(alpha)
            image.save(picture)
        text = run("compare", picture, "-f", "-o", page, "--codecs", "jpeg")[1]
        assert (said in text) == (said in page.read_text()) == (alpha < 255)


def test_compare_refuses_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    code, text = run("compare", tmp_path / "notes.png", "-o", tmp_path / "page.html")
    assert code == 1
    assert "notes.png" in text
    assert not (tmp_path / "page.html").exists()


def test_names_that_are_no_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old archives hold names in other encodings: bytes that are no UTF-8."""
    (folder / "chelsea.png").rename(folder / "caf\udce9.png")
    monkeypatch.chdir(folder.parent)
    code, text = run("compare", folder / "caf\udce9.png", "--codecs", "jpeg")
    assert code == 0, text
    assert "Page: caf?-compare.html" in text
    assert "caf?.png" in Path("caf\udce9-compare.html").read_text(encoding="utf-8")
    code, text, out = bench(folder, "--codecs", "isthmus,jpeg", "--every", "4", "--metrics", "psnr")
    assert code == 0, text
    assert "caf?" in (out / "points.csv").read_text(encoding="utf-8")
    code, text = run("compare", folder.parent / "no\udce9.png")
    assert (code, "no" in text) == (2, True)
