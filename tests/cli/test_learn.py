"""isthmus learn from the shell: every verb does its work, and mistakes are told in words."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn import datasets
from sklearn.utils import Bunch

from isthmus.autoencoder import Compressor
from isthmus.cli import main

QUICK = ["-q", "--epochs", "2", "--hidden", "16", "--code-size", "4"]


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["learn", *map(str, words)])


def run(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module", autouse=True)
def few_digits() -> Iterator[None]:
    """A fifth of them, 72 for testing: the guide and the course take all."""
    every = datasets.load_digits()
    some = Bunch(images=every.images[:360], target=every.target[:360])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load_digits", lambda: some)
        yield


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learn") / "learned"
    output = run(*QUICK, "-o", folder)
    assert f"report: {folder / 'report.html'}" in output
    assert "dense 64-16-4-16-64" in output
    return folder


@pytest.mark.parametrize("verb", ["reconstructions", "losses", "features", "codes", "walk", "samples"])
def test_every_plot_has_a_verb_that_draws_what_the_study_drew(verb: str, learned: Path, tmp_path: Path) -> None:
    output = run(verb, learned, "-o", tmp_path / "new" / "plot.png")
    assert "wrote" in output
    found, wanted = Image.open(tmp_path / "new" / "plot.png"), Image.open(learned / f"{verb}.png")
    assert_array_equal(np.asarray(found), np.asarray(wanted))


def test_compress_and_expand(learned: Path, tmp_path: Path) -> None:
    codes, array, folder = tmp_path / "a.codes", tmp_path / "a.npy", f"{tmp_path}/pictures/"
    assert "72 samples, 4608 to" in run("compress", learned, "-o", codes)
    assert codes.read_bytes() == (learned / "test.codes").read_bytes()
    run("expand", learned / "model.safetensors", codes, "-o", array)
    run("expand", learned, codes, "-o", folder)
    expected = Compressor.load(learned / "model.safetensors").expand_file(codes)
    assert_array_equal(np.load(array), expected)
    files = sorted(Path(folder).iterdir())
    assert len(files) == 72
    assert_array_equal(np.asarray(Image.open(files[7])), expected[7])


def test_curve_prints_and_draws(tmp_path: Path) -> None:
    output = run("curve", *QUICK, "--code-sizes", "2,4", "-o", tmp_path / "curve.png")
    assert "code 2, step" in output
    assert "JPEG" in output
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 400


def test_anomalies_prints_a_row_for_each_class() -> None:
    lines = run("anomalies", *QUICK, "--normal", "0,3").splitlines()
    assert [line.split()[0] for line in lines] == ["normal", "0", "3", "mean"]


def test_denoise_prints_three_figures() -> None:
    output = run("denoise", *QUICK, "--kind", "denoising", "--deviation", 40)
    assert [line.split(":")[0] for line in output.splitlines()] == ["noisy", "median filter", "autoencoder"]


def test_settings_reach_the_estimator(tmp_path: Path) -> None:
    run(
        "-q", "--kind", "dense", "--code-size", 3, "--hidden", "9,7", "--activation", "tanh,elu,silu,gelu",
        "--code-activation", "tanh", "--scaling", "standard", "--optimizer", "sgd", "--learning-rate", "0.02",
        "--momentum", "0.5", "--weight-decay", "0.001", "--schedule", "cosine", "--batch-size", "full", "--epochs", 4,
        "--max-steps", 3, "--stop-loss", "0.0001", "--noise", "0.1", "--augmentation", "shift", "--seed", 5,
        "--threads", 1, "--step", 20, "-o", tmp_path,
    )  # fmt: skip
    settings = Compressor.load(tmp_path / "model.safetensors").model.get_params()
    expected = {
        "kind": "dense", "code_size": 3, "hidden": [9, 7], "activation": ["tanh", "elu", "silu", "gelu"],
        "code_activation": "tanh", "scaling": "standard", "optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.5,
        "weight_decay": 0.001, "schedule": "cosine", "batch_size": None, "epochs": 4, "max_steps": 3,
        "stop_loss": 0.0001, "noise": 0.1, "augmentation": ["shift"], "random_state": 5, "threads": 1, "verbose": False,
    }  # fmt: skip
    assert {name: settings[name] for name in expected} == expected


def test_progress_is_shown_unless_quiet() -> None:
    words = ["denoise", "--epochs", "2", "--hidden", "4"]
    assert "dense 16: 100%" in call(*words).stderr
    assert call(*words, "-q").stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--data", "cifar"], 1, "no data at cifar"),
        (["--data", "digits", "--download"], 1, "nothing to download"),
        (["--kind", "linear", "--hidden", "4"], 1, "no hidden layers"),
        (["--batch-size", "none"], 2, "not a valid integer"),
        (["--hidden", "4,x"], 2, "whole numbers with commas"),
        (["losses", "nowhere"], 2, "does not exist"),
        (["anomalies", "--normal", "12", "--epochs", "1"], 1, "class 12 cannot be told"),
    ],
)
def test_mistakes_are_told_in_words(words: list[str], code: int, message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["learn", *words])
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_damaged_file_of_codes_is_an_error(learned: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.codes").write_bytes((learned / "test.codes").read_bytes()[:-7])
    result = call("expand", learned, tmp_path / "bad.codes", "-o", tmp_path / "out.npy")
    assert result.exit_code == 1
    assert "ends too early" in result.output
    assert not (tmp_path / "out.npy").exists()


def test_a_walk_to_a_sample_that_is_not_there_is_refused(learned: Path, tmp_path: Path) -> None:
    result = call("walk", learned, "--to", 400, "-o", tmp_path / "walk.png")
    assert result.exit_code == 1
    assert "expected 0 to 71, got 400" in result.output


def test_help_needs_no_pytorch_and_its_absence_is_told(tmp_path: Path) -> None:
    blocked = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
        "sys.modules['torch'] = None\n"
        "from isthmus.cli import main\n"
        "main(sys.argv[1:])\n"
    )

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", blocked, "learn", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert python("--help").returncode == 0
    failed = python("check")
    assert failed.returncode == 1
    assert 'needs torch. Install it: pip install "isthmus[learn]"' in failed.stderr


def test_nothing_is_overwritten_unasked(learned: Path, tmp_path: Path) -> None:
    before = (learned / "model.safetensors").read_bytes()
    refused = call(*QUICK, "--seed", 3, "-o", learned)
    assert refused.exit_code == 1
    assert "exists already" in refused.stderr
    assert (learned / "model.safetensors").read_bytes() == before
    plot = tmp_path / "losses.png"
    plot.write_text("mine")
    assert call("losses", learned, "-o", plot).exit_code == 1
    assert plot.read_text() == "mine"
    run("losses", learned, "-o", plot, "--force")
    assert plot.read_bytes().startswith(b"\x89PNG")
    codes = learned / "test.codes"
    assert call("expand", learned, codes, "-o", plot).exit_code == 1
