"""The command line: a table of commands, each in a file of its own that is loaded when it is called."""

import importlib
from typing import Any

import click

from isthmus.cli.groups import WholeHelpGroup

# name -> (module, function); the module must not import anything heavy before its function runs.
COMMANDS = {
    "encode": ("isthmus.cli.encode", "encode"),
    "decode": ("isthmus.cli.decode", "decode"),
    "info": ("isthmus.cli.info", "info"),
    "verify": ("isthmus.cli.verify", "verify"),
    "demo": ("isthmus.cli.demo", "demo"),
    "compare": ("isthmus.cli.compare", "compare"),
    "train": ("isthmus.cli.train", "train"),
    "models": ("isthmus.cli.models", "models"),
    "learn": ("isthmus.cli.learn", "learn"),
    "serve": ("isthmus.cli.serve", "serve"),
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

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # click's own status for it is that of a failure.
            click.echo("Stopped.", err=True)
            ctx.exit(130)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="isthmus")
def main() -> None:
    """Compress photographs with learned autoencoders.

    Exit status: 0 all went well, 1 something failed, 2 the command line is wrong, 130 stopped by Ctrl-C.
    """
