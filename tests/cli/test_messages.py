"""Messages: their form and colour, errors of the system in words, arguments that are empty."""

import errno
from pathlib import Path

import pytest
from click.testing import CliRunner

from isthmus.cli import COMMANDS, main
from isthmus.cli.messages import errors_told
from isthmus.errors import InputError


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_errors_are_marked(terminal: bool, no_color: str, coloured: bool) -> None:
    result = CliRunner().invoke(main, ["info", "absent.isth"], color=terminal, env={"NO_COLOR": no_color})
    assert result.exit_code == 1
    assert ("\x1b[" in result.stderr) == coloured
    assert "isthmus:" in result.stderr


@pytest.mark.parametrize("args", [["--nonsense"], ["encode"], ["encode", "--quality", "200", "a.png"], ["train", "."]])
def test_wrong_command_lines_have_the_prefix_of_all_messages(args: list[str]) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert result.stderr.splitlines()[-1].startswith("isthmus: ") or "\nisthmus: " in result.stderr
    assert "Error:" not in result.stderr


def test_errors_of_every_command_have_the_same_prefix() -> None:
    result = CliRunner().invoke(main, ["models", "remove", "nobody"])
    assert result.exit_code == 1
    assert result.stderr.startswith("isthmus: ")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("a value", expected=1, got=2), "isthmus: holiday: a value: expected 1, got 2\n"),
        (InputError("holiday cannot be opened"), "isthmus: holiday cannot be opened\n"),
        (PermissionError(errno.EACCES, "Permission denied", "there.html"), "isthmus: there.html: Permission denied\n"),
        (OSError("Timed out trying to connect"), "isthmus: Timed out trying to connect\n"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "isthmus: Connection refused\n"),
    ],
)
def test_errors_are_told_in_words(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, errors_told(about="holiday"):
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err == said


def test_whoever_guards_standard_output_tells_that_it_is_full(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="No space left"), errors_told():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("verb", COMMANDS)
def test_an_empty_argument_is_no_name_of_the_current_folder(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words, which in (([""], "argument 2"), (["-o", ""], "argument 3"), (["--output="], "--output")):
        result = CliRunner().invoke(main, [verb, *words])
        assert result.exit_code == 2
        assert f"isthmus: {which} is empty: expected a name or a value." in result.stderr
    assert not list(tmp_path.iterdir())
