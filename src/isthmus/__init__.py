"""Image compression by learned autoencoders: the public names, loaded when they are first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.codec import Codec
    from isthmus.errors import (
        BitstreamError,
        CorruptError,
        InputError,
        IsthmusError,
        LimitExceededError,
        MissingExtraError,
        ModelError,
        NotIsthmusError,
        OutputExistsError,
        SelfCheckError,
        TooNewError,
        TruncatedError,
        UnknownModelError,
        UnsupportedPictureError,
    )
    from isthmus.image.info import Info
    from isthmus.image.limits import Limits
    from isthmus.reading import decode, decode_file, decode_image, inspect, preview, verify
    from isthmus.targets import encode, encode_file

__version__ = "0.1.0"

_HOMES = {
    "isthmus.codec": ("Codec",),
    "isthmus.reading": ("decode", "decode_file", "decode_image", "inspect", "preview", "verify"),
    "isthmus.image.info": ("Info",),
    "isthmus.targets": ("encode", "encode_file"),
    "isthmus.image.limits": ("Limits",),
    "isthmus.errors": (
        "BitstreamError",
        "CorruptError",
        "InputError",
        "IsthmusError",
        "LimitExceededError",
        "MissingExtraError",
        "ModelError",
        "NotIsthmusError",
        "OutputExistsError",
        "SelfCheckError",
        "TooNewError",
        "TruncatedError",
        "UnknownModelError",
        "UnsupportedPictureError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BitstreamError",
    "Codec",
    "CorruptError",
    "Info",
    "InputError",
    "IsthmusError",
    "LimitExceededError",
    "Limits",
    "MissingExtraError",
    "ModelError",
    "NotIsthmusError",
    "OutputExistsError",
    "SelfCheckError",
    "TooNewError",
    "TruncatedError",
    "UnknownModelError",
    "UnsupportedPictureError",
    "__version__",
    "decode",
    "decode_file",
    "decode_image",
    "encode",
    "encode_file",
    "inspect",
    "preview",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
