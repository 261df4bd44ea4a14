"""What a picture says about its colours without a profile, made a profile: primaries and a curve, from wherever.

PNG has the chunks gAMA, cHRM and sRGB for it, several formats the code points of ITU-T H.273, TIFF and EXIF tags of
their own, and cameras the sign of DCF that a photograph is in Adobe RGB. Pixels stay as they are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from isthmus.image.icc import Chromaticities, Curve, display_profile
from isthmus.image.modes import GREY_MODES

_D65 = (0.3127, 0.329)
SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB,
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
# gAMA 0.45455 stands for sRGB's own curve, and chromaticities are rounded by whoever writes them.
_GAMMA_SLACK, _CHROMATICITY_SLACK = 0.005, 0.002
_GAMMAS = (0.1, 10.0)
# Modes that are neither RGB nor grey, or have no shades.
_WITHOUT_PRIMARIES = ("1", "CMYK", "LAB")
# Tags of TIFF and EXIF; what no transfer function is given for has this gamma (TIFF 6.0, section 20).
_WHITE_POINT, _PRIMARY_CHROMATICITIES, _TRANSFER_FUNCTION = 318, 319, 301
_TIFF_CURVE: Curve = (2.2,)
_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_COLOUR_SPACE, _INTEROP_INDEX = 0xA001, 1
_EXIF_SRGB, _UNCALIBRATED = 1, 0xFFFF
# DCF 2.0, 4.4.1: the optional colour space of cameras, Adobe RGB (1998).
_DCF_OPTIONAL = "R03"


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

    @property
    def is_srgb(self) -> bool:
        """Whether readers take these colours for granted where nothing is said."""
        return _same(self.chromaticities, SRGB) and self.curve == _SRGB_CURVE


_ADOBE_RGB = Said("EXIF (Adobe RGB)", (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), (563 / 256,))


def of_code_points(primaries: int, transfer: int) -> Said | None:
    """What colour primaries and transfer characteristics of H.273 say; None where they leave it open."""
    if _UNSPECIFIED in (primaries, transfer):
        return None
    where = f"the code points {primaries} and {transfer}"
    if primaries not in _PRIMARIES:
        return Said(where, SRGB, None)
    return Said(where, _PRIMARIES[primaries], _CURVES.get(transfer))


def profile_of(image: Image.Image, stored: Said | None, notes: list[str]) -> bytes:
    """An ICC profile of what a file without one says about its colours; nothing where that is sRGB, or not known.

    Args:
        image: with what Pillow found in the file.
        stored: what the file stores besides; it goes before the rest.
        notes: gets a clause on what became of it.
    """
    if image.mode in _WITHOUT_PRIMARIES:
        return b""
    said = stored or _said_by_png(image.info) or _said_by_tags(image)
    if said is None or said.is_srgb:
        return b""
    try:
        if said.curve is None:
            raise ValueError("no profile holds them")
        profile = display_profile(said.chromaticities, said.curve, image.mode in GREY_MODES)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError, struct.error) as error:
        notes.append(f"the colours described by {said.where} are taken for sRGB ({error})")
        return b""
    notes.append(f"the colours described by {said.where} are kept as an ICC profile")
    return profile


def _same(some: Chromaticities, others: Chromaticities) -> bool:
    return all(abs(a - b) <= _CHROMATICITY_SLACK for a, b in zip(some, others, strict=True))


def _said_by_png(info: dict[Any, Any]) -> Said | None:
    """By the chunks that Pillow reads; sRGB goes before the others."""
    gamma, chromaticities = info.get("gamma"), info.get("chromaticity")
    parts = [name for name, there in (("gAMA", gamma), ("cHRM", chromaticities)) if there is not None]
    if "srgb" in info:
        return Said("sRGB", SRGB, _SRGB_CURVE)
    if not parts:
        return None
    chromaticities = chromaticities or SRGB
    curve: Curve | None = _SRGB_CURVE
    if gamma is not None and (abs(gamma - 1 / 2.2) > _GAMMA_SLACK or not _same(chromaticities, SRGB)):
        curve = (1 / gamma,) if _GAMMAS[0] <= gamma <= _GAMMAS[1] else None
    return Said(" and ".join(parts), chromaticities, curve)


def _said_by_tags(image: Image.Image) -> Said | None:
    """By the tags of a TIFF or of an EXIF block."""
    try:
        exif = image.getexif()
        space = exif.get_ifd(_EXIF_IFD).get(_COLOUR_SPACE)
        if space == _UNCALIBRATED and exif.get_ifd(_INTEROP_IFD).get(_INTEROP_INDEX) == _DCF_OPTIONAL:
            return _ADOBE_RGB
        if space == _EXIF_SRGB:
            return None
        white, primaries = exif.get(_WHITE_POINT, _D65), exif.get(_PRIMARY_CHROMATICITIES, SRGB[2:])
        points = tuple(float(value) for value in (*white, *primaries))
    except (SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, struct.error):
        return None  # damaged EXIF, which is noted where the orientation is looked for
    if _TRANSFER_FUNCTION in exif:
        return Said("TransferFunction", SRGB, None)
    if len(points) != len(SRGB) or _same(points, SRGB):
        return None
    return Said("PrimaryChromaticities", points, _TIFF_CURVE)
