"""isthmus page: one file that shows .isth pictures in any browser."""

from pathlib import Path

import click

from isthmus.cli.messages import errors_told, say
from isthmus.cli.options import force_option, inputs_argument
from isthmus.cli.streams import read_input


@click.command()
@inputs_argument
@click.option("-o", "--output", metavar="PAGE.html", required=True, help="The page.")
@click.option("--title", metavar="TEXT", help="Of the page; by default the name of its file.")
@click.option("--beside", is_flag=True, help="Put the weights in a file beside the page, for several pages to share.")
@force_option
def page(inputs: tuple[str, ...], output: str, title: str | None, beside: bool, force: bool) -> None:
    """Write a page that shows .isth pictures from disk, without a network and without Python."""
    with errors_told():
        from isthmus.album import shown, write_album
        from isthmus.image.limits import Limits

        limits, pictures = Limits(), []
        for name in inputs:
            with errors_told(about=name), read_input(name, limits.max_file_bytes) as stream:
                pictures.append(shown(Path(name).name, stream.read(), limits))
        path = Path(output)
        write_album(path, pictures, title or path.stem, beside, force)
    say(f"{path}: {path.stat().st_size} bytes")
