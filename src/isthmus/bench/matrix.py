"""BD-rates as a matrix for a page: a codec a row, a metric a column, one coloured number a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.bench.metrics import METRICS
from isthmus.bench.results import Record

# Blue for fewer bytes, orange for more: colour-blind readers can tell the two apart. Red, green, blue of the strongest.
_FEWER, _MORE = (0, 114, 178), (213, 94, 0)
_STRONGEST = 50.0  # per cent; beyond it, nothing gets darker


@dataclass(frozen=True)
class Cell:
    """One number: `text` with a sign, `colour` and `ink` as CSS has them, `title` for a pointer that rests on it."""

    text: str
    colour: str
    ink: str
    title: str


@dataclass(frozen=True)
class Row:
    """A codec and its cells; `own` for isthmus itself."""

    label: str
    own: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """A heading, the names of the metrics, and the rows."""

    title: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]


def against_anchor(record: Record, anchor: str) -> Matrix:
    """Every codec's BD-rates against one, best mean first."""
    metrics = list(record["bd_rate"])
    rows = [
        _row(record, codec, [record["bd_rate"][metric][anchor][codec]["percent"] for metric in metrics])
        for codec in record["curves"]
        if codec != anchor
    ]
    return _matrix(f"Every codec against {record['codecs'][anchor]['label']}", metrics, rows)


def of_isthmus(record: Record, codec: str) -> Matrix:
    """The BD-rates of one isthmus against each rival, its losses first."""
    metrics = list(record["bd_rate"])
    rows = [
        _row(record, rival, [verdicts[metric]["mean"]["percent"] for metric in metrics])
        for rival, verdicts in record["verdicts"][codec].items()
    ]
    return _matrix(f"{record['codecs'][codec]['label']} against each codec", metrics, rows, losses_first=True)


def _matrix(
    title: str, metrics: Sequence[str], rows: Sequence[tuple[float, Row]], losses_first: bool = False
) -> Matrix:
    ordered = sorted(rows, key=lambda pair: pair[0], reverse=losses_first)
    return Matrix(title, tuple(METRICS[metric].name for metric in metrics), tuple(row for _, row in ordered))


def _row(record: Record, codec: str, percents: Sequence[float | None]) -> tuple[float, Row]:
    """A row and its mean, by which rows are sorted."""
    known = [percent for percent in percents if percent is not None]
    mean = sum(known) / len(known) if known else 0.0
    row = Row(record["codecs"][codec]["label"], codec.startswith("isthmus"), tuple(map(_cell, percents)))
    return mean, row


def _cell(percent: float | None) -> Cell:
    if percent is None:
        return Cell("–", "transparent", "inherit", "the curves share no level")
    share = min(abs(percent) / _STRONGEST, 1.0)
    colour = [round(255 + share * (full - 255)) for full in (_FEWER if percent < 0 else _MORE)]
    amount = f"{abs(percent):.1f} % {'fewer' if percent < 0 else 'more'} bytes at equal quality"
    # White where black would be hard to read: orange never gets so dark.
    ink = "#fff" if percent < 0 and share > 0.85 else "#1b1f24"
    return Cell(f"{percent:+.1f}", "rgb({}, {}, {})".format(*colour), ink, amount)
