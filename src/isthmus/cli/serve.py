"""isthmus serve: the local viewer."""

import contextlib

import click

from isthmus.cli.messages import errors_told, remark
from isthmus.cli.options import codec_options


@click.command()
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free."
)
@click.option("--max-upload", metavar="MB", type=click.IntRange(min=1), default=64, show_default=True)
@codec_options
def serve(
    host: str, port: int, max_upload: int, model: str | None, threads: int | None, max_pixels: int | None
) -> None:
    """Drop pictures in a browser and compare at any quality.

    Only this machine can reach it, and it reaches nothing outside. Ctrl-C stops it.
    """
    with errors_told():
        from isthmus.web import load_web

        load_web()
        from isthmus.web.app import LOOPBACK, MAX_UPLOAD_PIXELS, create_app
        from isthmus.web.server import listen, serve_forever

        app = create_app(model, host, threads, max_upload << 20, max_pixels or MAX_UPLOAD_PIXELS)
        listener = listen(host, port)
    if host not in LOOPBACK:
        remark("whoever reaches this machine can use it now: there is no password")
    with contextlib.suppress(KeyboardInterrupt):
        address = f"http://{host}:{listener.getsockname()[1]}/"
        serve_forever(app, listener, lambda: click.echo(address))
