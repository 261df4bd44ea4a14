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
