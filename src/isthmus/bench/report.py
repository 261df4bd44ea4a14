"""A record of a run in words: the summary, the tables and the HTML page with its plots.

The summary says for every rival what isthmus saves or costs, on which pictures and at which levels
it loses; a loss is printed first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from isthmus.bench.curves import Curve
from isthmus.bench.matrix import against_anchor, of_isthmus
from isthmus.bench.metrics import METRICS
from isthmus.bench.page import environment
from isthmus.bench.plots import PUBLISHED_LABELS, rd_plot, save_plot, svg_text
from isthmus.bench.published import published_curves
from isthmus.bench.results import COMPARED, Record, curves_in, shown_level
from isthmus.bench.subject import PICTURES, Subject, subject_of
from isthmus.files import write_atomic


def percent(row: Record) -> str:
    """A BD-rate with its sign, or a dash where the curves do not overlap."""
    value = row["percent"]
    return "-" if value is None else f"{value:+.1f} %"


def overlap(row: Record, metric: str) -> str:
    """The levels that a BD-rate stands on."""
    if row["percent"] is None:
        return "no overlap"
    return f"{shown_level(metric, row['low'])} to {shown_level(metric, row['high'])}"


def summary(record: Record) -> list[str]:
    """Sentences on isthmus against every rival, losses before gains; empty without isthmus."""
    return [
        sentence
        for codec, rivals in record["verdicts"].items()
        for _, sentence in sorted(_sentences(record, codec, rivals), key=lambda pair: -pair[0])
    ]


def _sentences(record: Record, codec: str, rivals: Record) -> Iterator[tuple[float, str]]:
    label = record["codecs"][codec]["label"]
    for rival, verdicts in rivals.items():
        rival_label = record["codecs"][rival]["label"]
        for metric, verdict in verdicts.items():
            value = verdict["mean"]["percent"]
            if value is None:
                shared = f"{label} and {rival_label} share no level of {METRICS[metric].name}"
                yield math.inf, f"{shared}: nothing to compare."
                continue
            outcome = (
                f"loses to {rival_label}: {value:.1f} % more bytes"
                if value > 0
                else f"beats {rival_label}: {-value:.1f} % fewer bytes"
            )
            text = f"{label} {outcome} at equal {METRICS[metric].name} ({overlap(verdict['mean'], metric)})."
            yield value, " ".join([text, *_exceptions(verdict, metric, subject_of(record).plural)])


def _exceptions(verdict: Record, metric: str, things: str) -> Iterator[str]:
    known = {name: value for name, value in verdict[things].items() if value is not None}
    worse = sorted((p for p, value in known.items() if value > 0), key=lambda p: -known[p])
    if worse and len(worse) < len(known):
        named = ", ".join(f"{p} ({known[p]:+.0f} %)" for p in worse[:5])
        more = f" and {len(worse) - 5} more" if len(worse) > 5 else ""
        yield f"It needs more bytes on {len(worse)} of {len(known)} {things}: {named}{more}."
    elif worse:
        yield f"It needs more bytes on all {len(known)} {things}."
    ranges = verdict["loses_at"]
    if ranges and verdict["mean"]["percent"] < 0:
        where = ", ".join(f"{shown_level(metric, low)} to {shown_level(metric, high)}" for low, high in ranges)
        yield f"On average over the {things} it needs more bytes at {where}."


def bd_table(record: Record, anchor: str) -> list[list[str]]:
    """Rows of codec, then BD-rate and overlap for every metric, best PSNR first; a heading row."""
    metrics = [metric for metric in COMPARED if metric in record["bd_rate"]]
    head = ["Codec"] + [text for metric in metrics for text in (f"BD-rate {METRICS[metric].name}", "over")]
    if not metrics:
        return [head]
    order = record["bd_rate"][metrics[0]][anchor]

    def key(codec: str) -> float:
        value = order[codec]["percent"]
        return math.inf if value is None else float(value)

    rows = []
    for codec in sorted(order, key=key):
        row = [record["codecs"][codec]["label"]]
        for metric in metrics:
            found = record["bd_rate"][metric][anchor][codec]
            row += [percent(found), overlap(found, metric)]
        rows.append(row)
    return [head, *rows]


def published_table(record: Record) -> list[list[str]]:
    """A row for isthmus, a column for a published curve: BD-rate of PSNR and its levels; a heading row. Empty without
    either."""
    curves = [curve for curve, found in record["published"].items() if all("psnr" in row for row in found.values())]
    if not (curves and record["verdicts"]):
        return []
    rows = []
    for codec in record["verdicts"]:
        against = [record["published"][curve][codec]["psnr"] for curve in curves]
        cells = [f"{percent(found)} ({overlap(found, 'psnr')})" for found in against]
        rows.append([record["codecs"][codec]["label"], *cells])
    return [["Codec", *(PUBLISHED_LABELS.get(curve, curve) for curve in curves)], *rows]


def timing_table(record: Record) -> list[list[str]]:
    """Rows of codec, quality, rate, encode and decode milliseconds; a heading row."""
    subject = subject_of(record)
    head = ["Codec", "Setting", subject.unit, "Encode ms", "Decode ms"]
    rows = [
        [
            record["codecs"][codec]["label"],
            "lossless" if row["quality"] is None else subject.setting(codec, row["quality"]),
            f"{row[subject.unit]:.2f}",
            f"{1000 * row['encode_s']:.1f}",
            f"{1000 * row['decode_s']:.1f}",
        ]
        for codec, row in record["timing"]["codecs"].items()
    ]
    return [head, *rows]


def timing_note(timing: Record, subject: Subject = PICTURES) -> str:
    """What a timing table stands on."""
    size, _ = subject.size
    return (
        f"Medians over {timing[subject.plural]} {subject.plural} of {timing[size]:g} {size} ({timing['repeats']} "
        f"runs each), {timing['threads']} thread(s) for every codec that takes a number, in memory, one process, "
        f"on {timing['machine']}, {timing['date']}."
    )


def write_report(record: Record, folder: Path, anchor: str) -> None:
    """Write report.html and the plots `rd_METRIC.svg` and `.png` into an existing folder.

    Args:
        anchor: the codec that the first BD-rate table compares with.
    """
    curves = curves_in(record)
    labels = {codec: row["label"] for codec, row in record["codecs"].items()}
    subject = subject_of(record)
    published = {name: published_curves()[name] for name in record["published"]}
    plots = []
    for metric in record["bd_rate"]:
        figure = rd_plot(
            list(curves.values()),
            labels,
            metric,
            f"{record['set']}, {len(record[subject.plural])} {subject.plural}: {METRICS[metric].label}",
            [found.curve for found in published.values() if metric in found.curve.metrics],
            subject,
        )
        save_plot(figure, folder / f"rd_{metric}")
        # Inline SVG wants neither the XML declaration nor the document type.
        svg = svg_text(figure)
        plots.append(Markup(svg[svg.index("<svg") :]))
    ours = list(record["verdicts"])
    anchors = [name for name in [anchor, *ours] if name in curves]
    context: dict[str, Any] = {
        "record": record,
        "subject": subject,
        "summary": summary(record),
        "matrices": [against_anchor(record, anchor), *(of_isthmus(record, codec) for codec in ours)],
        "plots": plots,
        "tables": [(f"against {labels[name]}", _stacked(bd_table(record, name))) for name in anchors],
        "points": [(labels[codec], _points(curve, subject)) for codec, curve in curves.items()],
        "timing": timing_table(record) if record["timing"] else None,
        "timing_note": timing_note(record["timing"], subject) if record["timing"] else "",
        "published": [(PUBLISHED_LABELS.get(name, name), found.source) for name, found in published.items()],
        "published_table": _turned(published_table(record)),
    }
    page = environment().get_template("report.html").render(context)
    write_atomic(folder / "report.html", page.encode(errors="replace"), force=True)


def _stacked(rows: list[list[str]]) -> list[list[tuple[str, str]]]:
    """A BD-rate table for a page: each number with its levels below it, not beside it, so that it fits on a phone."""
    return [[(row[0], ""), *zip(row[1::2], row[2::2], strict=True)] for row in rows]


def _turned(rows: list[list[str]]) -> list[list[tuple[str, str]]]:
    """The table of published curves for a page: a row a curve, each number with its levels below it."""
    stacked = [
        [(number, levels.rstrip(")")) for number, _, levels in (cell.partition(" (") for cell in row)] for row in rows
    ]
    return [list(column) for column in zip(*stacked, strict=True)]


def _points(curve: Curve, subject: Subject) -> list[list[str]]:
    rows = [["Setting", subject.unit, *(METRICS[metric].label for metric in curve.metrics)]]
    for index, quality in enumerate(curve.qualities):
        values = (f"{curve.metrics[metric][index]:.5g}" for metric in curve.metrics)
        rows.append([subject.setting(curve.codec, quality), f"{curve.rate[index]:.4f}", *values])
    return rows
