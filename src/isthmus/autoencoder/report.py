"""What a study measured, as text for the terminal and as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from isthmus.autoencoder.compare import Point
from isthmus.autoencoder.estimator import Autoencoder
from isthmus.autoencoder.results import Study

HEADER = ("codec", "setting", "each: bytes", "rate", "together: bytes", "rate", "with model", "PSNR")
CAPTIONS = {
    "reconstructions": (
        "Originals, reconstructions, errors",
        "Test samples before and after the bottleneck; red is too bright, blue too dark.",
    ),
    "losses": ("Loss", "The loss that training descends, after every pass over the data, in scaled units."),
    "features": (
        "Learned features",
        "What a step of each code number adds to the picture, the strongest numbers first. Without hidden layers these "
        "are the columns of W_d; with them, the decoder's slope at the mean code.",
    ),
    "codes": ("Code space", "The test samples' codes in two dimensions, coloured by class where there are classes."),
    "walk": (
        "A walk between two codes",
        "Above, pictures decoded from the straight line between two codes; below, the two pictures blended in pixels.",
    ),
    "samples": ("Invented samples", "Pictures decoded from random codes."),
}
LAYOUTS_EXPLAINED = (
    "<i>Each</i>: every picture is a file of its own. <i>Together</i>: all pictures are one picture of tiles, one "
    "stream or one file of codes. <i>With model</i>: together, with the model's bytes counted as sent. Bytes are "
    "those of one picture; a rate is raw bytes over file bytes."
)
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
img { max-width: 100%; }
"""


def summary(result: Study) -> str:
    """The study in a few lines."""
    size = "x".join(map(str, result.shape))
    lines = [
        f"{result.data}: {result.train_samples} training and {result.test_samples} test samples of {size}",
        f"{result.network}: {result.weights} weights, {result.epochs} epochs, "
        f"loss {result.final_loss:.3g}, {result.train_seconds:.1f} s",
        f"test samples: MSE {result.test_mse:.4g}"
        + (f", PSNR {result.test_psnr_db:.2f} dB" if result.test_psnr_db is not None else ""),
        f"compressed: {result.raw_bytes} to {result.codes_bytes} bytes, rate {result.rate:.1f}; "
        f"the model has {result.model_bytes} bytes",
    ]
    return "\n".join(lines)


def rows(points: Sequence[Point]) -> list[tuple[str, ...]]:
    """A table row for each codec and setting, both layouts side by side; bytes are those of a picture."""
    paired: dict[tuple[str, str], dict[str, Point]] = {}
    for point in points:
        paired.setdefault((point.codec, point.setting), {})[point.layout] = point
    return [(*key, *_cells(layouts)) for key, layouts in paired.items()]


def table(points: Sequence[Point]) -> str:
    """The table of `rows` for a terminal."""
    lines = [HEADER, *rows(points)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def render(result: Study, model: Autoencoder, figures: Mapping[str, bytes]) -> str:
    """The report as one HTML page with its pictures inside."""
    settings = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for name, value in sorted(model.get_params().items())
    )
    sections = "".join(
        f'<h2>{escape(CAPTIONS[name][0])}</h2><p>{escape(CAPTIONS[name][1])}</p><img alt="{escape(CAPTIONS[name][0])}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        for name, png in figures.items()
    )
    compared = ""
    if result.points:
        body = "".join(f"<tr>{_html_cells('td', row)}</tr>" for row in rows(result.points))
        compared = (
            f"<h2>Against picture formats</h2><p>{result.points[0].pictures} test pictures. {LAYOUTS_EXPLAINED}</p>"
            f"<table><tr>{_html_cells('th', HEADER)}</tr>{body}</table>"
        )
    title = escape(f"{result.network} on {result.data}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(summary(result)).replace(chr(10), '<br>')}</p>{compared}{sections}"
        f"<h2>Settings</h2><table>{settings}</table></html>\n"
    )


def _cells(layouts: Mapping[str, Point]) -> tuple[str, ...]:
    each, together = layouts.get("each"), layouts.get("together")
    cells = []
    for point in (each, together):
        cells += [f"{point.bytes_per_picture:.1f}", f"{point.rate:.2f}"] if point else ["", ""]
    cells.append(f"{together.rate_with_model:.2f}" if together and together.model_bytes else "")
    shown = together or each
    cells.append("lossless" if shown is not None and shown.mse == 0 else f"{shown.psnr_db:.2f} dB" if shown else "")
    return tuple(cells)


def _html_cells(tag: str, cells: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
