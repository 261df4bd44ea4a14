"""The types of the chunks of a picture's file."""

from isthmus.bitstream.chunks import END, ChunkTypes

ICC, EXIF, XMP, PALETTE = b"I", b"E", b"X", b"P"
ALPHA, TILE, SAMPLES = b"A", b"T", b"L"
CHUNKS = ChunkTypes(
    {ICC: "ICC", EXIF: "EXIF", XMP: "XMP", PALETTE: "palette"}, {ALPHA: "alpha", TILE: "tile", SAMPLES: "samples"}
)
PART_NAMES = {
    ICC: "icc",
    EXIF: "exif",
    XMP: "xmp",
    PALETTE: "palette",
    ALPHA: "alpha",
    TILE: "latents",
    SAMPLES: "samples",
    END: "end",
}
"""What reports call the parts of a file, by chunk type."""
