"""Which models are installed: those of the package, and those that a person added."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from skimage import data

import isthmus
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.errors import ModelError, UnknownModelError
from isthmus.model import file as model_module
from isthmus.model.file import (
    DEFAULT,
    RELEASES,
    Model,
    find_model,
    install_model,
    installed_models,
    load_model,
    model_named,
    models_folder,
    release_model,
    remove_model,
    save_model,
)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's models, apart from the real ones."""
    folder = tmp_path / "user" / "models"
    monkeypatch.setattr(model_module, "models_folder", lambda: folder)
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A model file that is not the package's: the same weights under another name."""
    release = release_model()
    path = tmp_path / "other.isthmodel"
    save_model(path, release.arrays, {**release.metadata, "name": "other"})
    return path


def test_the_table_of_releases_is_true() -> None:
    assert release_model().name == release_model("release").name == DEFAULT
    for identity, name in RELEASES.items():
        assert find_model(bytes.fromhex(identity)).name == name


def test_saving_is_deterministic(other: Path, tmp_path: Path) -> None:
    model = load_model(other)
    save_model(tmp_path / "again.isthmodel", model.arrays, model.metadata)
    assert (tmp_path / "again.isthmodel").read_bytes() == other.read_bytes()


def test_an_added_model_decodes_its_files(own_folder: Path, other: Path) -> None:
    written = Codec(model=other).encode(data.astronaut()[:40, :50])
    identity = load_model(other).id
    with pytest.raises(UnknownModelError, match=identity.hex()):
        Codec().decode(written)
    with pytest.raises(UnknownModelError, match=f"another model than the one given.*{identity.hex()}.*got fast"):
        Codec(model="fast").decode(written)
    picture = isthmus.decode(written, model=other)
    assert np.array_equal(isthmus.decode_image(written, model=other), picture)
    assert isthmus.verify(written, model=other).width == 50
    assert install_model(other).id == identity
    other.unlink()
    assert Codec().decode(written).shape == (40, 50, 3)
    assert find_model(identity).name == release_model("other").name == "other"
    assert release_model(identity.hex()).id == identity


def test_adding_twice_changes_nothing(own_folder: Path, other: Path) -> None:
    first = install_model(other)
    assert install_model(other) == first
    assert len(list(own_folder.glob("*.isthmodel"))) == 1
    assert [found.name for found in installed_models()] == [*RELEASES.values(), "other"]


def test_adding_the_packages_own_model_copies_nothing(own_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "release.isthmodel"
    path.write_bytes(model_module._packaged_bytes(release_model().id.hex()))
    assert install_model(path).origin == "in the package"
    assert not own_folder.exists()


def test_origin_and_record_are_listed(own_folder: Path, other: Path) -> None:
    install_model(other)
    *packaged, added = installed_models()
    assert {model.origin for model in packaged} == {"in the package"}
    assert str(other) in added.origin
    assert added.bytes == other.stat().st_size
    assert json.loads(json.dumps(added.as_dict()))["id"] == added.id.hex()


def test_a_changed_file_is_not_used(own_folder: Path, other: Path) -> None:
    identity = install_model(other).id
    path = own_folder / f"{identity.hex()}.isthmodel"
    release = release_model()
    save_model(path, release.arrays, {**release.metadata, "name": "changed"})
    model_module._added.cache_clear()
    with pytest.raises(ModelError, match="has changed"):
        find_model(identity)


def test_a_model_that_cannot_be_used_hinders_no_other(own_folder: Path, other: Path, tmp_path: Path) -> None:
    identity = install_model(other).id
    whole = other.read_bytes()
    (own_folder / f"{identity.hex()}.isthmodel").write_bytes(whole[:-1])
    model_module._added.cache_clear()
    *packaged, broken = installed_models()
    assert [model.error for model in packaged] == [None] * len(RELEASES)
    assert "is not a model file, or is cut off" in str(broken.error)
    assert "cannot be used" in CliRunner().invoke(main, ["models"]).output
    with pytest.raises(UnknownModelError, match="no model named 'other'"):
        release_model("other")
    assert install_model(other).error is None
    assert release_model("other").id == identity
    (own_folder / f"{identity.hex()}.isthmodel").write_bytes(b"")
    model_module._added.cache_clear()
    assert remove_model(identity.hex()) == identity.hex()


def test_a_model_file_without_its_checksum_is_damaged(other: Path) -> None:
    data = other.read_bytes()
    assert data.count(b"sha256") == 1
    with pytest.raises(ModelError, match="is damaged"):
        model_module.parse_model(data.replace(b"sha256", b"sha257"))


def test_any_damage_to_a_model_file_is_noticed(other: Path, rng: np.random.Generator) -> None:
    whole = other.read_bytes()
    for at in [9, 100, 3000, *rng.integers(0, len(whole), 12)]:
        data = bytearray(whole)
        data[at] ^= 1
        with pytest.raises(ModelError):
            model_module.parse_model(bytes(data))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda model: model.arrays | {"context.dc.0.second.bias": np.zeros((), np.int32)}, "inconsistent"),
        (lambda model: model.arrays | {"compand": np.maximum(model.arrays["compand"], 1)}, "0 first, and within"),
    ],
)
def test_arrays_that_no_decoder_can_take_are_refused(
    change: Callable[[Model], dict[str, Any]], match: str, tmp_path: Path
) -> None:
    old = release_model()
    with pytest.raises(ModelError, match=match):
        save_model(tmp_path / "crafted.isthmodel", change(old), old.metadata)


def test_the_first_group_is_that_of_the_dc_coefficients(tmp_path: Path) -> None:
    old = release_model()
    with pytest.raises(ModelError, match="lacks its shape"):
        save_model(tmp_path / "crafted.isthmodel", old.arrays, old.metadata | {"groups": [4, 12, 48, 112, 208]})


def test_removing(own_folder: Path, other: Path) -> None:
    identity = install_model(other).id
    assert remove_model(identity.hex()) == identity.hex()
    assert list(own_folder.iterdir()) == []
    with pytest.raises(UnknownModelError, match=identity.hex()):
        find_model(identity)
    with pytest.raises(UnknownModelError, match="no added model"):
        remove_model(identity.hex())
    install_model(other)
    assert remove_model("other") == identity.hex()
    with pytest.raises(UnknownModelError, match=r"none was added.*Those of the package stay"):
        remove_model("best")


def test_names_that_are_none_or_several(own_folder: Path, other: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"no model named 'other'.*best"):
        release_model("other")
    model = load_model(other)
    twin = tmp_path / "twin.isthmodel"
    save_model(twin, model.arrays, {**model.metadata, "twin": True})
    install_model(other)
    install_model(twin)
    with pytest.raises(UnknownModelError, match="2 models named 'other'"):
        release_model("other")


def test_the_packages_names_come_before_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fast").write_bytes(b"no model")
    assert model_named("fast") is release_model("fast")
    assert model_named(release_model("fast").id.hex()) is release_model("fast")
    with pytest.raises(ModelError, match="not a model file"):
        model_named("./fast")
    with pytest.raises(FileNotFoundError):
        model_named("typo.isthmodel")


def test_a_file_is_read_again_only_when_it_changes(other: Path) -> None:
    first = model_named(other)
    assert model_named(str(other)) is first
    save_model(other, first.arrays, {**first.metadata, "name": "changed"})
    assert model_named(other).name == "changed"


def test_no_model_file_is_no_model(own_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.isthmodel"
    path.write_bytes(b"\x10\0\0\0\0\0\0\0" + bytes(16))
    with pytest.raises(ModelError, match="not a model file"):
        install_model(path)
    assert not own_folder.exists()


def test_where_added_models_lie() -> None:
    assert models_folder().parts[-2:] == ("isthmus", "models")


def test_the_command(own_folder: Path, other: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    added = runner.invoke(main, ["models", "add", str(other)])
    assert added.exit_code == 0, added.output
    listed = runner.invoke(main, ["models"])
    assert [line.split()[1] for line in listed.output.splitlines()] == [*RELEASES.values(), "other"]
    as_json = [json.loads(line) for line in runner.invoke(main, ["models", "--json"]).output.splitlines()]
    assert [record["name"] for record in as_json] == [*RELEASES.values(), "other"]
    shown = runner.invoke(main, ["models", "show", "other"])
    assert shown.output.splitlines()[0] == listed.output.splitlines()[-1]
    assert runner.invoke(main, ["models", "remove", as_json[-1]["id"]]).exit_code == 0
    failed = runner.invoke(main, ["models", "remove", as_json[-1]["id"]])
    assert failed.exit_code == 1
    assert "no added model" in failed.output
    (tmp_path / "bad.isthmodel").write_bytes(b"no")
    assert "not a model file" in runner.invoke(main, ["models", "add", str(tmp_path / "bad.isthmodel")]).output


def test_show_describes_any_model(own_folder: Path, other: Path) -> None:
    runner = CliRunner()
    training = release_model().metadata["training"]
    output = runner.invoke(main, ["models", "show", str(other)]).output
    assert f"{other}, not installed" in output
    for value in (f"{training['steps']:,}", training["data"], training["from"]):
        assert value in output
    quality, bpp, psnr = training["held_out_points"][-1]
    assert f"quality {quality:3}: {bpp:.3f} bits per pixel, {psnr:.2f} dB" in output
    assert f"in {len(training['stages'])} stages since the first weights" in output
    assert training["stages"][-1]["note"] in output
    record = json.loads(runner.invoke(main, ["models", "show", "best", "--json"]).output)
    assert record["id"] == release_model().id.hex()
    assert record["training"] == training
    assert runner.invoke(main, ["models", "show", "nonesuch"]).exit_code == 1


@pytest.mark.parametrize(
    "training",
    [
        None,
        "long",
        {"held_out_points": 3, "stages": ["first"]},
        {"held_out_points": [[50, 0.5], [50, "?", 30.0], [50, 0.25, 33.0]], "stages": [{}]},
    ],
)
def test_show_takes_any_record(own_folder: Path, other: Path, tmp_path: Path, training: object) -> None:
    model = load_model(other)
    path = tmp_path / "strange.isthmodel"
    save_model(path, model.arrays, {**model.metadata, "training": training})
    shown = CliRunner().invoke(main, ["models", "show", str(path)])
    assert shown.exit_code == 0, shown.exception
    assert ("0.250 bits per pixel, 33.00 dB" in shown.output) == ("33.0" in str(training))


def test_show_says_why_a_model_cannot_be_used(own_folder: Path, other: Path) -> None:
    identity = install_model(other).id.hex()
    (own_folder / f"{identity}.isthmodel").write_bytes(b"no")
    shown = CliRunner().invoke(main, ["models", "show", identity])
    assert shown.exit_code == 0
    assert "cannot be used" in shown.output


def test_info_sends_on_to_show(other: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["info", str(other)])
    assert result.exit_code == 1
    assert "`isthmus models show` describes it" in result.output
    missing = CliRunner().invoke(main, ["info", str(tmp_path / "none.isthmodel")])
    assert "No such file" in missing.output
