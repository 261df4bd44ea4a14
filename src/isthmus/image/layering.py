"""Which layer shows where: what a block costs and how it looks in either, at the quality's own price of bits.

Only pictures that have some of what the sharp layer is for are looked at more closely: blocks with edges in which many
pixels repeat their neighbours exactly, as in what was drawn and in hardly anything that was photographed; or, as in
scanned pages, mostly blocks of ink on paper. Their tiles
are coded by networks and by the sharp coder, wholly and in part, and what is cheapest is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.effort import Effort
from isthmus.image.av1 import can_encode
from isthmus.image.box import Box
from isthmus.image.coders.protocol import Coder, PixelSource
from isthmus.image.fill import FilledColours
from isthmus.image.grid import BLOCK, TILE, Grid
from isthmus.image.mask import Mask, everywhere
from isthmus.image.picture import Picture, Pixels
from isthmus.image.sharp import NOWHERE, decode_sharp, encode_sharp
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.quality import Quality

_REPEATS = 0.25
"""Share of pixels of a drawn block that repeat both the one above and the one on the left."""
_EDGE = 24
"""Levels between the darkest and the lightest pixel of a block with an edge."""
_DRAWN_SHARE, _DRAWN_BLOCKS = 0.05, 4
"""From how many drawn blocks on a tile is looked at: 5 % of those that are not flat. Photographs have hardly any."""
_HINT_SHARE, _UNSHOWN = 0.01, 4.0
"""From fewer on where networks leave so large a mean squared error at any quality: hard edges of one pixel."""
_PAPER, _NEAR_PAPER, _INK = 0.5, 8, 64
"""Half of the pixels of a printed block are within so many levels of their median, and others far away: noise hides
that any are alike."""
_SCANNED = 0.1
"""Drawn blocks of a scanned page are fewer: noise hides what repeats itself."""
_PRINTED_SHARE = 0.4
"""From how many printed blocks on a picture is taken for a scanned page: no Kodak picture has more than 24 %."""
_BUSY_SHARE = 0.02
"""Up to which share of other blocks a picture is drawn all over."""

_ROWS = 64 * BLOCK

Float64 = NDArray[np.float64]
Slices = tuple[slice, slice]


@dataclass(frozen=True)
class Layered:
    """A picture in one layer or two.

    Attributes:
        sharp: a payload for each tile; None where that layer shows nowhere.
        photo: a payload for each tile; None where that layer shows nowhere, or is still to be coded.
    """

    sharp: list[bytes] | None
    photo: list[bytes] | None


def all_sharp(picture: Picture, quality: Quality, effort: Effort = 1, progress: Progress | None = None) -> Layered:
    """The sharp layer everywhere.

    Raises:
        MissingExtraError: Pillow has no AV1.
    """
    grid = Grid(picture.width, picture.height, TILE)
    payloads = []
    for index in range(grid.count):
        pixels = picture(*grid.tile_box(index))
        payloads.append(encode_sharp(pixels, everywhere(*pixels.shape[:2]), quality, effort))
        if progress:
            progress(index + 1, grid.count)
    return Layered(payloads, None)


def layers_of(
    picture: Picture,
    find_coder: Callable[[], Coder],
    setting: Setting,
    effort: Effort = 1,
    progress: Progress | None = None,
) -> Layered:
    """A picture in the layers that suit it; neither layer where it has nothing for the sharp one.

    Arguments:
        find_coder: the coder of the photo layer, asked for where that layer may show.

    Raises:
        ModelError, SelfCheckError: as `Coder.encode_tiles`.
    """
    drawn, flat = _kinds(picture, setting)
    if not can_encode() or not _worth_a_look(drawn, flat, lambda box: find_coder().least_error(setting, picture, box)):
        return Layered(None, None)
    if (~drawn & ~flat).mean() <= _BUSY_SHARE:
        return all_sharp(picture, setting.quality, effort, progress)
    return _cheapest(picture, find_coder(), setting, effort, progress, _closed(drawn | flat))


def bits_of_error(quality: Quality) -> float:
    """Bits that one unit of squared error of a sample is worth: 7.5 over the square of the models' nominal step."""
    step = 300.0 * (4 / 300) ** quality.share
    return float(7.5 / step**2)


def _kinds(picture: Picture, setting: Setting) -> tuple[Mask, Mask]:
    """(drawn, flat): which blocks have edges and repeat themselves, and which are of one colour, nearly.

    On a scanned page, printed ones count as drawn.
    """
    tops = range(0, picture.height, _ROWS)
    with setting.crew(len(tops)) as crew:
        rows = (picture(top, 0, min(_ROWS, picture.height - top), picture.width) for top in tops)
        found = crew.in_order(crew.submit(_kinds_of_rows, pixels) for pixels in rows)
        drawn, flat, printed = (np.concatenate(masks) for masks in zip(*found, strict=True))
    # A page that was never scanned says itself what is drawn: ink would take its photographs as well.
    scanned = printed.mean() >= _PRINTED_SHARE and drawn.mean() < _SCANNED
    return drawn | printed if scanned else drawn, flat


def _kinds_of_rows(pixels: Pixels) -> tuple[Mask, Mask, Mask]:
    """(drawn, flat, printed): as `_kinds`, and which blocks are of ink on paper, of pixels (h, w, 3)."""
    whole = _padded(pixels)
    green = np.ascontiguousarray(whole[..., 1])
    contrast = _over_blocks(np.maximum, green) - _over_blocks(np.minimum, green)
    repeating = _over_blocks(np.add, _repeats(whole).astype(np.uint16))
    inked = contrast >= _INK
    inked[inked] = _share_of_paper(_blocks(green)[inked]) >= _PAPER
    return (repeating >= _REPEATS * BLOCK**2) & (contrast >= _EDGE), contrast <= 1, inked


def _repeats(pixels: Pixels) -> Mask:
    """(h, w): which pixels (h, w, 3) are as the one above and the one on the left."""
    # Colours of one word each are compared several times faster than three samples are.
    colours = np.zeros((*pixels.shape[:2], 4), np.uint8)
    colours[..., :3] = pixels
    words = colours.view(np.uint32)[..., 0]
    repeats = np.zeros(words.shape, bool)
    repeats[:, 1:] = words[:, 1:] == words[:, :-1]
    repeats[1:] &= words[1:] == words[:-1]
    return repeats


def _share_of_paper(blocks: Pixels) -> Float64:
    """(n,): of blocks (n, 256), how many pixels are near the median."""
    middle = BLOCK**2 // 2
    levels = blocks.astype(np.int16)
    median = np.partition(levels, middle, axis=-1)[:, middle, None]
    return np.asarray((np.abs(levels - median) <= _NEAR_PAPER).mean(-1))


def _blocks(plane: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns, 256): the samples of each block of a plane (h, w) of whole blocks."""
    rows, columns = (side // BLOCK for side in plane.shape)
    return plane.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows, columns, BLOCK**2)


def _over_blocks(operation: np.ufunc, plane: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns): an operation over the samples of each block of a plane (h, w) of whole blocks."""
    rows, columns = (side // BLOCK for side in plane.shape)
    # Whole rows first, which the processor takes many samples at a time.
    across = operation.reduce(plane.reshape(rows, BLOCK, columns * BLOCK), axis=1)
    return np.asarray(operation.reduce(across.reshape(rows, columns, BLOCK), axis=2))


def _worth_a_look(drawn: Mask, flat: Mask, least_error: Callable[[Box], float]) -> bool:
    """Whether any part of the size of a tile has enough drawn blocks, beside those of one colour.

    Arguments:
        least_error: the mean squared error of the samples of a box of blocks that networks leave at any quality.
    """
    side = TILE // BLOCK
    rows, columns = drawn.shape
    hinted = []
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            box = Box(top, left, min(side, rows - top), min(side, columns - left))
            marks, busy = int(drawn[box.slices].sum()), int((~flat[box.slices]).sum())
            if marks >= max(_DRAWN_BLOCKS, _DRAWN_SHARE * busy):
                return True
            if marks >= max(_DRAWN_BLOCKS, _HINT_SHARE * busy):
                hinted.append(box)
    # Errors take longer, and a model: they are asked for where no part has enough by itself.
    return any(least_error(box) >= _UNSHOWN for box in hinted)


def _closed(mask: Mask) -> Mask:
    """The mask without specks and holes: a block without a neighbour in it goes, one with three or more joins."""
    edges = np.pad(mask, 1, mode="edge").astype(int)
    around = edges[:-2, 1:-1] + edges[2:, 1:-1] + edges[1:-1, :-2] + edges[1:-1, 2:]
    closed: Mask = (mask & (around >= 1)) | (around >= 3)
    return closed


@dataclass(frozen=True)
class _Coded:
    """A layer of a picture, coded.

    Attributes:
        payloads: one for each tile.
        errors: (rows, columns): squared errors of all samples, summed over each block of the picture.
    """

    payloads: list[bytes]
    errors: Float64

    def cost(self, index: int, at: Slices, price: float, shown: Mask) -> float:
        """Bits of a tile, and errors where it shows."""
        return 8 * len(self.payloads[index]) + price * float(self.errors[at][shown].sum())


def _cheapest(
    picture: Picture, coder: Coder, setting: Setting, effort: Effort, progress: Progress | None, mask: Mask
) -> Layered:
    """What costs least, bits and errors, tile by tile: networks alone, both layers by the mask, the sharp one alone."""
    grid, price = Grid(picture.width, picture.height, coder.tile), bits_of_error(setting.quality)
    photo = _photo(picture, picture, coder, setting, effort, progress)
    beneath = _photo(picture, Beneath(picture, mask), coder, setting, effort)
    sharp, masks = [bytes([NOWHERE])] * grid.count, np.zeros_like(mask)
    saved, believed = 0.0, 0  # bits in all; bytes of the photo layer
    for index in range(grid.count):
        at = grid.latent_box(index).slices
        whole = np.ones_like(mask[at])
        alone = least = photo.cost(index, at, price, whole)
        size = len(photo.payloads[index])
        pixels = picture(*grid.tile_box(index))
        for wanted in _wanted(mask[at]):
            payload, errors = _sharp(pixels, wanted, setting.quality, effort)
            cost, rest = 8 * len(payload) + price * float(errors[wanted].sum()), 0
            if not wanted.all():
                cost, rest = cost + beneath.cost(index, at, price, ~wanted), len(beneath.payloads[index])
            if cost < least:
                least, size, sharp[index], masks[at] = cost, rest, payload, wanted
        saved, believed = saved + alone - least, believed + size
    if not masks.any():
        return Layered(None, photo.payloads)
    if masks.all():
        return Layered(sharp, None)
    if (masks == mask).all():
        return Layered(sharp, beneath.payloads)
    # Tiles of different choices side by side: what networks make of them now is to be seen.
    payloads = list(coder.encode_tiles(setting, Beneath(picture, masks), effort))
    more = 8 * (sum(map(len, payloads)) - believed)
    return Layered(sharp, payloads) if more < saved else Layered(None, photo.payloads)


def _wanted(mask: Mask) -> list[Mask]:
    """Where the sharp layer may show in a tile that has some of what it is for."""
    if not mask.any():
        return []
    whole = np.ones_like(mask)
    return [whole] if mask.all() else [mask, whole]


def _photo(
    picture: Picture,
    source: PixelSource,
    coder: Coder,
    setting: Setting,
    effort: Effort,
    progress: Progress | None = None,
) -> _Coded:
    """What networks make of a source, compared with the picture."""
    payloads = list(coder.encode_tiles(setting, source, effort, progress))
    strips = coder.decode_rows(setting, payloads.__getitem__, Grid(picture.width, picture.height, coder.tile))
    errors = [_block_errors(picture(top, 0, *strip.shape[:2]), strip) for top, strip in strips]
    return _Coded(payloads, np.concatenate(errors))


def _sharp(pixels: Pixels, mask: Mask, quality: Quality, effort: Effort) -> tuple[bytes, Float64]:
    """The payload of a tile's sharp layer, and its squared errors by blocks."""
    payload = encode_sharp(pixels, mask, quality, effort)
    tile = decode_sharp(payload, *pixels.shape[:2])
    assert tile.pixels is not None
    return payload, _block_errors(pixels, tile.pixels)


def _block_errors(wanted: Pixels, found: Pixels) -> Float64:
    """(rows, columns): squared errors of all samples, summed over each block."""
    squares = (wanted.astype(np.int32) - found) ** 2
    padded = np.pad(squares.sum(-1), [(0, -side % BLOCK) for side in squares.shape[:2]])
    sums: Float64 = _blocks(padded).sum(-1).astype(float)
    return sums


def _padded(pixels: Pixels) -> Pixels:
    """Pixels (h, w, 3) continued to whole blocks."""
    return np.pad(pixels, [(0, -side % BLOCK) for side in pixels.shape[:2]] + [(0, 0)], mode="edge")


class Beneath:
    """The photo layer of a picture: where the sharp one shows, what is smooth continues what is around it.

    Args:
        picture: as it is to look.
        mask: where the sharp layer shows.
    """

    def __init__(self, picture: Picture, mask: Mask):
        self.width, self.height = picture.width, picture.height
        self._picture, self._mask = picture, mask
        self._filled = FilledColours(self.width, self.height, self._read)

    def __call__(self, top: int, left: int, height: int, width: int) -> Pixels:
        """(height, width, 3) uint8."""
        return self._filled(top, left, height, width)

    def _read(self, top: int, left: int, height: int, width: int) -> Pixels:
        rows, columns = (np.arange(at, at + side) // BLOCK for at, side in ((top, height), (left, width)))
        shown = np.where(self._mask[np.ix_(rows, columns)], np.uint8(0), np.uint8(255))
        return np.concatenate([self._picture(top, left, height, width), shown[..., None]], axis=2)
