"""Options that several commands share."""

from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from isthmus.cli.options import CodecOptions, as_one, codec_options, quality_or_default, usage_errors
from isthmus.codec import DEFAULT_QUALITY
from isthmus.errors import InputError
from isthmus.image.limits import Limits


@dataclass(frozen=True, kw_only=True)
class Options(CodecOptions):
    name: str


@click.command()
@click.argument("name")
@codec_options
@as_one(Options)
def command(options: Options) -> None:
    """What it does."""
    click.echo(repr(options))


def test_a_command_gets_its_options_as_one() -> None:
    result = CliRunner().invoke(command, ["a", "--threads", "2", "--model", "fast"])
    assert result.output == f"{Options(name='a', threads=2, model='fast')!r}\n"
    assert "What it does." in CliRunner().invoke(command, ["--help"]).output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "nobody"], "nobody"),
        (["--threads", "0"], "--threads"),
        (["--max-pixels", "0"], "--max-pixels"),
    ],
)
def test_values_that_mean_nothing_are_usage_errors(words: list[str], message: str) -> None:
    result = CliRunner().invoke(command, ["a", *words])
    assert result.exit_code == 2
    assert message in result.output


def test_the_codec_that_is_asked_for() -> None:
    assert CodecOptions().limits() == Limits()
    assert CodecOptions(max_pixels=7).limits() == Limits(max_pixels=7)
    codec = CodecOptions(model="fast", threads=3, max_pixels=7).codec()
    assert (codec.model.name, codec.threads, codec.limits.max_pixels) == ("fast", 3, 7)


def test_a_quality_that_was_not_given_is_the_default() -> None:
    assert quality_or_default(None) == DEFAULT_QUALITY
    assert quality_or_default(0) == 0


def test_errors_of_isthmus_become_usage_errors() -> None:
    with pytest.raises(click.UsageError, match="unknown codec"), usage_errors():
        raise InputError("unknown codec")
