"""Rate-distortion plots as SVG and PNG: a metric over bits per pixel or kilobits a second, a line a codec."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from isthmus.bench.curves import Curve, level_of
from isthmus.bench.metrics import METRICS
from isthmus.bench.subject import PICTURES, Subject
from isthmus.files import atomic_output, write_atomic

# Okabe and Ito's colours, which colour-blind readers can tell apart; isthmus alone is thick and blue.
COLOURS = {
    "jpeg": "#D55E00",
    "jpeg444": "#E69F00",
    "jpeg-moz": "#A6761D",
    "jpeg2000": "#CC79A7",
    "webp": "#009E73",
    "avif-s6": "#7F7F7F",
    "avif-s4": "#222222",
    "jxl": "#8B6BB8",
    "mp3": "#C1501B",
    "aac": "#1B8A6B",
    "opus": "#3B3B3B",
}
ISTHMUS_COLOURS = ("#0072B2", "#56B4E9", "#08306B", "#9ECAE1")
PUBLISHED_LABELS = {
    "bpg_444_x265_ycbcr": "BPG 4:4:4",
    "hm": "HM",
    "av1": "AV1",
    "vtm": "VTM",
    "compressai-bmshj2018-hyperprior_mse_cpu": "Scale hyperprior 2018",
    "mlicplusplus(repo)": "MLIC++",
}
DISTANCES = (0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16)
AXIS_LABELS = {"psnr": "RGB PSNR (dB)", "ms_ssim": "MS-SSIM (dB)", "butteraugli": "Butteraugli 3-norm (up: nearer)"}


def rd_plot(
    curves: Sequence[Curve],
    labels: Mapping[str, str],
    metric: str,
    title: str,
    published: Sequence[Curve] = (),
    subject: Subject = PICTURES,
) -> Figure:
    """One metric over the rate (logarithmic), better above, MS-SSIM in dB; published Kodak curves in grey."""
    figure = Figure(figsize=(8, 6.2), layout="constrained")
    axes = figure.add_subplot()
    isthmus = [curve.codec for curve in curves if curve.codec.startswith("isthmus")]
    blues = dict(zip(isthmus, itertools.cycle(ISTHMUS_COLOURS), strict=False))
    for curve in curves:
        ours = curve.codec in blues
        axes.plot(
            curve.rate,
            _drawn(metric, curve),
            label=labels.get(curve.codec, curve.codec),
            color=blues[curve.codec] if ours else COLOURS.get(curve.codec),
            linewidth=2.8 if ours else 1.3,
            marker="o",
            markersize=4 if ours else 2.5,
            zorder=3 if ours else 2,
        )
    for index, curve in enumerate(published):
        axes.plot(
            curve.rate,
            _drawn(metric, curve),
            label=f"{PUBLISHED_LABELS.get(curve.codec, curve.codec)} (published)",
            color=str(0.35 + 0.1 * (index % 4)),
            linestyle=("--", ":", "-.")[index % 3],
            linewidth=1,
            zorder=1,
        )
    low = min(min(curve.rate) for curve in curves)
    high = max(max(curve.rate) for curve in curves)
    lowest, highest = subject.reach
    axes.set_xscale("log")
    axes.set_xlim(max(0.9 * low, lowest), min(1.1 * high, highest))
    axes.xaxis.set_major_locator(FixedLocator(subject.ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel(f"{subject.rate}, written to the file")
    axes.set_ylabel(AXIS_LABELS.get(metric, METRICS[metric].label))
    if METRICS[metric].lower_is_better:
        axes.set_yscale("log")
        axes.invert_yaxis()
        axes.yaxis.set_major_locator(FixedLocator(DISTANCES))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_title(title)
    axes.grid(color="#dddddd", linewidth=0.6)
    # Below the axes: no corner of these plots is free of curves.
    figure.legend(fontsize=8, loc="outside lower center", ncols=3, frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure


def _drawn(metric: str, curve: Curve) -> np.ndarray:
    """The values of a curve as an axis has them: those that fall with quality as they are, on an axis upside down."""
    values = curve.metrics[metric]
    return np.asarray(values) if METRICS[metric].lower_is_better else level_of(metric, values)


def svg_text(figure: Figure) -> str:
    """A figure as SVG, the same text every time."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "isthmus", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def save_plot(figure: Figure, path: Path) -> None:
    """Write `path` with .svg and with .png."""
    write_atomic(path.with_suffix(".svg"), svg_text(figure).encode(errors="replace"), force=True)
    with atomic_output(path.with_suffix(".png"), force=True) as file:
        figure.savefig(file, format="png", dpi=130, metadata={"Software": None})
