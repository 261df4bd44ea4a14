"""Parts and previews of a picture from the command line, with the release weights."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from isthmus.cli import main
from pictures import photo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photo(90, 50).save("photo.png")
    assert run("encode", "photo.png").exit_code == 0


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_crop() -> None:
    result = run("decode", "photo.isth", "--crop", "10,5,33,21", "-o", "part.png")
    assert result.exit_code == 0, result.output
    assert "33x21 RGB" in result.stdout
    assert size("part.png") == (33, 21)


def test_preview() -> None:
    assert run("decode", "photo.isth", "--scale", "1/16", "-o", "small.png").exit_code == 0
    assert size("small.png") == (6, 4)


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["--crop", "10,5,33"], 2, "four whole numbers"),
        (["--crop", "1,2,3,x"], 2, "four whole numbers"),
        (["--crop", "80,40,20,20"], 1, "within 90x50"),
        (["--scale", "1/4"], 2, "expected 1/16"),
        (["--scale", "1/16", "--crop", "0,0,1,1"], 2, "exclude each other"),
    ],
)
def test_what_is_refused(args: list[str], status: int, message: str) -> None:
    result = run("decode", "photo.isth", "-o", "part.png", *args)
    assert result.exit_code == status
    assert message in " ".join(result.stderr.split())
    assert not Path("part.png").exists()
