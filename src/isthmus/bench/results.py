"""What a run over a set amounts to: one record, written as JSON and CSV, that every report is drawn from.

The record holds the curves, every BD-rate, and for isthmus a verdict against each rival that names
the pictures or sounds and the ranges where it loses.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from isthmus.bench.curves import Curve, Point, bd_rate, curves_of, rising
from isthmus.bench.metrics import METRICS
from isthmus.bench.rivals import Rival
from isthmus.bench.subject import PICTURES, Subject, subject_of
from isthmus.bench.sweep import Source
from isthmus.files import write_atomic

FORMAT = 1
COMPARED = tuple(name for name, metric in METRICS.items() if metric.compared)
Record = dict[str, Any]


def record_of(
    name: str,
    command: str,
    sources: Sequence[Source],
    rivals: Sequence[Rival],
    points: Sequence[Point],
    absent: Sequence[tuple[str, str]] = (),
    timing: Record | None = None,
    published: Sequence[Curve] = (),
    subject: Subject = PICTURES,
) -> Record:
    """The record of a run: JSON values only; codecs whose name begins with `isthmus` get verdicts, and BD-rates against
    published curves."""
    lossless = {rival.name for rival in rivals if rival.lossless}
    curves = curves_of(points)
    lossy = {codec: curve for codec, curve in curves.items() if codec not in lossless}
    ours = [codec for codec in lossy if codec.startswith("isthmus")]
    metrics = [metric for metric in COMPARED if points and metric in points[0].metrics]
    return {
        "format": FORMAT,
        "subject": subject.name,
        "set": name,
        "command": command,
        subject.plural: [{"name": s.name, **s.facts, "sha256": s.digest} for s in sources],
        "codecs": {
            r.name: {"label": r.label, "settings": r.settings, "version": r.version(), "lossless": r.lossless}
            for r in rivals
        },
        "absent": [{"label": label, "reason": reason} for label, reason in absent],
        "curves": {codec: _curve_record(curve, subject.unit) for codec, curve in lossy.items()},
        "lossless": {
            codec: {subject.unit: _number(curve.rate[0])} for codec, curve in curves.items() if codec in lossless
        },
        "bd_rate": {
            metric: {
                anchor: {codec: _bd_record(lossy[anchor], lossy[codec], metric) for codec in lossy if codec != anchor}
                for anchor in lossy
            }
            for metric in metrics
        },
        "verdicts": {
            codec: {
                rival: {metric: _verdict(points, lossy[rival], lossy[codec], metric, subject) for metric in metrics}
                for rival in lossy
                if rival not in ours
            }
            for codec in ours
        },
        "published": {
            curve.codec: {
                codec: {
                    metric: _bd_record(curve, lossy[codec], metric) for metric in metrics if metric in curve.metrics
                }
                for codec in ours
            }
            for curve in published
        },
        "timing": timing,
    }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _curve_record(curve: Curve, unit: str) -> Record:
    columns = {unit: curve.rate, **curve.metrics}
    return {"quality": list(curve.qualities)} | {name: [_number(v) for v in row] for name, row in columns.items()}


def _bd_record(anchor: Curve, test: Curve, metric: str) -> Record:
    found = bd_rate(anchor, test, metric)
    return {
        "percent": _number(found.percent),
        "low": _number(found.low),
        "high": _number(found.high),
        "overlap": _number(found.overlap),
    }


def _verdict(points: Sequence[Point], rival: Curve, test: Curve, metric: str, subject: Subject) -> Record:
    """BD-rate of `test` on each source, and the levels of the mean curves where it needs more bytes."""
    by_source: dict[str, list[Point]] = {}
    for point in points:
        if point.codec in (rival.codec, test.codec):
            by_source.setdefault(point.source, []).append(point)
    percents = {}
    for source, some in by_source.items():
        pair = curves_of(some)
        percents[source] = bd_rate(pair[rival.codec], pair[test.codec], metric).percent
    return {
        "mean": _bd_record(rival, test, metric),
        subject.plural: {source: _number(percent) for source, percent in percents.items()},
        "loses_at": [[_number(low), _number(high)] for low, high in losing_ranges(rival, test, metric)],
    }


def losing_ranges(rival: Curve, test: Curve, metric: str, steps: int = 200) -> list[tuple[float, float]]:
    """The levels of a metric, as (low, high), at which `test` needs more bits than `rival`.

    On the scale of `level_of`, as in `bd_rate`. Only levels that both curves reach are looked at.
    """
    (rate_a, level_a), (rate_b, level_b) = rising(rival, metric), rising(test, metric)
    if min(level_a.size, level_b.size) < 2:
        return []
    low, high = max(level_a[0], level_b[0]), min(level_a[-1], level_b[-1])
    if high <= low:
        return []
    grid = np.linspace(low, high, steps)
    difference = PchipInterpolator(level_b, np.log(rate_b))(grid) - PchipInterpolator(level_a, np.log(rate_a))(grid)
    losing = np.concatenate(([False], difference > 0, [False]))
    starts, ends = np.flatnonzero(losing[1:] & ~losing[:-1]), np.flatnonzero(losing[:-1] & ~losing[1:])
    return [(float(grid[start]), float(grid[end - 1])) for start, end in zip(starts, ends, strict=True)]


def write_json(record: Record, path: Path) -> None:
    """Write a record; readable, and the same bytes for the same record."""
    text = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomic(path, text.encode(errors="replace"), force=True)


def read_json(path: Path) -> Record:
    """A record as `write_json` wrote it."""
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def curves_in(record: Record) -> dict[str, Curve]:
    """The curves of a record; what was not finite is nan."""

    def row(values: Sequence[float | None]) -> tuple[float, ...]:
        return tuple(math.nan if value is None else value for value in values)

    unit = subject_of(record).unit
    return {
        codec: Curve(
            codec,
            tuple(columns["quality"]),
            row(columns[unit]),
            {name: row(values) for name, values in columns.items() if name not in ("quality", unit)},
        )
        for codec, columns in record["curves"].items()
    }


def write_csv(points: Sequence[Point], path: Path, subject: Subject = PICTURES) -> None:
    """Write every point: a picture or sound, a codec and a quality a line."""
    names = list(points[0].metrics) if points else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([subject.name, "codec", "quality", "bytes", subject.unit, *names])
    for p in points:
        values = (f"{p.metrics[name]:.6g}" for name in names)
        writer.writerow([p.source, p.codec, f"{p.quality:g}", p.data_bytes, f"{p.rate:.6f}", *values])
    write_atomic(path, text.getvalue().encode(errors="replace"), force=True)


def shown_level(metric: str, level: float) -> str:
    """A level of the scale of `level_of`, in words."""
    return METRICS[metric].words(level)
