"""The command line: a table of commands, each in a file of its own that is loaded when it is called."""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from isthmus.cli.groups import WholeHelpGroup
from isthmus.cli.messages import complain, remark

# name -> (module, function); the module must not import anything heavy before its function runs.
COMMANDS = {
    "encode": ("isthmus.cli.encode", "encode"),
    "decode": ("isthmus.cli.decode", "decode"),
    "info": ("isthmus.cli.info", "info"),
    "verify": ("isthmus.cli.verify", "verify"),
    "thumbnail": ("isthmus.cli.thumbnail", "thumbnail"),
    "integrate": ("isthmus.cli.integrate", "integrate"),
    "demo": ("isthmus.cli.demo", "demo"),
    "compare": ("isthmus.cli.compare", "compare"),
    "train": ("isthmus.cli.train", "train"),
    "models": ("isthmus.cli.models", "models"),
    "learn": ("isthmus.cli.learn", "learn"),
    "serve": ("isthmus.cli.serve", "serve"),
    "page": ("isthmus.cli.page", "page"),
    "completion": ("isthmus.cli.completion", "completion"),
    "bench": ("isthmus.cli.bench", "bench"),
}


class LazyGroup(WholeHelpGroup):
    """A group whose commands are imported by name, so that no verb pays for another's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        command: Any = getattr(importlib.import_module(module), function)
        assert isinstance(command, click.Command)
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        from isthmus.cli.streams import standard_streams

        with standard_streams():
            return super().main(*args, **kwargs)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        with _told_alike():
            _refuse_empty(args)
            return super().make_context(info_name, args, *rest, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _told_alike():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            # click's own status for it is that of a failure.
            remark("stopped")
            ctx.exit(130)


def _refuse_empty(words: list[str]) -> None:
    """No argument means anything when it is empty; as a path it would be the current folder."""
    for number, word in enumerate(words, 1):
        option = re.fullmatch("(--[a-z-]+)=", word)
        if option or not word:
            which = option[1] if option else f"argument {number}"
            raise click.UsageError(f"{which} is empty: expected a name or a value. Is a variable of the shell not set?")


class _Told(click.ClickException):
    """An error of click's, shown as all messages are."""

    def show(self, file: Any = None) -> None:
        complain(self.message)


class _ToldWithUsage(_Told):
    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(error.format_message())
        self._ctx = error.ctx

    def show(self, file: Any = None) -> None:
        if self._ctx is not None:
            click.echo(f"{self._ctx.get_usage()}\nTry '{self._ctx.command_path} --help' for help.\n", err=True)
        super().show(file)


@contextmanager
def _told_alike() -> Iterator[None]:
    """Messages of click's with the prefix of all others."""
    try:
        yield
    except (_Told, click.exceptions.NoArgsIsHelpError):
        raise
    except click.UsageError as error:
        raise _ToldWithUsage(error) from error
    except click.ClickException as error:
        raise _Told(error.format_message()) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="isthmus")
def main() -> None:
    """Compress photographs with learned autoencoders.

    Exit status: 0 all went well, 1 something failed, 2 the command line is wrong, 130 stopped by Ctrl-C.
    """
    from isthmus.memory import share_heap

    share_heap()
