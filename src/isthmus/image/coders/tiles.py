"""Tiles to pixels, row by row: each tile's latents are decoded once, put together to windows, and synthesised.

A coder says how a tile is decoded, which window of latents the pixels of a part of the picture need, and how a window
becomes pixels. Beyond the picture's edges a window shows the mirror image of what lies inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from isthmus.image.box import Box
from isthmus.image.coders.protocol import Payloads, UInt8
from isthmus.image.grid import BLOCK, Grid, is_reversed, mirrored
from isthmus.medium.crew import Crew, Pending
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting

Float32 = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int16] | Float32
"""Whole numbers: nearly always of 16 bits, in half the memory, and of 24 where those do not suffice."""


def dtype_for(numbers: npt.NDArray[Any]) -> type[np.int16] | type[np.float32]:
    """What whole numbers are to be kept in."""
    most = max(numbers.max(), -numbers.min())
    return np.int16 if most <= np.iinfo(np.int16).max else np.float32


def compact(numbers: Float32) -> Whole:
    """Whole numbers to be kept."""
    return numbers.astype(np.int16) if dtype_for(numbers) is np.int16 else numbers


class Window(NamedTuple):
    """Latents of a box.

    Attributes:
        latents: (h, w, C) float32, whole numbers.
        turned_rows, turned_columns: which rows and columns a mirror shows, back to front.
    """

    latents: Float32
    turned_rows: npt.NDArray[np.intp]
    turned_columns: npt.NDArray[np.intp]


class Synthesis(Protocol):
    """How a coder makes pixels."""

    def tile(self, index: int) -> Whole:
        """Latents (h, w, C) of a tile as whole numbers; raises CorruptError if its payload is damaged."""
        ...

    def around(self, part: Box) -> Box:
        """Latent positions that a part of the picture, a box in pixels, needs."""
        ...

    def pixels(self, window: Window, around: Box, part: Box) -> UInt8:
        """Pixels (h, w, 3) of a part, from the window around it."""
        ...


class DecodedTiles:
    """Decoded latents of a picture: a tile when it is first needed, until it is forgotten.

    Args:
        decode: decode(index) gives the latents of a tile, see `Synthesis.tile`.
        grid: where the tiles lie.
        crew: who decodes the tiles.
    """

    def __init__(self, decode: Callable[[int], Whole], grid: Grid, crew: Crew):
        self._decode, self._grid, self._crew = decode, grid, crew
        self._kept: dict[tuple[int, int], Pending[Whole]] = {}

    def __len__(self) -> int:
        """How many tiles are kept."""
        return len(self._kept)

    def prepare(self, box: Box) -> None:
        """Has the tiles decoded that the window of a box is going to ask for."""
        grid, side = self._grid, self._grid.tile // BLOCK
        rows = mirrored(np.arange(box.top, box.bottom), grid.latent_height) // side
        columns = mirrored(np.arange(box.left, box.right), grid.latent_width) // side
        for i in np.unique(rows):
            for j in np.unique(columns):
                self._tile(int(i), int(j))

    def window(self, box: Box) -> Callable[[], Window]:
        """Puts the latents of a box together.

        What is returned waits for the tiles, in whatever thread, and raises CorruptError if a payload is damaged.
        """
        rows, columns = np.arange(box.top, box.bottom), np.arange(box.left, box.right)
        grid, side = self._grid, self._grid.tile // BLOCK
        r, c = mirrored(rows, grid.latent_height), mirrored(columns, grid.latent_width)
        tiles = {(i, j): self._tile(int(i), int(j)) for i in np.unique(r // side) for j in np.unique(c // side)}
        turned_rows = np.flatnonzero(is_reversed(rows, grid.latent_height))
        turned_columns = np.flatnonzero(is_reversed(columns, grid.latent_width))

        def together() -> Window:
            out: Float32 | None = None
            for (i, j), tile in tiles.items():
                at_rows, at_columns = np.flatnonzero(r // side == i), np.flatnonzero(c // side == j)
                part = tile.result()[np.ix_(r[at_rows] - i * side, c[at_columns] - j * side)]
                if out is None:
                    out = np.empty((box.height, box.width, part.shape[2]), np.float32)
                out[np.ix_(at_rows, at_columns)] = part
            assert out is not None
            return Window(out, turned_rows, turned_columns)

        return together

    def forget(self, row: int, column: int) -> None:
        """Lets go of a tile, if it was decoded."""
        self._kept.pop((row, column), None)

    def _tile(self, row: int, column: int) -> Pending[Whole]:
        if (row, column) not in self._kept:
            index = row * self._grid.columns + column
            self._kept[row, column] = self._crew.submit(self._decode, index)
        return self._kept[row, column]


def decode_box(setting: Setting, synthesis: Synthesis, grid: Grid, box: Box) -> Iterator[tuple[Box, UInt8]]:
    """(place in the picture, pixels (h, w, 3) uint8) of the part of each tile that lies in a box, row by row.

    Raises:
        CorruptError: a payload is damaged.
    """
    rows = range(box.top // grid.tile, (box.bottom - 1) // grid.tile + 1)
    columns = range(box.left // grid.tile, (box.right - 1) // grid.tile + 1)
    places = [(i, j) for i in rows for j in columns]
    parts = [Box(i * grid.tile, j * grid.tile, grid.tile, grid.tile).shared(box) for i, j in places]
    with setting.crew(grid.count) as crew:
        tiles = DecodedTiles(synthesis.tile, grid, crew)

        def handed_out() -> Iterator[Pending[UInt8]]:
            """The syntheses of all parts, to come; the tiles for the next few are decoded meanwhile."""
            for index, (i, j) in enumerate(places):
                for part in parts[index : index + 1 + crew.ahead]:
                    tiles.prepare(synthesis.around(part))
                around = synthesis.around(parts[index])
                window = tiles.window(around)
                # Synthesis looks one tile around: what lies further above, or left in the last row, is done with.
                done = {(i - 1, j - 1)}
                if i == rows[-1]:
                    done |= {(i, j - 1), (i + 1, j - 1)}
                if j == columns[-1]:
                    done |= {(i - 1, j), (i - 1, j + 1)}
                for tile in done:
                    tiles.forget(*tile)
                # Work begins in the order of its submission: whoever waits for tiles here, others are decoding them.
                yield crew.submit(_synthesise, synthesis, window, around, parts[index])

        yield from zip(parts, crew.in_order(handed_out()), strict=True)


def encoded(
    setting: Setting, grid: Grid, hand_out: Callable[[Crew, int], Pending[bytes]], progress: Progress | None = None
) -> Iterator[bytes]:
    """The payloads of all tiles, row by row.

    Args:
        setting: says how many threads there are.
        grid: where the tiles lie.
        hand_out: hand_out(crew, index) has the crew encode a tile. It is called in the caller's own thread: whoever
            gives pixels need not know of others.
        progress: called with (tiles done, tiles in all).
    """
    with setting.crew(grid.count) as crew:
        pending = (hand_out(crew, index) for index in range(grid.count))
        for done, payload in enumerate(crew.in_order(pending), 1):
            yield payload
            if progress:
                progress(done, grid.count)


def check_each(setting: Setting, grid: Grid, payloads: Payloads, decode: Callable[[bytes, int], object]) -> None:
    """Decodes all tiles and keeps nothing: decode(payload, index) raises CorruptError if one is damaged."""
    with setting.crew(grid.count) as crew:
        for _ in crew.in_order(crew.submit(decode, payloads(index), index) for index in range(grid.count)):
            pass


def rows_of(
    parts: Iterable[tuple[Box, UInt8]], grid: Grid, progress: Progress | None = None
) -> Iterator[tuple[int, UInt8]]:
    """(top, strip) in order, of the parts of a whole picture: strips (h, width, 3) uint8, a row of tiles each."""
    for done, (part, pixels) in enumerate(parts, 1):
        if part.left == 0:
            strip = np.empty((part.height, grid.width, 3), np.uint8)
        strip[:, part.left : part.right] = pixels
        if progress:
            progress(done, grid.count)
        if part.right == grid.width:
            yield part.top, strip


def window_of(parts: Iterable[tuple[Box, UInt8]], box: Box) -> UInt8:
    """The pixels (h, w, 3) uint8 of a box from the parts of it."""
    out = np.empty((box.height, box.width, 3), np.uint8)
    for part, pixels in parts:
        out[part.within(box).slices] = pixels
    return out


def _synthesise(synthesis: Synthesis, window: Callable[[], Window], around: Box, part: Box) -> UInt8:
    return synthesis.pixels(window(), around, part)
