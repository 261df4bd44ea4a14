"""ICC profile, EXIF and XMP of a Pillow image as blocks, of which none says that the picture must be turned."""

import re

from PIL import Image

from isthmus.bitstream.chunks import EXIF, ICC, XMP

INFO_KEYS = {ICC: "icc_profile", EXIF: "exif", XMP: "xmp"}
"""Where Pillow keeps metadata, by chunk type."""
EXIF_PREFIX = b"Exif\0\0"
# What describes the picture rather than the layout of the file: the tags of a TIFF worth carrying elsewhere.
_TIFF_DESCRIPTION = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, 34665, 34853)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[2-8]")


def metadata_of(image: Image.Image) -> dict[bytes, bytes]:
    """The blocks of an upright image that are there, by chunk type."""
    info = image.info
    exif = info.get("exif") or (_tiff_exif(image) if image.format == "TIFF" else b"")
    if not exif and "Raw profile type exif" in info:
        # Where ImageMagick kept it in PNG files before they had a chunk for it.
        exif = image.getexif().tobytes()
    xmp = info.get("xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    blocks = {
        ICC: bytes(info.get("icc_profile") or b""),
        EXIF: bytes(exif).removeprefix(EXIF_PREFIX),
        # The picture is upright already, whatever EXIF said.
        XMP: _XMP_ORIENTATION.sub(rb"\g<1>1", xmp),
    }
    return {kind: block for kind, block in blocks.items() if block}


def _tiff_exif(image: Image.Image) -> bytes:
    source = image.getexif()
    kept = Image.Exif()
    for tag in _TIFF_DESCRIPTION:
        if tag in source:
            kept[tag] = source.get_ifd(tag) if tag in (34665, 34853) else source[tag]
    return kept.tobytes() if len(kept) else b""
