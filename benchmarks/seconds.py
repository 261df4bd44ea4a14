"""Median seconds a picture to encode and to decode: isthmus at all efforts beside JPEG, WebP, AVIF and JPEG XL.

    python benchmarks/seconds.py FOLDER --results RESULTS.json --threads 1 2 --model best --model fast -o seconds.json

All codecs run in one process, in turn, on the same pictures and threads, at the quality whose mean rate in the results
is nearest to 0.75 bits per pixel. Leave the machine alone meanwhile.
"""

from pathlib import Path

import figures
from isthmus.bench.codec import isthmus_codecs
from isthmus.bench.report import timing_note, timing_table
from isthmus.bench.results import curves_in, read_json
from isthmus.bench.rivals import choose
from isthmus.bench.sweep import sources_in
from isthmus.bench.tables import as_columns
from isthmus.bench.timing import qualities_near, time_codecs

RIVALS = ("jpeg", "webp", "avif-s6", "jxl")


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, required=True, help="results.json of the same pictures")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--model", action="append", default=[], help="weights: a file or a model's name; repeatable")
    parser.add_argument("--codecs", default="", help="isthmus, isthmus-e2, ...: in which ways (default: all)")
    options = parser.parse_args()
    record = read_json(options.results)
    present, absent = choose(RIVALS)
    qualities = qualities_near(curves_in(record))
    own = options.codecs.split(",") if options.codecs else None
    ours = isthmus_codecs(options.model, own)
    codecs = [*ours, *present]
    if "isthmus" in qualities:
        # Results of one model serve for another: the dial stands for the same.
        qualities |= {codec.name: qualities["isthmus"] for codec in ours if codec.name not in qualities}
    if missing := [codec.name for codec in codecs if codec.name not in qualities]:
        parser.error(f"{options.results} has no curve of {', '.join(missing)}: run isthmus bench with them first")
    runs = []
    for threads in options.threads:
        timing = time_codecs(sources_in(options.folder), codecs, qualities, threads)
        runs.append(timing)
        labels = {codec.name: {"label": codec.label} for codec in codecs}
        print(as_columns(timing_table({"timing": timing, "codecs": labels})))
        print(timing_note(timing), end="\n\n")
    for label, reason in absent:
        print(f"{label} is not here: {reason}")
    figures.write(runs, options.output)


if __name__ == "__main__":
    main()
