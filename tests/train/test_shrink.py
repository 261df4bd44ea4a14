"""A tuned model, kept as what tuning changed."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from isthmus import model as model_module
from isthmus.bench.metrics import measure
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.errors import InputError
from isthmus.model import install_model, load_model
from isthmus.train.run import train
from isthmus.train.shrink import shrink_model
from tiny_training import Trained, tiny_request


@pytest.fixture(autouse=True)
def installed(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model that is tuned, installed for this test alone."""
    monkeypatch.setattr(model_module, "models_folder", lambda: tmp_path / "models")
    install_model(trained.output)


@pytest.fixture(scope="module")
def tuned(trained: Trained, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("tuned") / "tuned.isthmodel"
    assert train(tiny_request(folder, output, origin=str(trained.output), steps=20), [].append).finished
    return output


def shrink(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["models", "shrink", *arguments])
    return f"{result.output}[{result.exit_code}]"


def test_the_file_is_small_and_codes_alike(tuned: Path, photo: np.ndarray, tmp_path: Path) -> None:
    small = tmp_path / "small.isthmodel"
    assert f"{small}: " in shrink(str(tuned), "-o", str(small))
    assert small.stat().st_size < tuned.stat().st_size / 2
    first, second = Codec(model=tuned), Codec(model=small)
    before, after = first.encode(photo), second.encode(photo)
    assert len(after) == pytest.approx(len(before), rel=0.02)
    quality = [measure(photo, picture, ["psnr"])["psnr"] for picture in (first.decode(before), second.decode(after))]
    assert quality[1] == pytest.approx(quality[0], abs=0.1)
    assert load_model(small).name == "small"
    assert load_model(small).metadata["training"] == load_model(tuned).metadata["training"]


def test_coarser_is_smaller(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    sizes = []
    for coarseness in (0.5, 1, 4):
        path = tmp_path / f"{coarseness}.isthmodel"
        shrink_model(load_model(tuned), trained.model, path, coarseness)
        sizes.append(path.stat().st_size)
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_an_error_in_a_weight_is_half_a_step(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "small.isthmodel"
    shrink_model(load_model(tuned), trained.model, path)
    want, found, base = load_model(tuned).arrays, load_model(path).arrays, trained.model.arrays
    moved = 0
    for name, step in {part[0]: part[4] for part in load_model(path).metadata["parts"] if part[1] == "int16"}.items():
        assert np.abs(found[name].astype(int) - want[name]).max() <= step / 2
        moved += int((found[name] != base[name]).sum())
    assert moved > 100
    assert np.array_equal(found["tables"], want["tables"])


def test_what_cannot_be_shrunk(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    small = tmp_path / "small.isthmodel"
    assert "is no tuned best" in shrink(str(tuned), "-o", str(small), "--from", "best")
    assert "the weights of tiny themselves" in shrink(
        str(trained.output), "-o", str(small), "--from", str(trained.output)
    )
    assert "does not say what it was tuned from" in shrink(str(trained.output), "-o", str(small))
    assert not small.exists()
    small.write_bytes(b"precious")
    assert "--force" in shrink(str(tuned), "-o", str(small))
    assert small.read_bytes() == b"precious"
    with pytest.raises(InputError, match="is no tuned"):
        shrink_model(trained.model, model_module.release_model(), small)
