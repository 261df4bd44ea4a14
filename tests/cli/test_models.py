"""`isthmus models`: lists, describes, adds and removes models."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from isthmus.cli import main
from isthmus.model.file import save_model
from isthmus.model.installed import install_model
from isthmus.model.registry import load_model, release_model, releases


def test_the_command(users_models: Path, other_model: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    added = runner.invoke(main, ["models", "add", str(other_model)])
    assert added.exit_code == 0, added.output
    listed = runner.invoke(main, ["models"])
    assert [line.split()[1] for line in listed.output.splitlines()] == [*releases().values(), "other"]
    as_json = [json.loads(line) for line in runner.invoke(main, ["models", "--json"]).output.splitlines()]
    assert [record["name"] for record in as_json] == [*releases().values(), "other"]
    shown = runner.invoke(main, ["models", "show", "other"])
    assert shown.output.splitlines()[0] == listed.output.splitlines()[-1]
    assert runner.invoke(main, ["models", "remove", as_json[-1]["id"]]).exit_code == 0
    failed = runner.invoke(main, ["models", "remove", as_json[-1]["id"]])
    assert failed.exit_code == 1
    assert "no added model" in failed.output
    (tmp_path / "bad.isthmodel").write_bytes(b"no")
    assert "not a model file" in runner.invoke(main, ["models", "add", str(tmp_path / "bad.isthmodel")]).output


def test_show_describes_any_model(users_models: Path, other_model: Path) -> None:
    runner = CliRunner()
    training = release_model().metadata["training"]
    output = runner.invoke(main, ["models", "show", str(other_model)]).output
    assert f"{other_model}, not installed" in output
    for value in (f"{training['steps']:,}", training["from"]):
        assert value in output
    quality, bpp, psnr, *_ = training["held_out_points"][-1]
    assert f"quality {quality:3}: {bpp:.3f} bits per pixel, {psnr:.2f} dB" in output
    assert f"in {len(training['stages'])} stages since the first weights" in output
    assert training["stages"][0]["note"] in output
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
def test_show_takes_any_record(users_models: Path, other_model: Path, tmp_path: Path, training: object) -> None:
    model = load_model(other_model)
    path = tmp_path / "strange.isthmodel"
    save_model(path, model.arrays, {**model.metadata, "training": training})
    shown = CliRunner().invoke(main, ["models", "show", str(path)])
    assert shown.exit_code == 0, shown.exception
    assert ("0.250 bits per pixel, 33.00 dB" in shown.output) == ("33.0" in str(training))


def test_show_says_why_a_model_cannot_be_used(users_models: Path, other_model: Path) -> None:
    identity = install_model(other_model).id.hex()
    (users_models / f"{identity}.isthmodel").write_bytes(b"no")
    shown = CliRunner().invoke(main, ["models", "show", identity])
    assert shown.exit_code == 0
    assert "cannot be used" in shown.output


def test_info_sends_on_to_show(other_model: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["info", str(other_model)])
    assert result.exit_code == 1
    assert "`isthmus models show` describes it" in result.output
    missing = CliRunner().invoke(main, ["info", str(tmp_path / "none.isthmodel")])
    assert "No such file" in missing.output
