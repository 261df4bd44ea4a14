"""Groups of commands, whose help says of each what it does, in a whole sentence."""

import click


class WholeHelpGroup(click.Group):
    """A group whose help wraps the first sentence of every command; click would cut it off at the end of the line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        # The limit is one that no sentence reaches.
        rows = [(name, command.get_short_help_str(10_000)) for name, command in found if command and not command.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
