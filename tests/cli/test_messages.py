"""Colour on a terminal, and none in a pipe or where NO_COLOR asks for none."""

import pytest
from click.testing import CliRunner

from isthmus.cli import main


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
