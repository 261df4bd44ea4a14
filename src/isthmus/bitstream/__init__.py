"""The framing of .isth files: chunks, lengths, checksums, limits; knows no medium."""
