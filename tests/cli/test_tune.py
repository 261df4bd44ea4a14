"""--tune on the command line: files, folders, targets, info, compare, and what has no such dial."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bench.helpers import isthmus_double
from isthmus.bench.codec import Own, Weights
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.image.files import open_picture
from isthmus.tune import Tune
from pictures import photo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photo(40, 30).save("a.png")


def run(*args: str | Path, own: Own | None = None) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args], obj=own)


def tune_of(path: str) -> float:
    found = json.loads(run("info", "--json", path).stdout)["tune"]
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize(("word", "place"), [("psnr", 0), ("eye", 1), ("0.3", 0.3), ("1", 1)])
def test_a_file(tuned_model: Path, word: str, place: float) -> None:
    encoded = run("encode", "a.png", "--model", tuned_model, "--tune", word, "--json")
    assert encoded.exit_code == 0, encoded.output
    assert json.loads(encoded.stdout)["tune"] == place
    assert tune_of("a.isth") == place
    assert f"quality 50, tune {Tune.of(place).text}\n" in run("info", "a.isth").stdout
    expected = Codec(tuned_model).encode(open_picture(Path("a.png")), tune=place)
    assert Path("a.isth").read_bytes() == expected


def test_a_file_to_a_target(tuned_model: Path) -> None:
    words = ("encode", "a.png", "--model", tuned_model, "--target-bytes", "500", "--json")
    assert json.loads(run(*words).stdout)["tune"] == 1
    assert json.loads(run(*words, "--tune", "0.5", "-f").stdout)["tune"] == 0.5
    assert tune_of("a.isth") == 0.5


def test_a_folder(tmp_path: Path, tuned_model: Path, request: pytest.FixtureRequest) -> None:
    Path("in").mkdir()
    photo(30, 40).save("in/b.png")
    # Whole addresses: a process opens each once.
    words = ("encode", tmp_path / "in", "-o", tmp_path / "out", "--workers", "1", "--model", tuned_model)
    assert run(*words, "--tune", "psnr").exit_code == 0
    assert tune_of("out/b.isth") == 0
    request.getfixturevalue("folders_in_threads")
    assert "1 whole already" in run(*words, "--tune", "0").stdout
    other = run(*words, "--dry-run")
    assert other.exit_code == 1
    assert "expected quality 50 and tune eye of model" in other.stderr
    assert run(*words, "--tune", "eye", "--force").exit_code == 0
    assert tune_of("out/b.isth") == 1


@pytest.mark.parametrize("word", ["sharp", "2", "-0.5", "nan"])
def test_a_word_that_is_none(tuned_model: Path, word: str) -> None:
    result = run("encode", "a.png", "--model", tuned_model, f"--tune={word}")
    assert result.exit_code == 2
    # As one line, however the terminal folds it.
    assert "expected psnr or eye, or a number from 0 to 1" in " ".join(result.stderr.split())
    assert not Path("a.isth").exists()


@pytest.mark.usefixtures("no_tune")
@pytest.mark.parametrize(
    "words",
    [
        ("encode", "a.png"),
        ("encode", "a.png", "--model", "fast", "--target-bytes", "500"),
        ("encode", ".", "-o", "../out"),
        ("compare", "a.png", "--codecs", "jpeg"),
    ],
    ids=["file", "target", "folder", "compare"],
)
def test_weights_without_the_dial_are_refused_before_anything_is_begun(words: tuple[str, ...]) -> None:
    result = run(*words, "--tune", "eye")
    assert result.exit_code == 2, result.output
    assert "has no second dial, the tune" in result.stderr
    assert [path.name for path in Path().iterdir()] == ["a.png"]
    assert not Path("../out").exists()


@pytest.mark.usefixtures("lossless_coder")
def test_without_the_dial_nothing_is_said_of_it() -> None:
    encoded = run("encode", "a.png", "--json")
    assert "tune" not in encoded.stdout
    assert json.loads(run("info", "--json", "a.isth").stdout)["tune"] is None
    assert "tune" not in run("info", "a.isth").stdout


def test_compare(tuned_model: Path) -> None:
    asked: list[Weights] = []

    def own(weights: Weights, name: str) -> object:
        asked.append(weights)
        return isthmus_double("webp", name)

    double = Own(own, lambda weights, picture, quality: np.ones((2, 3), np.float32))
    Image.fromarray(np.asarray(photo(200, 180))).save("b.png")
    words = ("compare", "b.png", "--codecs", "jpeg", "--model", tuned_model)
    assert run(*words, "--tune", "0.5", own=double).exit_code == 0
    assert run(*words, "-f", own=double).exit_code == 0
    assert [weights.asked.tune for weights in asked] == [Tune(50), None]
