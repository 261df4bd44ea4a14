"""ICC profile, EXIF and XMP of a Pillow image as blocks, of which none says that the picture must be turned.

Blocks are carried byte for byte but for the orientation. What a file says outside of them, its resolution and its
comments, is added to EXIF where that has room, and named in a note where not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, ImageFile

from isthmus.bitstream.limits import FileLimits
from isthmus.errors import LimitExceededError
from isthmus.image import exif as tags
from isthmus.image.chunks import EXIF, ICC, PART_NAMES, XMP

INFO_KEYS = {ICC: "icc_profile", EXIF: "exif", XMP: "xmp"}
"""Where Pillow keeps metadata, by chunk type."""
# What describes the picture rather than the layout of the file: the tags of a TIFF worth carrying elsewhere.
_TIFF_DESCRIPTION = (269, 270, 271, 272, 282, 283, 285, 296, 305, 306, 315, 316, 33432, 34665, 34853)
_EXIF_IFD, _GPS_IFD = 34665, 34853
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[2-8]")
# What readers of EXIF take where it says nothing, and what many programs write without meaning it.
_USUAL_DPI = 72.0
_JFIF_UNITS = (1, 2)
_XMP_TEXT = "XML:com.adobe.xmp"
_RAW_EXIF = "Raw profile type exif"
_TEXT_TAGS = {
    "Description": tags.DESCRIPTION,
    "Title": tags.DESCRIPTION,
    "Comment": tags.DESCRIPTION,
    "Author": tags.ARTIST,
    "Copyright": tags.COPYRIGHT,
    "Software": tags.SOFTWARE,
}
_IPTC_RESOURCE, _IPTC_TAG = 0x0404, 33723
_JUMBF, _CREDENTIALS_CHUNK = b"JP", b"caBX"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
# A segment of JPEG ends at 64 KiB; all of EXIF must fit.
_MAX_TEXT_BYTES = 30_000


def metadata_of(image: Image.Image, notes: list[str]) -> dict[bytes, bytes]:
    """The blocks of a loaded image that are there, by chunk type; they are those of the picture upright.

    Args:
        image: as Pillow opened it, or made from such a one.
        notes: gets a clause for whatever is not kept.
    """
    info = image.info
    exif = info.get("exif") or (_tiff_exif(image) if image.format == "TIFF" else b"")
    xmp = info.get("xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    raw = info.get(_RAW_EXIF)
    if not exif and isinstance(raw, str):
        # Where ImageMagick kept it in PNG files before they had a chunk for it: a name, a length, hexadecimal digits.
        exif = bytes.fromhex("".join(raw.split("\n")[3:]))
    exif = tags.upright(tags.bare(bytes(exif)))
    if lost := list(_without_a_place(image)):
        notes.append(f"not kept: {', '.join(lost)}")
    blocks = {
        ICC: bytes(info.get("icc_profile") or b""),
        EXIF: _completed(exif, image, notes) if isinstance(image, ImageFile.ImageFile) else exif,
        # The picture is upright already, whatever EXIF said.
        XMP: _XMP_ORIENTATION.sub(rb"\g<1>1", xmp),
    }
    return {kind: block for kind, block in blocks.items() if block}


def info_of_blocks(blocks: Mapping[bytes, bytes]) -> dict[str | tuple[int, int], bytes]:
    """Blocks of a file under Pillow's names, as they go on to other files: EXIF says nothing of a layout."""
    return {
        key: tags.without_layout(blocks[kind]) if kind == EXIF else blocks[kind]
        for kind, key in INFO_KEYS.items()
        if kind in blocks
    }


def capped(blocks: dict[bytes, bytes], limits: FileLimits) -> dict[bytes, bytes]:
    """Blocks to write, none of which is larger than a reader takes.

    Raises:
        LimitExceededError: one is.
    """
    for kind, block in blocks.items():
        if len(block) > limits.max_metadata_bytes:
            raise LimitExceededError(
                f"the {PART_NAMES[kind]} block is too large",
                expected=f"at most {limits.max_metadata_bytes} bytes",
                got=len(block),
                hint="Leave metadata out with --strip (strip=True).",
            )
    return blocks


def _tiff_exif(image: Image.Image) -> bytes:
    source = image.getexif()
    kept = Image.Exif()
    for tag in _TIFF_DESCRIPTION:
        if tag in source:
            kept[tag] = _as_stored(source.get_ifd(tag) if tag in (_EXIF_IFD, _GPS_IFD) else source[tag])
    return kept.tobytes() if len(kept) else b""


def _as_stored(value: Any) -> Any:
    """A value with text as the bytes it was: Pillow reads any text as Latin-1, and writes only ASCII of it."""
    if isinstance(value, dict):
        return {tag: _as_stored(inner) for tag, inner in value.items()}
    return value.encode("latin-1", "replace") if isinstance(value, str) else value


def _completed(exif: bytes, image: Image.Image, notes: list[str]) -> bytes:
    """A block with the resolution and the comments that a file has outside of it."""
    added: dict[int, tuple[int, bytes]] = {}
    if (dpi := _resolution(image)) and not tags.resolution_of(exif):
        added |= tags.resolution_entries(dpi)
    left: list[str] = []
    for name, tag, text in _texts(image):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        if not data.strip(b"\0 \r\n"):
            continue
        if tag is None or tag in added or len(data) > _MAX_TEXT_BYTES or _has(exif, tag):
            left.append(name)
        else:
            added[tag] = tags.text_entry(data)
    try:
        exif = tags.with_entries(exif, added)
    except ValueError:
        left = [name for name, *_ in _texts(image)]
        if tags.X_RESOLUTION in added:
            notes.append("the resolution is not kept: the EXIF block is damaged")
    if left:
        notes.append(f"text of the file is not kept: {', '.join(left)}")
    return exif


def _without_a_place(image: Image.Image) -> Iterator[str]:
    """What a file holds that an .isth file has no place for, in words."""
    segments: list[tuple[str, bytes]] = getattr(image, "applist", [])
    resources = image.info.get("photoshop")
    if _IPTC_TAG in getattr(image, "tag_v2", {}) or (isinstance(resources, dict) and _IPTC_RESOURCE in resources):
        yield "IPTC captions"
    credentials = any(name == "APP11" and data.startswith(_JUMBF) for name, data in segments)
    if credentials or _CREDENTIALS_CHUNK in [kind for kind, *_ in getattr(image, "private_chunks", [])]:
        yield "content credentials"
    if any(data.startswith(_EXTENDED_XMP) for _, data in segments):
        yield "the extended part of XMP"
    # PNG's and JFIF's way to say how wide a pixel is for its height.
    density = image.info.get("jfif_density") if image.info.get("jfif_unit") == 0 else None
    across, down = image.info.get("aspect") or density or (1, 1)
    if across != down:
        yield f"the shape of pixels, {down}:{across}"


def _has(exif: bytes, tag: int) -> bool:
    try:
        return bool(exif) and tags.Directory.of(exif).get(tag) is not None
    except ValueError:
        return False


def _resolution(image: Image.Image) -> tuple[float, float] | None:
    """Pixels an inch, across and down, where a file says so outside of EXIF."""
    dpi = image.info.get("dpi")
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in _JFIF_UNITS:
        return None  # Pillow's guess
    try:
        across, down = (float(value) for value in dpi or ())
    except (TypeError, ValueError, ArithmeticError):
        return None
    usual = abs(across - _USUAL_DPI) < 0.02 and abs(down - _USUAL_DPI) < 0.02
    return (across, down) if min(across, down) >= 1 and max(across, down) < 1e6 and not usual else None


def _texts(image: Image.Image) -> Iterator[tuple[str, int | None, str | bytes]]:
    """(name, EXIF tag for it, text) of the comments that a file has outside of its blocks."""
    texts: dict[Any, str] = getattr(image, "text", {}) if image.format == "PNG" else {}
    kept = [name for name in _TEXT_TAGS if name in texts]
    others = [name for name in texts if name not in _TEXT_TAGS]
    for name in kept + others:
        if name not in (_XMP_TEXT, _RAW_EXIF):
            yield str(name), _TEXT_TAGS.get(name), texts[name]
    comment = image.info.get("comment")
    if image.format != "PNG" and isinstance(comment, str | bytes):
        yield "the comment", tags.DESCRIPTION, comment
