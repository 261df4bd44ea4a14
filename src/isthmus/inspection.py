"""What `verify` and `info` say of one .isth file, to programs and to people."""

from __future__ import annotations

from typing import Any

from isthmus.codec import Codec
from isthmus.medium.protocol import Progress

Said = tuple[dict[str, Any], str]
"""As JSON's types, and in lines."""


def verified(codec: Codec, name: str, data: bytes, progress: Progress | None = None) -> Said:
    """Size and bytes of a file that decodes.

    Raises:
        IsthmusError: it does not.
    """
    found = codec.verify(data, progress)
    text = f"{name}: whole and decodable, {found.extent}, {found.bytes} bytes"
    return {"input": name, "ok": True, **found.facts, "bytes": found.bytes}, text


def described(codec: Codec, name: str, data: bytes) -> Said:
    """What a file says of itself.

    Raises:
        IsthmusError: it is none, or damaged.
    """
    found = codec.inspect(data)
    return {"input": name} | found.as_dict(), f"{name}: {found.text()}"
