"""The types of the chunks of a sound's file."""

from isthmus.bitstream.chunks import END, ChunkTypes

TAGS, BLOCK = b"M", b"B"
CHUNKS = ChunkTypes({TAGS: "tags"}, {BLOCK: "block"})
PART_NAMES = {TAGS: "tags", BLOCK: "blocks", END: "end"}
"""What reports call the parts of a file, by chunk type."""
