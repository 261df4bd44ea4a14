"""The types of the chunks of a picture's file."""

from isthmus.bitstream.chunks import END, ChunkTypes

ICC, EXIF, XMP = b"I", b"E", b"X"
ALPHA, TILE = b"A", b"T"
CHUNKS = ChunkTypes({ICC: "ICC", EXIF: "EXIF", XMP: "XMP"}, {ALPHA: "alpha", TILE: "tile"})
PART_NAMES = {ICC: "icc", EXIF: "exif", XMP: "xmp", ALPHA: "alpha", TILE: "latents", END: "end"}
"""What reports call the parts of a file, by chunk type."""
