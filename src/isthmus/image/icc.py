"""ICC profiles of displays, made of chromaticities and a curve. Knows no files and no pictures."""

from __future__ import annotations

import math
import struct

import numpy as np
import numpy.typing as npt

Chromaticities = tuple[float, ...]
"""x and y of white, red, green and blue."""
Curve = tuple[float, ...]
"""Parameters of ICC's parametric curve: of type 0 where there is one, of type 3 where there are five."""

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def display_profile(chromaticities: Chromaticities, curve: Curve, grey: bool) -> bytes:
    """A display profile of version 4 (ICC.1:2022), with a matrix and a curve, or for grey a curve alone.

    Raises:
        ValueError, ArithmeticError, numpy.linalg.LinAlgError, struct.error: these are no real colours.
    """
    tags = {
        b"desc": _text("What the file said about its colours"),
        b"cprt": _text("No copyright"),
        b"wtpt": _xyz(_D50),
    }
    if grey:
        tags[b"kTRC"] = _curve(curve)
    else:
        adapted, chad = _to_d50(chromaticities)
        tags[b"chad"] = b"sf32" + bytes(4) + b"".join(map(_fixed, chad.ravel()))
        for column, name in enumerate((b"r", b"g", b"b")):
            tags[name + b"XYZ"] = _xyz(tuple(adapted[:, column]))
            tags[name + b"TRC"] = _curve(curve)
    at = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for tag, data in tags.items():
        if data not in places:
            places[data] = at + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", tag, places[data], len(data))
    head = struct.pack(
        ">I4xI4s4s4s6H4s28x",
        at + len(body),
        0x04400000,
        b"mntr",
        b"GRAY" if grey else b"RGB ",
        b"XYZ ",
        *(2000, 1, 1, 0, 0, 0),  # a date that is always the same: same input, same bytes
        b"acsp",
    )
    head += b"".join(map(_fixed, _D50))
    return head.ljust(128, b"\0") + table + body


def _to_d50(chromaticities: Chromaticities) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(3, 3) primaries in columns as XYZ under D50, and (3, 3) the adaptation to it."""
    white, *primaries = (
        np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True)
    )
    matrix = np.stack(primaries, 1)
    matrix = matrix * np.linalg.solve(matrix, white)
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    chad = np.linalg.inv(_BRADFORD) @ (cones[:, None] * _BRADFORD)
    return chad @ matrix, chad


def _fixed(value: float) -> bytes:
    if not math.isfinite(value):
        raise ValueError("they are no real colours")
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _curve(curve: Curve) -> bytes:
    return b"para" + struct.pack(">4xH2x", 0 if len(curve) == 1 else 3) + b"".join(map(_fixed, curve))


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(data), 28) + data
