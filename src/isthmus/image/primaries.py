"""What a file says about its colours without a profile, made a profile: gamma and chromaticities, or code points.

PNG has the chunks gAMA, cHRM, sRGB and cICP for it; the code points are those of ITU-T H.273. Pixels stay as they are.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from os import SEEK_CUR
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from isthmus.files import position_kept
from isthmus.image import heif
from isthmus.image.depth import MAX_BOX_BYTES, boxes, top_box
from isthmus.image.modes import GREY_MODES

Chromaticities = tuple[float, ...]
"""x and y of white, red, green and blue."""
Curve = tuple[float, ...]
"""Parameters of ICC's parametric curve: of type 0 where there is one, of type 3 where there are five."""

_D65 = (0.3127, 0.329)
_SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_PRIMARIES: dict[int, Chromaticities] = {
    1: _SRGB,
    4: (0.31, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
_SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_VIDEO_CURVE: Curve = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_CURVES: dict[int, Curve] = {
    1: _VIDEO_CURVE,
    4: (2.2,),
    5: (2.8,),
    6: _VIDEO_CURVE,
    8: (1.0,),
    13: _SRGB_CURVE,
    14: _VIDEO_CURVE,
    15: _VIDEO_CURVE,
}
_UNSPECIFIED = 2
_SRGB_POINTS = (1, 13)
# gAMA 0.45455 stands for sRGB's own curve, and chromaticities are rounded by whoever writes them.
_GAMMA_SLACK, _CHROMATICITY_SLACK = 0.005, 0.002
_GAMMAS = (0.1, 10.0)
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CHUNKS_LOOKED_AT = 1000


@dataclass(frozen=True)
class Said:
    """What a file says about its colours in place of a profile.

    Attributes:
        where: what says so, for people.
        chromaticities: of white and the primaries.
        curve: from samples to light; None if no profile can say it.
    """

    where: str
    chromaticities: Chromaticities
    curve: Curve | None


def profile_of(image: Image.Image, points: tuple[int, int] | None, notes: list[str]) -> bytes:
    """An ICC profile of what a file without one says about its colours; nothing where that is sRGB, or not known.

    Args:
        image: with what Pillow found in the file.
        points: colour primaries and transfer characteristics, by H.273, that Pillow does not look for.
        notes: gets a clause on what became of it.
    """
    said = _said(image.info, points)
    if said is None or image.mode == "1":
        return b""
    try:
        if said.curve is None:
            raise ValueError("no profile holds them")
        profile = _profile(said.chromaticities, said.curve, image.mode in GREY_MODES)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError, struct.error) as error:
        notes.append(f"the colours that {said.where} describe are taken for sRGB ({error})")
        return b""
    notes.append(f"the colours that {said.where} describe are kept as an ICC profile")
    return profile


def code_points(image: Image.Image, notes: list[str]) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics from the file of an image, where it has them.

    Pillow passes over them. A stream that it has read to its end is let go of; a file that has a name is opened again.

    Args:
        image: as Pillow opened it, loaded or not.
        notes: gets a clause where they can be seen no more.
    """
    nclx = image.info.get("nclx_profile") if image.format == heif.FORMAT else None
    if nclx:
        return nclx["color_primaries"], nclx["transfer_characteristics"]
    read = _READERS.get(image.format or "")
    if read is None:
        return None
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if stream is not None and getattr(image, "tile", []):
        try:
            with position_kept(stream):
                return read(stream)
        except (ValueError, LookupError, struct.error):
            return None  # damaged, which its decoder says better
    try:
        with open(getattr(image, "filename", ""), "rb") as again:
            return read(again)
    except (OSError, ValueError, LookupError, struct.error):
        if not image.info.get("icc_profile"):
            notes.append("whether the file gave code points of its colours is not known: it was loaded before")
        return None


def _png_points(stream: IO[bytes]) -> tuple[int, int] | None:
    stream.seek(0)
    if stream.read(8) != b"\x89PNG\r\n\x1a\n":
        raise ValueError("another file by now")
    for _ in range(_CHUNKS_LOOKED_AT):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return None
        size, kind = struct.unpack(">I4s", head)
        if kind == b"cICP" and size == 4:
            found = stream.read(4)
            return found[0], found[1]
        stream.seek(size + 4, SEEK_CUR)
    return None


def _avif_points(stream: IO[bytes]) -> tuple[int, int] | None:
    """The code points in the colr property; every item of a picture has the same."""
    meta = dict(boxes(top_box(stream, b"meta", MAX_BOX_BYTES)[4:]))
    listed = boxes(dict(boxes(meta[b"iprp"]))[b"ipco"])
    body = next((body for kind, body in listed if kind == b"colr" and body[:4] == b"nclx"), None)
    return struct.unpack_from(">HH", body, 4) if body else None


_READERS: dict[str, Callable[[IO[bytes]], tuple[int, int] | None]] = {"PNG": _png_points, "AVIF": _avif_points}


def _said(info: dict[Any, Any], points: tuple[int, int] | None) -> Said | None:
    if points is not None and points != _SRGB_POINTS and _UNSPECIFIED not in points:
        where = f"the code points {points[0]} and {points[1]}"
        if points[0] not in _PRIMARIES:
            return Said(where, _SRGB, None)
        return Said(where, _PRIMARIES[points[0]], _CURVES.get(points[1]))
    gamma, chromaticities = info.get("gamma"), info.get("chromaticity")
    if points == _SRGB_POINTS or "srgb" in info or (gamma is None and chromaticities is None):
        return None
    parts = [name for name, there in (("gAMA", gamma), ("cHRM", chromaticities)) if there is not None]
    chromaticities = chromaticities or _SRGB
    same = all(abs(a - b) <= _CHROMATICITY_SLACK for a, b in zip(chromaticities, _SRGB, strict=True))
    curve: Curve | None = _SRGB_CURVE
    if gamma is not None and (abs(gamma - 1 / 2.2) > _GAMMA_SLACK or not same):
        curve = (1 / gamma,) if _GAMMAS[0] <= gamma <= _GAMMAS[1] else None
    if same and curve == _SRGB_CURVE:
        return None
    return Said(" and ".join(parts), chromaticities, curve)


def _profile(chromaticities: Chromaticities, curve: Curve, grey: bool) -> bytes:
    """A display profile of version 4 (ICC.1:2022), with a matrix and a curve, or a curve alone."""
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
