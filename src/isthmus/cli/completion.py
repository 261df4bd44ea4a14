"""isthmus completion: what a shell needs to complete the commands."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    bash:  isthmus completion bash > ~/.local/share/bash-completion/completions/isthmus
    zsh:   isthmus completion zsh > ~/.zfunc/_isthmus      (a folder of $fpath)
    fish:  isthmus completion fish > ~/.config/fish/completions/isthmus.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "isthmus", "_ISTHMUS_COMPLETE").source())
