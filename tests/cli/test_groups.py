"""Help: every command says in whole sentences what it does."""

import click
import pytest
from click.testing import CliRunner

from isthmus.cli import COMMANDS, main
from isthmus.cli.learn import learn
from isthmus.cli.models import models


def groups() -> list[tuple[list[str], click.Group]]:
    return [([], main), (["models"], models), (["learn"], learn)]


@pytest.mark.parametrize(("words", "group"), groups(), ids=["isthmus", "models", "learn"])
def test_no_sentence_is_cut_off(words: list[str], group: click.Group) -> None:
    for columns in ("80", "200"):
        shown = CliRunner().invoke(main, [*words, "--help"], env={"COLUMNS": columns}).output
        listed = shown.split("Commands:")[1]
        assert "..." not in listed
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            assert command.help
            sentence = " ".join(command.help.split("\n\n")[0].split()).split(". ")[0].removesuffix(".")
            assert sentence in " ".join(listed.split())


def test_every_group_is_looked_at() -> None:
    found = [name for name in COMMANDS if isinstance(main.get_command(click.Context(main), name), click.Group)]
    assert sorted(found) == ["learn", "models"]
