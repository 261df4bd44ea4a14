"""What any file may ask for before anything is allocated; a medium adds limits of its own."""

from dataclasses import dataclass, fields

from isthmus.errors import InputError
from isthmus.plain import whole


@dataclass(frozen=True)
class FileLimits:
    """What a file of any medium may ask for before anything is allocated.

    Attributes:
        max_file_bytes: size of one compressed file.
        max_metadata_bytes: size of one uncompressed block of metadata.
    """

    max_file_bytes: int = 2**30
    max_metadata_bytes: int = 2**24

    def __post_init__(self) -> None:
        for field in fields(self):
            plain = whole(getattr(self, field.name), f"the limit {field.name}", "a whole number, at least 0")
            if plain < 0:
                raise InputError(f"the limit {field.name}", expected="at least 0", got=plain)
            object.__setattr__(self, field.name, plain)
