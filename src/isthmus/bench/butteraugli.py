"""Butteraugli, 3-norm: how far apart two pictures are to an eye, by libjxl's own tool where it is installed.

Nothing in isthmus was tuned on it, so it is the second opinion beside SSIMULACRA2.

Source: Alakuijala et al., "Guetzli: Perceptually guided JPEG encoder", 2017; tools/butteraugli_main.cc of libjxl.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import IsthmusError, MissingExtraError

TOOL = "butteraugli_main"
MIN_SIDE = 8
_NORM = re.compile(r"^3-norm: (\S+)$", re.MULTILINE)
_LIMIT_S = 3600  # some 2 seconds a megapixel; a tool that hangs must not hold a bench for ever


def absence() -> str | None:
    """Why Butteraugli cannot be measured here, and what brings it; None where it can."""
    if shutil.which(TOOL) is None:
        return f"the program {TOOL} is not installed (Debian and Ubuntu: apt install libjxl-devtools)"
    return None


def butteraugli(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """The 3-norm at the tool's default of 80 nits: 0 for equal pictures, about 1 where differences begin to be seen.

    Args:
        original, decoded: (H, W, 3) uint8 sRGB of one shape.

    Returns nan below 8 pixels a side.

    Raises:
        MissingExtraError: the tool is not installed.
        IsthmusError: it fails, or says something else than a 3-norm.
    """
    if min(original.shape[:2]) < MIN_SIDE:
        return math.nan
    if (reason := absence()) is not None:
        raise MissingExtraError("Butteraugli cannot be measured", hint=reason)
    with tempfile.TemporaryDirectory(prefix="isthmus-") as folder:
        files = [Path(folder) / name for name in ("original.ppm", "decoded.ppm")]
        for file, picture in zip(files, (original, decoded), strict=True):
            height, width = picture.shape[:2]
            file.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + picture.tobytes())
        run = subprocess.run([TOOL, *map(str, files)], capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    found = _NORM.search(run.stdout)
    if run.returncode or found is None:
        said = (run.stdout + run.stderr).strip().splitlines()
        raise IsthmusError(f"{TOOL} failed", expected="a line '3-norm: …'", got=said[-1] if said else "nothing")
    return float(found[1])


@cache
def version() -> str:
    """What this tool makes of two pictures that are always the same.

    The tool tells no version, and libjxl has changed the metric before: figures of tools that differ here are never
    mixed.
    """
    ramp = np.add.outer(np.arange(0, 192, 3), np.arange(0, 64)).astype(np.uint8)
    picture = np.stack([ramp, ramp[::-1], 255 - ramp], axis=2)
    return f"{butteraugli(picture, picture // 24 * 24):.6f}"
