"""A tuned model, kept as what tuning changed."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from isthmus.bench.metrics import measure
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.coding.formats import BYTES
from isthmus.errors import InputError
from isthmus.model import registry
from isthmus.model.delta import Part
from isthmus.model.file import save_model
from isthmus.model.registry import load_model, releases
from isthmus.train.delta import can_write_delta, write_delta
from isthmus.train.run import train
from tiny_training import Trained, tiny_request


@pytest.fixture(autouse=True)
def packaged(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model that is tuned travels with the package, for this test alone."""
    of_package = registry.packaged_bytes
    identity = trained.model.id.hex()
    monkeypatch.setitem(releases(), identity, "tiny")
    monkeypatch.setattr(
        registry,
        "packaged_bytes",
        lambda wanted: trained.output.read_bytes() if wanted == identity else of_package(wanted),
    )


@pytest.fixture(scope="module")
def tuned(trained: Trained, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("tuned") / "tuned.isthmodel"
    assert train(tiny_request(folder, output, origin=str(trained.output), steps=20), [].append).finished
    return output


def test_only_what_was_tuned_can_be_shrunk(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    model = load_model(tuned)
    assert can_write_delta(model)
    assert not can_write_delta(trained.model)
    origin = {"training": {"from": f"tiny {trained.model.id.hex()}"}}
    same = save_model(tmp_path / "same.isthmodel", trained.model.arrays, {**trained.model.metadata, **origin})
    assert not can_write_delta(same)
    wider = {**model.arrays, "steps.eye": model.arrays["steps.eye"] + 1}
    assert not can_write_delta(save_model(tmp_path / "other.isthmodel", wider, model.metadata))


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
    assert (
        "on the pictures held out, before it was shrunk:"
        in CliRunner().invoke(main, ["models", "show", str(small)]).output
    )
    assert load_model(small).metadata["training"] == load_model(tuned).metadata["training"]


def test_coarser_is_smaller(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    sizes = []
    for coarseness in (0.5, 1, 4):
        path = tmp_path / f"{coarseness}.isthmodel"
        small = write_delta(load_model(tuned), trained.model, path, coarseness)
        sizes.append(path.stat().st_size)
        # What was gained before does not speak for coarse steps.
        assert ("gain" in small.training) == (coarseness <= 1)
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_no_weight_is_farther_off_than_half_a_step(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "small.isthmodel"
    write_delta(load_model(tuned), trained.model, path)
    want, found, base = load_model(tuned).arrays, load_model(path).arrays, trained.model.arrays
    moved = dict.fromkeys(found, 0)
    for part in (Part(*values) for values in load_model(path).metadata["parts"]):
        weights = [part.weights(arrays[part.array]).astype(float) for arrays in (base, found, want)]
        # float32 rounds once more.
        slack = 1e-6 * np.abs(weights[2]).max() if part.dtype.startswith("float") else 0
        assert np.abs(weights[1] - weights[2]).max() <= part.step / 2 + slack
        moved[part.array] += int((weights[0] != weights[1]).sum())
    assert moved["trunk.enter.weight"] > 100
    assert moved["grid.leave.weight"] > 100
    assert moved["context.ac.1.0.spatial.weight"] > 100
    assert sum(moved.values()) > 1000
    # Whatever no part covers is as it was tuned.
    for name in found:
        assert moved[name] or np.array_equal(found[name], want[name])


def test_weights_of_bytes_stay_within_their_limit(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    """However coarse the steps: beyond it the model would be refused."""
    path = tmp_path / "coarse.isthmodel"
    write_delta(load_model(tuned), trained.model, path, 64)
    steps = {part.array: part.step for part in (Part(*values) for values in load_model(path).metadata["parts"])}
    assert max(step for name, step in steps.items() if name.endswith("spatial.weight")) > 8
    found, want = load_model(path).arrays, load_model(tuned).arrays
    for name, step in steps.items():
        if name.endswith(".exponent"):
            assert step == 1
            np.testing.assert_array_equal(found[name], want[name])
        elif found[name].dtype == np.int8:
            assert np.abs(found[name].astype(int)).max() <= BYTES.weight_limit


def test_what_cannot_be_shrunk(tuned: Path, trained: Trained, tmp_path: Path) -> None:
    small = tmp_path / "small.isthmodel"
    own = str(trained.output)
    assert "is no tuned best" in shrink(str(tuned), "-o", str(small), "--from", "best")
    assert "the weights of tiny themselves" in shrink(own, "-o", str(small), "--from", own)
    assert "does not say which model it was tuned from" in shrink(own, "-o", str(small))
    assert "is no tuned tiny" in shrink("best", "-o", str(small), "--from", own)
    for coarseness in ("nan", "inf", "0", "-1", "1e9"):
        assert "the coarseness" in shrink(str(tuned), "-o", str(small), "--coarseness", coarseness)
    assert not small.exists()
    small.write_bytes(b"precious")
    assert "--force" in shrink(str(tuned), "-o", str(small))
    assert small.read_bytes() == b"precious"
    for output in (str(tuned), str(tmp_path), "-"):
        assert "the name of another file" in shrink(str(tuned), "-o", output, "-f")
    assert "model " in shrink(str(tuned), "-o", str(small), "-f")
    assert "a delta already" in shrink(str(small), "-o", str(tmp_path / "smaller.isthmodel"))


def test_a_base_that_does_not_travel_with_the_package(
    tuned: Path, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small.isthmodel"
    monkeypatch.delitem(releases(), trained.model.id.hex())
    assert "which does not travel with the package" in shrink(str(tuned), "-o", str(small))
    with pytest.raises(InputError, match="does not travel with the package"):
        write_delta(load_model(tuned), trained.model, small)
    assert not small.exists()
