"""Curves that others published for the Kodak pictures, to draw beside measured ones and to compare with.

The figures travel in the package with their sources. They were measured elsewhere with other
settings: a codec that runs here is better compared with its own curve from the same run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from isthmus.bench.curves import Curve

# What a plot draws unless told otherwise: the classical anchors and the range of learned codecs.
SHOWN = (
    "bpg_444_x265_ycbcr",
    "hm",
    "av1",
    "vtm",
    "compressai-bmshj2018-hyperprior_mse_cpu",
    "mlicplusplus(repo)",
)


@dataclass(frozen=True)
class Published:
    """A published curve; its qualities are the positions of the points."""

    curve: Curve
    source: str


@cache
def published_curves() -> dict[str, Published]:
    """All published curves by name, each with RGB `psnr` and, where given, `ms_ssim`."""
    text = files("isthmus.bench").joinpath("published/kodak.json").read_text(encoding="utf-8")
    record = json.loads(text)
    return {
        name: Published(
            Curve(
                name,
                tuple(float(index) for index in range(len(row["bpp"]))),
                tuple(row["bpp"]),
                {metric: tuple(row[metric]) for metric in ("psnr", "ms_ssim") if row.get(metric)},
            ),
            record["sources"][row["source"]],
        )
        for name, row in record["curves"].items()
    }
