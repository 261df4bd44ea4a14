"""Pages that show .isth pictures in any browser, from disk, without a network and without Python: one file each.

A page carries its pictures, the decoder (isthmus.js, built from web/isthmus-js) and the weights that the pictures name;
the weights can also stand beside it, for several pages to share.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import NamedTuple

from isthmus.files import write_atomic
from isthmus.image.coders.table import NO_CODER
from isthmus.image.container import parse
from isthmus.image.limits import Limits
from isthmus.model.registry import installed_file
from isthmus.plain import json_text

_PIECE_BYTES = 3 << 16
"""Of what a page carries, so many bytes are read by the browser at once, in base64 a quarter of a million letters.

Taking in weights of 3 MB at once keeps the page's thread for 47 ms, and a frame has 16."""


class Shown(NamedTuple):
    """A picture of a page.

    Attributes:
        name: what stands under it.
        data: the bytes of its file.
        width, height: in pixels.
        model: the id of the weights that it needs, None where no network takes part.
    """

    name: str
    data: bytes
    width: int
    height: int
    model: bytes | None


def shown(name: str, data: bytes, limits: Limits | None = None) -> Shown:
    """A picture for a page.

    Raises:
        BitstreamError, LimitExceededError: the bytes are no whole .isth file.
    """
    parsed = parse(data, limits)
    header = parsed.header
    return Shown(name, data, header.width, header.height, None if header.coder == NO_CODER else header.model_id)


def album(pictures: Sequence[Shown], title: str, weights: str | None = None) -> str:
    """The page, as HTML.

    Args:
        pictures: in the order in which they stand.
        title: of the page.
        weights: the name of a file beside it that `weights_file` wrote; None puts the weights inside.

    Raises:
        UnknownModelError: weights are not installed.
    """
    if weights:
        carried = f'<script src="{html.escape(weights)}"></script>'
    else:
        carried = "\n".join(
            _carried("model", identity.hex(), installed_file(identity)) for identity in _needed(pictures)
        )
    return Template(_read("album.html")).substitute(
        title=html.escape(title),
        figures="\n".join(_figure(number, picture) for number, picture in enumerate(pictures)),
        files="\n".join(_carried("file", str(number), picture.data) for number, picture in enumerate(pictures)),
        weights=carried,
        decoder=_read("isthmus.js"),
        start=_read("album.js"),
    )


def write_album(path: Path, pictures: Sequence[Shown], title: str, beside: bool = False, force: bool = False) -> None:
    """Writes a page, and if the weights are to stand beside it a file of the same name that ends in `.weights.js`.

    Raises:
        UnknownModelError: weights are not installed.
        OutputExistsError: a file is there, and `force` is not set.
    """
    weights = path.with_suffix(".weights.js") if beside else None
    page = album(pictures, title, weights.name if weights else None)
    if weights:
        write_atomic(weights, _weights(pictures).encode(), force=force)
    write_atomic(path, page.encode(), force=force)


def _needed(pictures: Iterable[Shown]) -> list[bytes]:
    """The ids of the weights of pictures."""
    return sorted({picture.model for picture in pictures if picture.model is not None})


def _weights(pictures: Iterable[Shown]) -> str:
    """A script that gives the weights of pictures to the page: a page from disk may read nothing else beside it."""
    files = {identity.hex(): _pieces(installed_file(identity)) for identity in _needed(pictures)}
    return f"globalThis.isthmusWeights = {json_text(files)};\n"


def _figure(number: int, picture: Shown) -> str:
    name = html.escape(picture.name)
    size = f'data-width="{picture.width}" data-height="{picture.height}"'
    shape = f"aspect-ratio: {picture.width} / {picture.height}"
    element = f'<isth-img id="picture{number}" alt="{name}" loading="lazy" style="{shape}" {size}></isth-img>'
    return f"<figure>{element}<figcaption>{name}</figcaption></figure>"


def _carried(kind: str, name: str, data: bytes) -> str:
    """Elements with the pieces of a file, which are no scripts to a browser: it may do something else between them."""
    return "\n".join(f'<script type="text/plain" data-{kind}="{name}">{piece}</script>' for piece in _pieces(data))


def _pieces(data: bytes) -> list[str]:
    """Base64, each piece by itself."""
    starts = range(0, len(data), _PIECE_BYTES)
    return [base64.b64encode(data[start : start + _PIECE_BYTES]).decode("ascii") for start in starts]


def _read(name: str) -> str:
    return (resources.files("isthmus.album") / name).read_text(encoding="utf-8")
