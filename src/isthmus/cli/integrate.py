"""isthmus integrate: previews of .isth files in the file managers of a desktop."""

import click

from isthmus.cli.messages import errors_told, say


@click.command()
@click.option("--user", is_flag=True, help="For the user who asks; needed, so that nothing is installed by accident.")
@click.option("--remove", "removing", is_flag=True, help="Take it back.")
def integrate(user: bool, removing: bool) -> None:
    """Let file managers show .isth files, on desktops that follow freedesktop.org.

    Installs their media type and a thumbnailer in the user's data folder, and says where.
    """
    if not user:
        raise click.UsageError("for whom? --user installs it for you alone, the only way there is.")
    with errors_told():
        from isthmus import desktop

        data = desktop.user_data_folder()
        paths = desktop.remove(data) if removing else desktop.integrate(data)
    for path in paths:
        say(f"{'removed' if removing else 'installed'} {path}")
    if not paths:
        say("nothing was installed")
