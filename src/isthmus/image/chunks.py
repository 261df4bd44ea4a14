"""The types of the chunks of a picture's file."""

from isthmus.bitstream.chunks import END, ChunkTypes

ICC, EXIF, XMP, PALETTE = b"I", b"E", b"X", b"P"
ALPHA, TILE, SAMPLES, SHARP = b"A", b"T", b"L", b"S"
CHUNKS = ChunkTypes(
    {ICC: "ICC", EXIF: "EXIF", XMP: "XMP", PALETTE: "palette"},
    {ALPHA: "alpha", TILE: "tile", SAMPLES: "samples", SHARP: "sharp"},
)
PART_NAMES = {
    ICC: "icc",
    EXIF: "exif",
    XMP: "xmp",
    PALETTE: "palette",
    ALPHA: "alpha",
    TILE: "latents",
    SAMPLES: "samples",
    SHARP: "sharp",
    END: "end",
}
"""What reports call the parts of a file, by chunk type."""
