"""Folders of .isth files as data sets: arrays by number for PyTorch, or one after another; no PyTorch needed."""

from __future__ import annotations

import functools
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isthmus.batch.tree import Tree, opened
from isthmus.codec import Codec, is_encoded
from isthmus.errors import InputError
from isthmus.image.coders.protocol import SCALES
from isthmus.media import parse
from isthmus.processes import process_pool

Pixels = NDArray[np.uint8]
"""`(H, W, 3) uint8`, sRGB."""
Sample = tuple[Any, int]
"""A picture, as pixels or what was made of them, and the number of its class."""

_AHEAD = 8
"""Pictures that each worker process is ahead of whoever takes them."""


class IsthFolder:
    """The .isth files below a folder or an address, each with the folder that it lies in as its class.

    It is what PyTorch calls a map-style data set: `DataLoader(IsthFolder("train"), batch_size=64, num_workers=2)`.
    `stream` gives the same samples one after another, decoded in processes of its own.

    Args:
        address: a folder, or an address that fsspec opens, as in s3://bucket/train.
        scale: 1 for the pictures, or 2, 4, 8, 16 for smaller ones of that part of width and height, in less time.
        crop: (width, height) in pixels of a window to decode instead of the whole, which touches only its tiles.
            Smaller pictures are refused.
        place: of the window: at the centre, or anywhere, anew each time.
        transform: what is made of an array before it is handed out; it travels to worker processes.
        model: weights that are not installed, as a file.

    Attributes:
        names: the files, in order.
        classes: the first folders of their names, in order; empty where files lie in none.

    Raises:
        InputError: there are no .isth files, or an argument is outside its range.
        OSError: the address cannot be listed.

    Example:
        >>> pixels, label = IsthFolder("train")[0]                            # doctest: +SKIP
        >>> for pixels, label in IsthFolder("s3://bucket/train").stream(2):   # doctest: +SKIP
        ...     ...
    """

    def __init__(
        self,
        address: str,
        *,
        scale: Literal[1, 2, 4, 8, 16] = 1,
        crop: tuple[int, int] | None = None,
        place: Literal["centre", "anywhere"] = "centre",
        transform: Callable[[Pixels], Any] | None = None,
        model: str | None = None,
    ) -> None:
        if scale not in (1, *SCALES) or (scale > 1 and crop is not None):
            expected = f"1, or {', '.join(map(str, SCALES))} without a crop"
            raise InputError("the scale", expected=expected, got=scale)
        if place not in ("centre", "anywhere"):
            raise InputError("the place of the crop", expected="centre or anywhere", got=place)
        self.address = address
        self._reader = _Reader(address, scale, crop, place == "anywhere", transform, model)
        entries = [entry for entry in Tree(address).entries() if is_encoded(entry.name)]
        if not entries:
            raise InputError(f"{address} has no .isth files in it or below")
        self.names = [entry.name for entry in entries]
        self._sizes = [entry.size for entry in entries]
        self.classes = sorted({PurePosixPath(name).parts[0] for name in self.names if "/" in name})
        self._numbers = {name: number for number, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.names)

    def label(self, index: int) -> int:
        """The number of a file's class; -1 where it lies in no folder."""
        return self._numbers.get(PurePosixPath(self.names[index]).parts[0], -1)

    def __getitem__(self, index: int) -> Sample:
        """A picture and the number of its class.

        Returns:
            uint8 of shape (H, W), (H, W, 2), (H, W, 3) or (H, W, 4), or what the transform makes of it; and the number.

        Raises:
            IndexError: there are not so many.
            IsthmusError, OSError: the file cannot be read or decoded; the message names it.
        """
        return self._reader.read(self.names[index], self._sizes[index]), self.label(index)

    def stream(self, workers: int = 1, shuffle: int | None = None) -> Iterator[Sample]:
        """Every sample once, decoded by so many processes some pictures ahead.

        Args:
            workers: processes; where they are spawned, a script needs its `if __name__ == "__main__"`.
            shuffle: a number that decides the order; None for that of the names.

        Raises:
            IsthmusError, OSError: as of one sample.
        """
        every = np.arange(len(self)) if shuffle is None else np.random.default_rng(shuffle).permutation(len(self))
        numbers, ahead = iter(every.tolist()), deque[tuple[Future[Any], int]]()
        with process_pool(workers) as pool:
            while True:
                for number in itertools.islice(numbers, workers * _AHEAD - len(ahead)):
                    done = pool.submit(self._reader.read, self.names[number], self._sizes[number])
                    ahead.append((done, self.label(number)))
                if not ahead:
                    return
                picture, label = ahead.popleft()
                yield picture.result(), label


@dataclass(frozen=True)
class _Reader:
    """How files become arrays; it travels to worker processes, which the names of all files need not."""

    address: str
    scale: int
    crop: tuple[int, int] | None
    anywhere: bool
    transform: Callable[[Pixels], Any] | None
    model: str | None

    def read(self, name: str, size: int) -> Any:
        pixels = self._decoded(opened(self.address).read(name, _codec(self.model).limits.max_file_bytes, size), name)
        return pixels if self.transform is None else self.transform(pixels)

    def _decoded(self, data: bytes, name: str) -> Pixels:
        codec = _codec(self.model)
        if self.scale > 1:
            return np.asarray(codec.preview(data, self.scale))
        if self.crop is None:
            return codec.decode(data)
        medium, parsed = parse(data, codec.limits)
        facts = medium.info(parsed).facts
        (width, height), room = self.crop, (facts["width"] - self.crop[0], facts["height"] - self.crop[1])
        if min(room) < 0 or min(self.crop) < 1:
            size = f"{facts['width']}x{facts['height']}"
            raise InputError(f"{name} has no such window", expected=f"{width}x{height} pixels", got=size)
        # Not from a generator with a state, which every process that is forked would have in common.
        x, y = (secrets.randbelow(most + 1) if self.anywhere else most // 2 for most in room)
        pixels: Pixels = codec.decoder_of(medium, parsed).decode((x, y, width, height))
        return pixels


@functools.lru_cache(maxsize=4)
def _codec(model: str | None) -> Codec:
    """The codec of this process; one thread, since processes share the cores."""
    return Codec(model, threads=1)
