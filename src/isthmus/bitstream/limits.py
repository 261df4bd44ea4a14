"""What a file may ask for before anything is allocated."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a file may ask for before anything is allocated; raise a limit for files you trust.

    Attributes:
        max_pixels: width times height. 16384 squared, the default of libavif.
        max_file_bytes: size of one compressed file.
        max_metadata_bytes: size of one uncompressed ICC, EXIF or XMP block; real ones stay below 4 MiB.
    """

    max_pixels: int = 16384**2
    max_file_bytes: int = 2**30
    max_metadata_bytes: int = 2**24
