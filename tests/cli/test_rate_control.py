"""Targets from the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from skimage import data

from isthmus.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(data.coffee()[:96, :128]).save("cup.png")


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["encode", "cup.png", *args])


@pytest.fixture
def middle() -> int:
    """A number of bytes that the dial reaches."""
    sizes = [json.loads(run("-q", quality, "--json", "-f").stdout)["bytes"] for quality in ("0", "100")]
    Path("cup.isth").unlink()
    return sum(sizes) // 2


@pytest.mark.parametrize("form", ["{}", "{}b", "{k}k", "{k} KB", "{m}M", "{ki}Ki", "{ki}KiB"])
def test_bytes(form: str, middle: int) -> None:
    size = form.format(middle, k=middle / 1000, m=middle / 1e6, ki=middle / 1024)
    result = run("--target-bytes", size, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["target"]["bytes"] == pytest.approx(middle, abs=1)
    assert 0.97 * middle < report["bytes"] == report["reached"] == Path("cup.isth").stat().st_size <= middle


def test_the_line_for_people() -> None:
    shown = run("--target-psnr", "20").stdout
    assert ", quality " in shown
    assert " encodes" in shown


def test_what_cannot_be_reached_writes_nothing() -> None:
    result = run("--target-bytes", "60")
    assert result.exit_code == 1
    assert "at most 60 bytes" in result.stderr
    assert not Path("cup.isth").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--target-bytes", "5x"], "number of bytes"),
        (["--target-bytes", "0"], "positive"),
        (["--target-psnr", "nan"], "expected a number, got nan"),
        (["--target-psnr", "30", "--target-bpp", "1"], "one target"),
        (["--target-psnr", "30", "-q", "50"], "exclude each other"),
    ],
)
def test_usage_errors(args: list[str], message: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert message in result.stderr
