"""The pictures that visitors dropped, and what was made of them: kept in memory, the oldest given up first."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.album import album, shown
from isthmus.bench.codec import Weights, bits_map, isthmus_codec
from isthmus.bench.compare import Outcome, beside, run_once
from isthmus.bench.metrics import Picture as Region
from isthmus.bench.rivals import RIVALS, Asked, Rival
from isthmus.bench.shown import shown_window
from isthmus.bitstream.head import MAGIC
from isthmus.codec import SUFFIX, Codec
from isthmus.coding.payload import decode_latents
from isthmus.errors import InputError, LimitExceededError
from isthmus.image.container import parse
from isthmus.image.files import open_picture
from isthmus.image.header import NO_MODEL
from isthmus.image.info import Info, info_of
from isthmus.image.limits import Limits
from isthmus.image.saving import write_picture
from isthmus.model.registry import find_model, is_installed
from isthmus.tune import Tune

SHOWN_RIVALS = ("jpeg", "webp", "avif-s6")
KEPT_RESULTS = 12
KEPT_BYTES = 512 << 20
_LATENT_TILES = 4


@dataclass(frozen=True)
class Dials:
    """Where the dials stand.

    Attributes:
        quality: 0 to 100.
        tune: None for the default, where the weights have this dial.
    """

    quality: float
    tune: Tune | None = None

    @property
    def text(self) -> str:
        """For people."""
        return f"quality {self.quality:g}" + (f", tune {self.tune.text}" if self.tune else "")


@dataclass
class Dropped:
    """One picture of one visitor.

    Attributes:
        name: the file's name, for people and for downloads.
        file: the bytes that were dropped.
        region: (h, w, 3) uint8, what is shown and measured: all of a small picture, the middle of a large one.
        width, height: of the whole picture.
        has_alpha: whether it has transparency.
        notes: what was changed on reading, a clause each.
        info: what the file says, if it is an .isth file; then there is no original to compare with.
        results: what was made of it, by what and where the dials stood.
        turn: held while something is made of it, so that one visitor takes one place in the queue.
    """

    name: str
    file: bytes
    region: Region
    width: int
    height: int
    has_alpha: bool = False
    notes: tuple[str, ...] = ()
    info: Info | None = None
    results: OrderedDict[tuple[str, Dials], Any] = field(default_factory=OrderedDict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes."""
        # A list, made at once: threads add to the results meanwhile.
        results = list(self.results.values())
        kept = (len(result) if isinstance(result, bytes) else self.region.nbytes for result in results)
        return len(self.file) + self.region.nbytes + sum(kept)

    def once(self, what: str, dials: Dials, make: Callable[[], Any]) -> Any:
        """The result of ``make``, made at the first call and kept for a while."""
        key = (what, dials)
        if key not in self.results:
            self.results[key] = make()
            while len(self.results) > KEPT_RESULTS:
                self.results.popitem(last=False)
        self.results.move_to_end(key)
        return self.results[key]


class Store:
    """Dropped pictures by a name that nobody guesses."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Dropped] = OrderedDict()

    def put(self, dropped: Dropped) -> str:
        """Keep a picture; the oldest make room for it."""
        key = secrets.token_urlsafe(16)
        self._kept[key] = dropped
        while len(self._kept) > 1 and sum(kept.size for kept in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> Dropped | None:
        """The picture, if it is still there."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)


class Studio:
    """Everything that takes long: reading, encoding, comparing. Its methods are called from worker threads.

    Args:
        weights: what isthmus encodes with.
        threads: of each codec that takes a number of threads.
        limits: what a dropped file may ask for.
    """

    def __init__(self, weights: Weights, threads: int, limits: Limits) -> None:
        self.limits = limits
        self._threads = threads
        self._weights = weights
        self._codec = Codec(weights.load(), threads, limits)
        # Loads the weights, which are not part of anybody's seconds.
        isthmus = self._isthmus(None)
        isthmus.decode(isthmus.encode(np.zeros((16, 16, 3), np.uint8), 50, threads), threads)

    @property
    def has_tune(self) -> bool:
        """Whether the weights have a second dial."""
        return self._weights.has_tune

    def read(self, name: str, file: bytes) -> Dropped:
        """A dropped file, a picture or an .isth file.

        Raises:
            IsthmusError: it is neither, damaged, or too large.
        """
        name = PurePath(name.replace("\\", "/")).name[:200] or "picture"
        if not file:
            raise InputError("the file is empty", expected="a picture or an .isth file")
        if file.startswith(MAGIC[:5]):
            info = info_of(parse(file, self.limits))
            left, top, right, bottom = shown_window(info.height, info.width)
            region = self._codec.decode(file, (left, top, right - left, bottom - top))
            return Dropped(name, file, region, info.width, info.height, "A" in info.restored_mode, info=info)
        picture = open_picture(io.BytesIO(file), self.limits, depth=8)
        left, top, right, bottom = shown_window(picture.height, picture.width)
        region = np.array(picture(top, left, bottom - top, right - left))
        return Dropped(name, file, region, picture.width, picture.height, picture.has_alpha, picture.notes)

    def outcome(self, dropped: Dropped, codec: str, dials: Dials) -> Outcome:
        """isthmus where its dials stand, or a rival at the setting that comes nearest to the bytes of that."""
        reference: Outcome = dropped.once(
            "isthmus",
            dials,
            lambda: run_once(dropped.region, self._isthmus(dials.tune), dials.quality, self._threads),
        )
        if codec == "isthmus":
            return reference
        if codec not in SHOWN_RIVALS:
            raise InputError("unknown codec", expected=f"one of isthmus, {', '.join(SHOWN_RIVALS)}", got=codec)

        outcome: Outcome = dropped.once(
            codec,
            dials,
            lambda: beside(dropped.region, RIVALS[codec], float(len(reference.data)), "bytes", self._threads),
        )
        return outcome

    def bits(self, dropped: Dropped, dials: Dials) -> NDArray[np.float32]:
        """Bits of each 16x16 block of the region."""
        bits: NDArray[np.float32] = dropped.once(
            "bits", dials, lambda: bits_map(self._tuned(dials.tune), dropped.region, dials.quality)
        )
        return bits

    def _tuned(self, tune: Tune | None) -> Weights:
        return replace(self._weights, asked=Asked(tune=tune))

    def _isthmus(self, tune: Tune | None) -> Rival:
        return isthmus_codec(self._tuned(tune))

    def latents(self, dropped: Dropped, dials: Dials) -> NDArray[np.float32]:
        """Decoded latents (h, w, C) of the region, or of a dropped .isth file, in steps."""
        data = dropped.file if dropped.info else self.outcome(dropped, "isthmus", dials).data
        latents: NDArray[np.float32] = dropped.once("latents", dials, lambda: self._latents(data))
        return latents

    def _latents(self, data: bytes) -> NDArray[np.float32]:
        parsed = parse(data, self.limits)
        if parsed.header.model_id == NO_MODEL:
            raise InputError("the file has no latents: no network takes part in it")
        grid = parsed.header.grid
        if grid.count > _LATENT_TILES:
            raise LimitExceededError(
                "the file is too large to show its latents", expected=f"at most {_LATENT_TILES} tiles", got=grid.count
            )
        model, wanted = self._codec.model, parsed.header.model_id
        if model.id != wanted:
            model = find_model(wanted)
        tune = parsed.header.tune
        places = parsed.header.quality.hundredths, tune.hundredths if tune else 0
        out = np.empty((grid.latent_height, grid.latent_width, model.latents), np.float32)
        for index in range(grid.count):
            top, left, height, width = grid.latent_box(index)
            tile = decode_latents(model.entropy, parsed.tile(index), height, width, *places)
            out[top : top + height, left : left + width] = tile
        return out

    def whole_file(self, dropped: Dropped, dials: Dials) -> bytes:
        """The .isth file of the whole picture, with its transparency and metadata."""
        if dropped.info:
            return dropped.file
        file: bytes = dropped.once(
            "file",
            dials,
            lambda: self._codec.encode(
                open_picture(io.BytesIO(dropped.file), self.limits, depth=8), dials.quality, tune=dials.tune
            ),
        )
        return file

    def decoded_file(self, dropped: Dropped, dials: Dials, format_name: str) -> bytes:
        """The whole picture as it is decoded from its .isth file, as a file of the format of that name of Pillow's.

        Raises:
            InputError: the format cannot hold it, as JPEG no transparency.
        """
        file: bytes = dropped.once(
            format_name, dials, lambda: self._saved(self.whole_file(dropped, dials), format_name)
        )
        return file

    def has_page(self, dropped: Dropped) -> bool:
        """Whether a page can carry all that shows the picture: weights that are not installed it cannot."""
        identity = bytes.fromhex(dropped.info.model_id) if dropped.info else self._codec.model.id
        return identity == NO_MODEL or is_installed(identity)

    def page(self, dropped: Dropped, dials: Dials) -> bytes:
        """A page that shows the whole picture from disk, in any browser: what `isthmus page` writes.

        Raises:
            UnknownModelError: its weights are not installed.
        """
        file: bytes = dropped.once("page", dials, lambda: self._page(dropped.name, self.whole_file(dropped, dials)))
        return file

    def _page(self, name: str, data: bytes) -> bytes:
        title = PurePath(name).stem
        return album([shown(title + SUFFIX, data, self.limits)], title).encode()

    def _saved(self, data: bytes, format_name: str) -> bytes:
        file = io.BytesIO()
        write_picture(self._codec.decode_image(data), file, format_name)
        return file.getvalue()
