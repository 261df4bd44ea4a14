"""isthmus verify: is a file whole, and does it decode?"""

from dataclasses import dataclass

import click

from isthmus.cli import clusters
from isthmus.cli.messages import progress_on_terminal
from isthmus.cli.options import CodecOptions, as_one, codec_options, inputs_argument, json_option
from isthmus.cli.reports import Report, run_each_file
from isthmus.cli.streams import read_input


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(CodecOptions):
    """The command line of verify: files and folders, whether reports are JSON, and the cluster that does it."""

    inputs: tuple[str, ...]
    as_json: bool
    cluster: str | None


@click.command()
@inputs_argument
@json_option
@clusters.cluster_option
@codec_options
@as_one(VerifyOptions)
def verify(options: VerifyOptions) -> None:
    """Decode .isth files, and those below folders, entirely and keep nothing; exit status 1 if one is damaged."""
    from isthmus.inspection import verified

    total = "whole and decodable"
    if options.cluster is not None:
        clusters.report_each("verify", options.inputs, options.cluster, options, options.as_json, total)
        return
    codec = options.codec()

    def work(name: str) -> tuple[Report, str]:
        with read_input(name, codec.limits.max_file_bytes) as stream:
            return verified(codec, name, stream.read(), progress_on_terminal(name))

    run_each_file(options.inputs, work, options.as_json, total)
