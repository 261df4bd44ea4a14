"""Folders on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from isthmus.cli import main
from pictures import photo

# What is said and written is the same; worker processes are those of tests/batch/test_run.py and of the guide.
pytestmark = pytest.mark.usefixtures("folders_in_threads")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in/sub").mkdir(parents=True)
    photo(40, 30).save("in/a.png")
    photo(30, 40).save("in/sub/b.png")
    Path("in/notes.txt").write_text("mine")


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def test_a_folder_and_back() -> None:
    encoded = run("encode", "in", "-o", "out", "--workers", "1")
    assert encoded.exit_code == 0, encoded.output
    assert "2 pictures in " in encoded.stdout
    assert ": 2 encoded\n" in encoded.stdout
    assert " bytes before, " in encoded.stdout
    assert "1 other file left alone (--copy-others copies): notes.txt" in encoded.stdout
    decoded = run("decode", "out", "-o", "back", "--workers", "1", "--json")
    *lines, last = map(json.loads, decoded.stdout.splitlines())
    assert {line["output"]: line["state"] for line in lines} == {"a.png": "done", "sub/b.png": "done"}
    assert last["summary"]["done"] == 2
    assert Path("back/sub/b.png").exists()


def test_a_failure_is_named_and_ends_in_status_one() -> None:
    Path("in/text.png").write_text("no picture")
    result = run("encode", "in", "-o", "out", "--workers", "1")
    assert result.exit_code == 1
    assert "isthmus: text.png: " in result.stderr
    assert "2 encoded, 1 failed" in result.stdout


def test_notes_and_what_cannot_be_read_are_told(lock_folders: Callable[[str], None]) -> None:
    photo(40, 30).convert("CMYK").save("in/c.tif")
    lock_folders("sub")
    result = run("encode", "in", "-o", "out", "--workers", "1")
    assert result.exit_code == 1
    assert "isthmus: sub: Permission denied" in result.stderr
    assert "c.tif: CMYK without a profile: the colours are approximate" in result.stdout
    assert "2 encoded, 1 failed" in result.stdout


def test_a_dry_run_does_nothing() -> None:
    result = run("encode", "in", "-o", "out", "--dry-run")
    assert result.exit_code == 0
    assert "sub/b.png -> sub/b.isth" in result.stdout
    assert "2 pictures of " in result.stdout
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["encode", "in"], "say with -o"),
        (["encode", "in", "-o", "-"], "say with -o"),
        (["encode", "in", "in/a.png", "-o", "out"], "give it alone"),
        (["encode", "in", "-o", "in/out"], "lies inside"),
        (["encode", "in", "-o", "in"], "lies inside"),
        (["encode", "in/a.png", "--workers", "2"], "for folders"),
        (["encode", "in/a.png", "--copy-others"], "for folders"),
        (["encode", "-", "--keep-smaller"], "a stream has no name"),
        (["decode", "in", "-o", "back.jpg"], "back.jpg looks like a file"),
        (["decode", "in", "-o", "in/notes.txt"], "notes.txt is a file"),
        (["decode", "in", "-o", "out", "--to-quality", "85"], "add --to jpg"),
        (["decode", "in", "-o", "out", "--to", "doc"], "expected a format"),
        (["encode", "in", "-o", "zip://::out.zip"], "archives are read here, not written"),
        (["encode", "in", "-o", "https://there/out"], "is read, not written"),
        (["encode", "in", "-o", "out", "--keep-smaller", "--strip"], "exclude each other"),
        (["encode", "in/a.png", "-o", "s3://bucket/a.isth"], "is an address: only the output of a folder"),
        (["decode", "in/a.isth", "-o", "s3://bucket/"], "is an address: only the output of a folder"),
        (["decode", "in", "-o", "out", "--scale", "1/16"], "for single files"),
    ],
)
def test_usage_errors(args: list[str], message: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_an_address_that_cannot_be_opened() -> None:
    result = run("encode", "nonsense://x", "-o", "out")
    assert result.exit_code == 1
    assert "nonsense://x cannot be opened" in result.stderr


def test_an_output_that_cannot_be_opened_is_said_before_anything_is_read() -> None:
    Path("in/text.png").write_text("no picture")
    result = run("encode", "in", "-o", "nonsense://out")
    assert result.exit_code == 1
    assert result.stderr.count("isthmus: ") == 1
    assert "nonsense://out cannot be opened" in result.stderr


def test_file_addresses() -> None:
    Path("in/with space.png").write_bytes(Path("in/a.png").read_bytes())
    here = Path.cwd()
    assert run("encode", f"file://{here}/in/with%20space.png", "-o", f"file://{here}/one.isth").exit_code == 0
    assert Path("one.isth").exists()
    assert run("encode", f"file://localhost{here}/in", "-o", "out", "--workers", "1").exit_code == 0
    assert Path("out/sub/b.isth").exists()
    assert run("encode", "file://elsewhere/a.png").exit_code == 2


def test_an_output_that_can_replace_the_folder() -> None:
    photo(40, 30).effect_spread(9).save("in/a.png")
    Path("in/text.png").write_text("no picture")
    Path("in/a.isth").write_text("another's")
    whole = ["encode", "in", "-o", "out", "--workers", "1", "--keep-smaller", "--copy-others"]
    planned = run(*whole, "--dry-run")
    assert "2 other files copied" in planned.stdout
    result = run(*whole)
    # Nothing is lost, and nobody should take the copy of what is no picture for one.
    assert result.exit_code == 1, result.output
    assert "1 encoded, 1 copied as they were, 2 other files copied, 1 failed" in result.stdout
    assert "isthmus: text.png: copied as it is: " in result.stderr
    assert "left alone" not in result.stdout
    for name in ("sub/b.png", "text.png", "a.isth", "notes.txt"):
        assert Path("out", name).read_bytes() == Path("in", name).read_bytes()
    # The name that is somebody else's is not taken.
    assert Path("out/a.png.isth").exists()
    again = run(*whole)
    assert (again.exit_code, "4 whole already, 1 failed" in again.stdout) == (1, True), again.output
    assert "isthmus: text.png: copied as it is: " in again.stderr


def test_pictures_that_are_not_read_here_are_named_with_the_remedy() -> None:
    for name in ("in/IMG_1.CR2", "in/sub/scan.jxl", "in/._IMG_1.CR2", "in/clip.mov", "in/run.h5"):
        Path(name).write_bytes(b"not looked at")
    for dry in (["--dry-run"], []):
        result = run("encode", "in", "-o", "out", "--workers", "1", *dry)
        assert result.exit_code == 1, result.output
        assert "isthmus: IMG_1.CR2: not encoded: camera raw. Develop it" in result.stderr
        assert "isthmus: sub/scan.jxl: not encoded: a JPEG XL picture. Convert it" in result.stderr
        assert result.stderr.count("isthmus: ") == 2
        assert "4 other files left alone (--copy-others copies): ._IMG_1.CR2, clip.mov, notes.txt" in result.stdout
    assert "2 encoded, 2 failed" in result.stdout


def test_pictures_that_are_not_read_here_are_copied_with_the_others() -> None:
    Path("in/IMG_1.CR2").write_bytes(b"not looked at")
    frames = [photo(40, 30), photo(30, 40)]
    frames[0].save("in/moves.gif", save_all=True, append_images=frames[1:])
    result = run("encode", "in", "-o", "out", "--workers", "1", "--copy-others")
    assert result.exit_code == 0, result.output
    assert "IMG_1.CR2: copied as it is: camera raw. Develop it" in result.stdout
    assert "moves.gif: copied as it is: the file has several frames" in result.stdout
    for name in ("IMG_1.CR2", "moves.gif"):
        assert Path("out", name).read_bytes() == Path("in", name).read_bytes()
    again = run("encode", "in", "-o", "out", "--workers", "1", "--copy-others")
    assert (again.exit_code, "5 whole already" in again.stdout) == (0, True), again.output


@pytest.mark.parametrize("name", ["jpg", "webp", "avif"])
def test_decoding_to_a_format_a_quality_and_a_size(name: str) -> None:
    assert run("encode", "in", "-o", "out", "--workers", "1").exit_code == 0
    sizes = []
    for quality in ("30", "95"):
        to = ["--to", name, "--to-quality", quality, "--max-side", "20"]
        decoded = run("decode", "out", "-o", f"back{quality}", "--workers", "1", *to)
        assert decoded.exit_code == 0, decoded.output
        assert "bytes of .isth files read" in decoded.stdout
        assert "more" not in decoded.stdout
        with Image.open(f"back{quality}/a.{name}") as image:
            assert (image.format, image.size) == ({"jpg": "JPEG"}.get(name, name.upper()), (20, 15))
        sizes.append(Path(f"back{quality}/a.{name}").stat().st_size)
        assert "2 whole already" in run("decode", "out", "-o", f"back{quality}", "--workers", "1", *to).stdout
    assert sizes[0] < sizes[1]


def test_encoding_smaller_pictures() -> None:
    assert run("encode", "in", "-o", "out", "--workers", "1", "--max-side", "20").exit_code == 0
    assert "15x20" in run("info", "out/sub/b.isth").stdout
    assert "2 whole already" in run("encode", "in", "-o", "out", "--workers", "1", "--max-side", "20").stdout


def test_single_files_that_are_not_made_smaller_are_kept() -> None:
    photo(40, 30).save("tiny.png")
    before = Path("tiny.png").read_bytes()
    result = run("encode", "tiny.png", "--keep-smaller")
    assert "not smaller than" in result.stdout
    assert "left as it is" in result.stdout
    assert not Path("tiny.isth").exists()
    assert "copied to new/tiny.png" in run("encode", "tiny.png", "--keep-smaller", "-o", "new/").stdout
    assert Path("new/tiny.png").read_bytes() == before
