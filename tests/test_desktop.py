"""What is installed for a desktop: read as desktops read it, run as they run it, and removed."""

import configparser
import os
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from PIL import Image

import isthmus
from isthmus import desktop
from isthmus.cli import main
from isthmus.errors import InputError
from pictures import photo

SPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a user, on a system whose index of media types is made by a script that notes its calls."""
    folder = tmp_path / "of a user"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    updater(tmp_path, 'echo "$@" >> "$(dirname "$0")/calls"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return folder


def updater(folder: Path, line: str) -> None:
    program = folder / desktop.UPDATER
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["integrate", *args])


def files(data: Path) -> list[str]:
    return sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())


class KeyFile(configparser.RawConfigParser):
    """Keys as they are written."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def thumbnailer(data: Path) -> configparser.SectionProxy:
    parser = KeyFile(delimiters="=")
    parser.read(data / "thumbnailers/isthmus.thumbnailer")
    return parser["Thumbnailer Entry"]


def test_installed_twice_and_removed(data: Path, tmp_path: Path) -> None:
    for _ in range(2):
        result = run("--user")
        assert result.exit_code == 0, result.output
        assert files(data) == ["mime/packages/isthmus.xml", "thumbnailers/isthmus.thumbnailer"]
        assert all(str(data / name) in result.stdout for name in files(data))
    (data / "thumbnailers/other.thumbnailer").write_text("of somebody else")
    assert run("--user", "--remove").exit_code == 0
    assert files(data) == ["thumbnailers/other.thumbnailer"]
    assert (tmp_path / "calls").read_text() == f"{data / 'mime'}\n" * 3
    assert "nothing was installed" in run("--user", "--remove").stdout


def test_the_media_type(data: Path) -> None:
    assert run("--user").exit_code == 0
    kind = ElementTree.parse(data / "mime/packages/isthmus.xml").getroot().find(f"{SPACE}mime-type")
    assert kind is not None
    assert kind.attrib["type"] == thumbnailer(data)["MimeType"].rstrip(";")
    glob, match = kind.find(f"{SPACE}glob"), kind.find(f"{SPACE}magic/{SPACE}match")
    assert glob is not None
    assert match is not None
    assert glob.attrib["pattern"] == "*.isth"
    beginning = match.attrib["value"].encode().decode("unicode_escape").encode("latin-1")
    assert isthmus.encode(photo(20, 20)).startswith(beginning)
    assert len(beginning) == 8


def test_the_command_does_what_it_says(data: Path, tmp_path: Path) -> None:
    assert run("--user").exit_code == 0
    entry = thumbnailer(data)
    assert os.access(entry["TryExec"], os.X_OK)
    source = tmp_path / "a photo.isth"
    source.write_bytes(isthmus.encode(photo(300, 200)))
    values = {"%i": str(source), "%o": str(tmp_path / "small.png"), "%s": "128"}
    words = [values.get(word, word) for word in shlex.split(entry["Exec"])]
    # A folder that is looked at must not get to say what is imported.
    (tmp_path / "isthmus.py").write_text("raise SystemExit(3)")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "small.png") as image:
        assert (image.format, image.size) == ("PNG", (128, 85))


def test_paths_are_escaped(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/a b/100 %/back\\slash/python")
    assert run("--user").exit_code == 0
    entry = {key: value.replace("\\\\", "\\") for key, value in thumbnailer(data).items()}
    assert entry["TryExec"] == sys.executable
    assert shlex.split(entry["Exec"])[0] == sys.executable.replace("%", "%%")


def test_nobody_is_guessed() -> None:
    result = run()
    assert result.exit_code == 2
    assert "--user" in result.stderr


def test_without_the_program_it_is_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("--user")
    assert result.exit_code == 1
    assert "Install shared-mime-info, then run: update-mime-database" in result.stderr
    assert len(files(data)) == 2


def test_if_the_program_fails_it_is_said(data: Path, tmp_path: Path) -> None:
    updater(tmp_path, "echo no room >&2; exit 1")
    result = run("--user")
    assert result.exit_code == 1
    assert "no room" in result.stderr


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_desktops_are_refused(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(InputError, match=system):
        desktop.user_data_folder()
