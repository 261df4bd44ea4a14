"""isthmus thumbnail: what file managers call for the small pictures that they show."""

from pathlib import Path
from typing import BinaryIO

import click

from isthmus.cli.options import CodecOptions, local_name
from isthmus.cli.reports import Report, run_each
from isthmus.cli.streams import STREAM, read_input, write_output


def _local(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    return local_name(value)


@click.command()
@click.argument("source", metavar="INPUT", callback=_local)
@click.argument("target", metavar="OUTPUT", callback=_local)
@click.argument("side", metavar="SIZE", type=click.IntRange(min=1))
def thumbnail(source: str, target: str, side: int) -> None:
    """Write a small PNG of an .isth file, at most SIZE pixels wide and high.

    It is in sRGB, without metadata, whatever the name of OUTPUT, which is replaced if it is there: file managers
    make the file first. `isthmus integrate --user` tells them of this command.
    """
    if STREAM not in (source, target) and Path(source).resolve() == Path(target).resolve():
        raise click.UsageError(f"{source} would overwrite itself; choose another OUTPUT.")
    codec = CodecOptions().codec()

    def work(name: str) -> tuple[Report, str]:
        from isthmus.codec import picture_decoder
        from isthmus.image.coders.protocol import covering_scale
        from isthmus.image.files import save_picture
        from isthmus.image.reduction import reduced_size
        from isthmus.image.thumbnail import as_thumbnail

        with read_input(name, codec.limits.max_file_bytes) as stream:
            data = stream.read()
        decoder = picture_decoder(codec, data)
        scale = covering_scale(decoder.size, reduced_size(*decoder.size, side))
        decoded = decoder.decode_image() if scale == 1 else decoder.preview(scale)
        image = as_thumbnail(decoded, side, codec.limits)

        def write(file: BinaryIO) -> None:
            save_picture(image, file, "PNG")

        write_output(target, True, write)
        return {}, f"{name} -> {target}: {image.width}x{image.height} {image.mode}"

    run_each([source], work, as_json=False, to_stderr=target == STREAM)
