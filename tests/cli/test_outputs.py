"""The output of each input."""

from pathlib import Path

import click
import pytest

from isthmus.cli.outputs import outputs_for, refuse_other_formats


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file.isth").touch()


@pytest.mark.parametrize(
    ("inputs", "output", "found"),
    [
        (("a.png",), None, {"a.png": "a.isth"}),
        (("in/a.png", "b.jpg"), None, {"in/a.png": "in/a.isth", "b.jpg": "b.isth"}),
        (("a.png",), "other", {"a.png": "other.isth"}),
        (("a.png",), "/dev/null", {"a.png": "/dev/null"}),
        (("a.png",), "folder", {"a.png": "folder/a.isth"}),
        (("a.png",), "new/", {"a.png": "new/a.isth"}),
        (("in/a.png", "b.png"), "new", {"in/a.png": "new/a.isth", "b.png": "new/b.isth"}),
        (("-",), None, {"-": "-"}),
        (("-",), "folder", {"-": "folder/stdin.isth"}),
        (("a.png",), "-", {"a.png": "-"}),
    ],
)
def test_names(inputs: tuple[str, ...], output: str | None, found: dict[str, str]) -> None:
    assert outputs_for(inputs, output, lambda name: ".isth") == found


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (("a.png", "-"), None, "- is standard input or output"),
        (("a.png", "b.png"), "-", "- is standard input or output"),
        (("a.png",), "s3://there/a.isth", "is an address: only the output of a folder"),
        (("a.png", "b.png"), "file.isth", "file.isth is a file"),
        (("a.png", "b.png"), "new.isth", "new.isth/ makes it a folder"),
        (("a.png", "in/a.jpg"), "new", "a.png and in/a.jpg would both be written to new/a.isth"),
        (("file.isth",), None, r"would overwrite itself; choose another -o\.$"),
        (("./file.isth",), "file.isth", "would overwrite itself"),
    ],
)
def test_what_cannot_be_meant_is_refused(inputs: tuple[str, ...], output: str | None, message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        outputs_for(inputs, output, lambda name: ".isth")


def test_pictures_given_to_decode_are_asked_about() -> None:
    with pytest.raises(click.UsageError, match=r"is a\.png an \.isth file\?"):
        outputs_for(("a.png",), None, lambda name: ".png")


@pytest.mark.parametrize("name", ["a.png", "deep/a.JPG", "a.webp"])
def test_encoded_files_get_no_name_of_a_picture(name: str) -> None:
    refuse_other_formats(["a.isth", "a.ISTH", "a", "a.backup", "-"])
    with pytest.raises(click.UsageError, match="is another format"):
        refuse_other_formats(["a.isth", name])
