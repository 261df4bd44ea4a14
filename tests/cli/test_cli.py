"""The commands that people type, with the neural part replaced by its double."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import doubles
from isthmus.cli import COMMANDS, demo, main
from isthmus.codec import DEFAULT_QUALITY
from pictures import photo, text


@pytest.fixture
def folder(lossless_coder: doubles.LosslessCoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photo().save("photo.png")
    return tmp_path


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, args, input=stdin)


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_main_job(folder: Path) -> None:
    encoded = run("encode", "photo.png")
    assert encoded.exit_code == 0, encoded.output
    assert "photo.png -> photo.isth: " in encoded.stdout
    Path("photo.png").rename("original.png")
    assert run("decode", "photo.isth").exit_code == 0
    np.testing.assert_array_equal(pixels("photo.png"), pixels("original.png"))
    assert names(folder) == ["original.png", "photo.isth", "photo.png"]


def test_the_effort_reaches_the_encoder(folder: Path, lossless_coder: doubles.LosslessCoder) -> None:
    assert run("encode", "photo.png").exit_code == 0
    assert run("encode", "-f", "photo.png", "--effort", "2").exit_code == 0
    assert lossless_coder.efforts == [1, 2]
    assert run("encode", "-f", "photo.png", "--effort", "2", "--target-bytes", "1M").exit_code == 0
    assert set(lossless_coder.efforts[2:]) == {2}


def test_nothing_is_overwritten_unasked(folder: Path) -> None:
    Path("photo.isth").write_bytes(b"mine")
    refused = run("encode", "photo.png")
    assert refused.exit_code == 1
    assert "exists already" in refused.stderr
    assert Path("photo.isth").read_bytes() == b"mine"
    assert run("encode", "-f", "photo.png").exit_code == 0
    assert Path("photo.isth").read_bytes()[1:5] == b"ISTH"


def test_streams(folder: Path) -> None:
    encoded = run("encode", "-", stdin=Path("photo.png").read_bytes())
    assert encoded.exit_code == 0
    assert "bits per pixel" in encoded.stderr
    decoded = run("decode", "-", stdin=encoded.stdout_bytes)
    with Image.open(io.BytesIO(decoded.stdout_bytes)) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), pixels("photo.png"))
    assert run("encode", "photo.png", "-o", "-").stdout_bytes == encoded.stdout_bytes
    assert run("encode", "-", "-o", "b.isth", stdin=Path("photo.png").read_bytes()).exit_code == 0
    assert Path("b.isth").read_bytes() == encoded.stdout_bytes
    assert json.loads(run("info", "-", "--json", stdin=encoded.stdout_bytes).stdout)["width"] == 13


def test_a_failure_writes_nothing_to_standard_output(folder: Path) -> None:
    data = run("encode", "photo.png", "-o", "-").stdout_bytes
    failed = run("decode", "-", stdin=data[:-1])
    assert failed.exit_code == 1
    assert failed.stdout_bytes == b""
    assert "ends inside its end chunk" in failed.stderr


def test_several_inputs_and_one_failure(folder: Path) -> None:
    photo(5, 5).save("small.png")
    Path("text.png").write_text("no picture")
    result = run("encode", "photo.png", "text.png", "missing.png", "small.png", "-o", "out")
    assert result.exit_code == 1
    assert "text.png: " in result.stderr
    assert "missing.png: No such file" in result.stderr
    assert names(folder / "out") == ["photo.isth", "small.isth"]
    assert run("decode", "out/photo.isth", "out/small.isth", "-o", "back").exit_code == 0
    assert names(folder / "back") == ["photo.png", "small.png"]


def test_a_folder_may_have_a_dot_in_its_name(folder: Path) -> None:
    Path("b.png").write_bytes(Path("photo.png").read_bytes())
    assert run("encode", "photo.png", "b.png", "-o", "backup.2024").exit_code == 0
    assert sorted(path.name for path in Path("backup.2024").iterdir()) == ["b.isth", "photo.isth"]


def test_a_damaged_picture_does_not_end_the_rest(folder: Path) -> None:
    Path("damaged.ppm").write_bytes(b"P6 2 many")
    result = run("encode", "damaged.ppm", "photo.png", "-o", "out")
    assert result.exit_code == 1
    assert "damaged.ppm: the input cannot be read" in result.stderr
    assert names(folder / "out") == ["photo.isth"]


def test_a_pipe_by_name(folder: Path) -> None:
    os.mkfifo("pipe.png")
    thread = threading.Thread(target=Path("pipe.png").write_bytes, args=(Path("photo.png").read_bytes(),))
    thread.start()
    result = run("encode", "pipe.png", "-o", "a.isth")
    thread.join()
    assert result.exit_code == 0, result.stderr
    assert Path("a.isth").read_bytes()[1:5] == b"ISTH"


def test_json_lines(folder: Path) -> None:
    Path("text.png").write_text("no picture")
    result = run("encode", "--json", "-q", "12.5", "photo.png", "text.png")
    good, bad = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert good["bytes"] == Path("photo.isth").stat().st_size
    assert good["bytes_before"] == Path("photo.png").stat().st_size
    assert good["bpp"] == 8 * good["bytes"] / (13 * 9)
    assert (good["quality"], good["output"]) == (12.5, "photo.isth")
    assert good["notes"] == ["larger than the input: keep that (--keep-smaller), or ask for less"]
    assert bad["input"] == "text.png"
    assert bad["error"]["type"] == "InputError"


def test_notes_are_shown(folder: Path) -> None:
    photo().convert("CMYK").save("print.tif")
    shown = run("encode", "print.tif")
    assert "note: CMYK without a profile" in shown.stdout
    assert "note: mode CMYK comes back as RGB" in shown.stdout


def test_an_output_larger_than_its_input_is_noted(folder: Path) -> None:
    flat = io.BytesIO()
    Image.new("1", (200, 200)).save(flat, "png")
    shown = json.loads(run("encode", "--json", "-", "-o", "flat.isth", stdin=flat.getvalue()).stdout)
    assert shown["bytes_before"] == len(flat.getvalue()) < shown["bytes"]
    assert shown["bytes_before"] == len(flat.getvalue())
    assert any(note.startswith("larger than the input: keep that") for note in shown["notes"])


def test_info(folder: Path) -> None:
    run("encode", "photo.png", "-q", "30")
    text = run("info", "photo.isth").stdout
    assert "13x9, mode RGB (decodes to RGB), quality 30" in text
    assert "model 0123456789abcdef" in text
    found = json.loads(run("info", "--json", "photo.isth").stdout)
    assert sum(found["parts"].values()) == found["bytes"] == Path("photo.isth").stat().st_size


@pytest.mark.parametrize("keep", [0, 5, 30, 60, -1])
def test_verify(folder: Path, keep: int) -> None:
    run("encode", "photo.png")
    assert run("verify", "photo.isth").stdout.startswith("photo.isth: whole and decodable")
    Path("cut.isth").write_bytes(Path("photo.isth").read_bytes()[:keep])
    damaged = run("verify", "cut.isth", "photo.isth", "--json")
    bad, good = map(json.loads, damaged.stdout.splitlines())
    assert damaged.exit_code == 1
    assert bad["error"]["type"] == "TruncatedError"
    assert good["ok"] is True


def test_a_folder_stands_for_the_files_below_it(folder: Path) -> None:
    run("encode", "photo.png")
    (folder / "kept/deeper").mkdir(parents=True)
    for name in ("b.isth", "deeper/A.ISTH", ".hidden.isth"):
        (folder / "kept" / name).write_bytes(Path("photo.isth").read_bytes())
    (folder / "kept/photo.png").write_bytes(b"no .isth file")
    verified = run("verify", "photo.isth", "kept")
    assert verified.exit_code == 0
    assert [line.partition(": ")[0] for line in verified.stdout.splitlines()] == [
        "photo.isth",
        "kept/b.isth",
        "kept/deeper/A.ISTH",
        "3 of 3 whole and decodable",
    ]
    assert run("info", "kept").stdout.count("mode RGB") == 2
    Path("kept/deeper/A.ISTH").write_bytes(b"no more")
    damaged = run("verify", "kept")
    assert damaged.exit_code == 1
    assert damaged.stdout.splitlines()[-1] == "1 of 2 whole and decodable"


def test_nothing_below_a_folder_is_an_error_beside_the_others(folder: Path) -> None:
    run("encode", "photo.png")
    (folder / "empty").mkdir()
    found = run("verify", "--json", "photo.isth", "empty")
    assert found.exit_code == 1
    good, bad = map(json.loads, found.stdout.splitlines())
    assert good["ok"] is True
    assert bad["input"] == "empty"
    assert "no .isth files" in bad["error"]["message"]


def test_a_folder_that_cannot_be_searched_is_not_passed_over(folder: Path, lock_folders: Callable[[str], None]) -> None:
    run("encode", "photo.png")
    (folder / "kept/locked").mkdir(parents=True)
    (folder / "kept/photo.isth").write_bytes(Path("photo.isth").read_bytes())
    lock_folders("locked")
    found = run("verify", "kept")
    assert found.exit_code == 1
    assert "kept/locked: Permission denied" in found.output
    assert "1 of 2 whole and decodable" in found.stdout


def test_lossless(folder: Path, lossless_coder: doubles.LosslessCoder) -> None:
    photo().quantize(37).save("palette.png")
    result = run("encode", "palette.png", "--lossless", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["lossless"], report["notes"]) == (True, [])
    assert "quality" not in report
    assert "13x9, lossless, mode P\n" in run("info", "palette.isth").stdout
    assert "whole and decodable, 13x9, lossless, " in run("verify", "palette.isth").stdout
    assert run("decode", "palette.isth", "-o", "back.png").exit_code == 0
    with Image.open("palette.png") as before, Image.open("back.png") as after:
        assert (after.mode, after.tobytes()) == ("P", before.tobytes())
    assert lossless_coder.efforts == []  # No coder of a model took part.
    cropped = run("decode", "palette.isth", "-o", "part.png", "--crop", "2,3,4,5")
    assert cropped.exit_code == 0, cropped.output
    np.testing.assert_array_equal(pixels("part.png"), pixels("palette.png")[3:8, 2:6])


@pytest.mark.parametrize("other", [("-q", "70"), ("--target-bytes", "5k")])
def test_lossless_goes_with_no_other_wish(folder: Path, other: tuple[str, ...]) -> None:
    result = run("encode", "photo.png", "--lossless", *other)
    assert result.exit_code == 2
    assert "--lossless takes neither -q nor a target" in result.output
    assert names(folder) == ["photo.png"]


@pytest.mark.parametrize("other", [("--tune", "psnr"), ("--layers", "sharp"), ("--model", "fast")])
def test_lossless_goes_with_nothing_of_models(folder: Path, other: tuple[str, ...]) -> None:
    result = run("encode", "photo.png", "--lossless", *other)
    assert result.exit_code == 2
    assert "--lossless takes none of --tune, --layers and --model" in result.output
    assert names(folder) == ["photo.png"]


@pytest.mark.parametrize(("wish", "share"), [([], 1), (["--layers", "auto"], 1), (["--layers", "photo"], 0)])
def test_layers(folder: Path, lossless_coder: doubles.LosslessCoder, wish: list[str], share: int) -> None:
    text(160, 96).save("page.png")
    assert run("encode", "page.png", *wish, "-o", "page.isth").exit_code == 0
    assert json.loads(run("info", "--json", "page.isth").stdout)["sharp"] == share
    assert bool(lossless_coder.efforts) == (share == 0)
    assert ("100 % in the sharp layer" in run("info", "page.isth").stdout) == (share == 1)
    assert run("decode", "page.isth", "-o", "back.png").exit_code == 0
    assert pixels("back.png").shape == (96, 160, 3)


def test_strip(folder: Path) -> None:
    image = photo()
    image.save("icc.png", icc_profile=b"i" * 400)
    run("encode", "icc.png")
    run("encode", "icc.png", "--strip", "-o", "stripped.isth")
    assert "icc" in json.loads(run("info", "--json", "icc.isth").stdout)["parts"]
    assert "icc" not in json.loads(run("info", "--json", "stripped.isth").stdout)["parts"]


def test_the_suffix_chooses_the_format(folder: Path) -> None:
    run("encode", "photo.png")
    assert run("decode", "photo.isth", "-o", "a.jpg").exit_code == 0
    with Image.open("a.jpg") as image:
        assert image.format == "JPEG"
    unknown = run("decode", "photo.isth", "-o", "a.xyz")
    assert unknown.exit_code == 1
    assert "no picture format" in unknown.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["encode"], "Missing argument"),
        (["encode", "photo.png", "-q", "101"], "101"),
        (["encode", "photo.png", "--threads", "0"], "0"),
        (["encode", "photo.png", "--effort", "5"], "5"),
        (["encode", "photo.png", "--model", "absent.isthmodel"], "absent"),
        (["encode", "photo.png", "-"], "takes a single file"),
        (["encode", "photo.png", "-o", "photo.png", "-f"], "overwrite itself"),
        (["encode", "photo.png", "sub/photo.jpg", "-o", "out"], "both be written"),
        (["encode", "photo.png", "b.png", "-o", "photo.png"], "folder"),
        (["encode", "photo.png", "b.png", "-o", "both.isth"], "both.isth/ makes it a folder"),
        (["decode", "a.isth", "b.isth", "-o", "both.jpg"], "both.jpg/ makes it a folder"),
        (["encode", "photo.png", "-o", "small.jpg"], ".jpg is another format"),
        (["decode", "photo.png"], "is photo.png an .isth file?"),
        (["nonsense"], "No such command"),
    ],
)
def test_usage_errors_are_status_two(folder: Path, args: list[str], message: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert names(folder) == ["photo.png"]


def test_stopped_by_ctrl_c_is_a_status_of_its_own() -> None:
    # Where tests run in the background, Ctrl-C is ignored, and Python leaves it at that.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heard}; from isthmus.cli import main; main()", "verify", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # It reads what never ends.
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(1)
            process.send_signal(signal.SIGINT)
        assert process.returncode == 130
        assert process.stderr is not None
        assert "isthmus: stopped" in process.stderr.read()


def test_a_name_that_no_terminal_can_show_ends_nothing(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    Path("photo.png").rename(name)
    command = [sys.executable, "-m", "isthmus", "encode", name, "missing.png"]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, capture_output=True, timeout=100, env=strict)
    assert done.returncode == 1
    assert b"caf?.png -> caf?.isth: " in done.stdout
    assert b"missing.png" in done.stderr
    assert b"Traceback" not in done.stderr
    assert Path(name).with_suffix(".isth").exists()


def test_max_pixels(folder: Path) -> None:
    run("encode", "photo.png")
    for args in (["encode", "photo.png", "-f"], ["decode", "photo.isth", "-f"], ["info", "photo.isth"]):
        result = run(*args, "--max-pixels", "100")
        assert result.exit_code == 1
        assert "too large" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert name in run("--help").stdout


def test_the_default_quality_is_the_one_shown(folder: Path) -> None:
    assert f"(default: {DEFAULT_QUALITY:g})" in run("encode", "--help").stdout


def test_demo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(resources.files("isthmus.data") / "coffee.webp") as image:
        whole = np.asarray(image)
    np.testing.assert_array_equal(demo._photograph(), whole)
    # The guide's demo is of all of it.
    original = whole[:96, :128]
    monkeypatch.setattr(demo, "_photograph", lambda: original)
    result = run("demo", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    ours, *rivals = report["rows"]
    assert [row["codec"][:4] for row in rivals] == ["JPEG", "WebP", "AVIF"]
    assert all(row["bytes"] <= ours["bytes"] for row in rivals)
    assert not any(row["smallest"] for row in report["rows"])
    assert pixels("isthmus-demo.png").shape == (28 + 96, 5 * 128, 3)
    np.testing.assert_array_equal(pixels("isthmus-demo.png")[28:, :128], original)
    again = run("demo")
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    table = run("demo", "-f").stdout
    assert "PSNR dB" in table
    assert "isthmus-demo.png" in table
    assert "smallest it can" not in table


def test_demo_says_where_a_rival_cannot_be_as_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The double has no loss; a plain picture is what it makes small.
    monkeypatch.setattr(demo, "_photograph", lambda: np.zeros((64, 96, 3), np.uint8))
    report = json.loads(run("demo", "--json").stdout)
    ours, *rivals = report["rows"]
    assert [row["smallest"] for row in rivals] == [row["bytes"] > ours["bytes"] for row in rivals]
    jpeg = next(line for line in run("demo", "-f").stdout.splitlines() if line.startswith("JPEG"))
    assert jpeg.endswith("  smallest it can")


def test_commands_share_a_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("isthmus.memory.share_heap", lambda: calls.append("shared"))
    assert run("models").exit_code == 0
    assert calls == ["shared"]
