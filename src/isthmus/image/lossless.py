"""Pictures whose samples are kept as they are: to the bytes of a file, and back. No model takes part.

Colours under full transparency, palettes and modes that are neither RGB nor grey come back as well. Tiles are larger
than those of networks: see `isthmus.image.samples`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.bitstream.limits import FileLimits
from isthmus.effort import Effort
from isthmus.errors import CorruptError, TooNewError
from isthmus.image.box import Box, PublicBox, box_in
from isthmus.image.chunks import PALETTE
from isthmus.image.coders.protocol import PREVIEW_SCALE, scale_of
from isthmus.image.container import Container, assemble
from isthmus.image.header import NO_MODEL, Header
from isthmus.image.limits import Limits
from isthmus.image.metadata import capped, info_of_blocks
from isthmus.image.modes import SAMPLES, restored_mode
from isthmus.image.picture import Picture, Pixels, as_picture
from isthmus.image.samples import TILE, decode_samples, encode_samples
from isthmus.image.size import MAX_SIDE
from isthmus.medium.crew import Crew, default_threads
from isthmus.medium.protocol import Progress
from isthmus.quality import HUNDREDTHS, Quality

Samples = NDArray[np.uint8]


def as_lossless(picture: Picture) -> Picture:
    """The picture, to be kept as it is."""
    return dataclasses.replace(picture, lossless=True, notes=picture.own.notes if picture.own else picture.notes)


def encode_lossless(
    picture: Picture,
    limits: FileLimits,
    effort: Effort = 1,
    threads: int | None = None,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of an .isth file from which all samples come back.

    Arguments:
        picture: what to encode.
        limits: what the metadata may ask for.
        effort: how hard the coder tries.
        threads: how many tiles are worked on side by side; None for the number of cores, up to a few.
        progress: called with (tiles done, tiles in all).

    Raises:
        LimitExceededError: metadata or a payload is too large.
    """
    own = picture.own
    header = Header(
        width=picture.width,
        height=picture.height,
        mode=picture.mode if own else restored_mode(picture.mode, picture.has_alpha),
        quality=Quality(HUNDREDTHS),
        model_id=NO_MODEL,
        tile_size=TILE,
        has_alpha=picture.has_alpha,
        lossless=True,
    )
    read = own.read if own else _read_restored(picture, header.mode)
    grid = header.grid

    def payloads() -> Iterator[bytes]:
        with Crew(min(threads or default_threads(), grid.count)) as crew:
            windows = (read(*grid.tile_box(index)) for index in range(grid.count))
            pending = (crew.submit(encode_samples, window, effort) for window in windows)
            for done, payload in enumerate(crew.in_order(pending), 1):
                yield payload
                if progress:
                    progress(done, grid.count)

    metadata = capped(own.metadata if own else picture.metadata, limits)
    return assemble(header, metadata, samples=payloads())


def _read_restored(picture: Picture, mode: str) -> Callable[[int, int, int, int], Samples]:
    """The samples of a picture in a mode that RGB and alpha say all of."""
    kept = {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[SAMPLES[mode]]
    return lambda *window: picture.read(*window)[..., kept]


class LosslessDecoder:
    """Decodes one lossless file, which was taken apart; as `PictureDecoder`, without a model.

    Args:
        parsed: the file.
        threads: how many tiles are worked on side by side; None for the number of cores, up to a few.

    Raises:
        TooNewError: its tiles are of a size that is not known.
    """

    def __init__(self, parsed: Container, threads: int | None = None):
        self._parsed, self._header, self._threads = parsed, parsed.header, threads
        if self._header.tile_size != TILE:
            raise TooNewError("the tile size is unknown", expected=TILE, got=self._header.tile_size)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the whole picture in pixels."""
        return self._header.width, self._header.height

    def decode(self, box: PublicBox | None = None, progress: Progress | None = None) -> Pixels:
        """The colours of the picture, or of a box (x, y, width, height) in it: (H, W, 3) uint8.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the box is not inside.
        """
        place = box_in(box, self._header.width, self._header.height)
        if self._parsed.is_suspicious:
            self.verify()
        pixels = np.empty((place.height, place.width, 3), np.uint8)
        for part, image in self._parts(place, progress):
            # A profile says what other colours than RGB are in RGB.
            image.info |= info_of_blocks(self._parsed.metadata)
            picture = as_picture(image, Limits(max_pixels=MAX_SIDE**2), turned=False)
            pixels[part.within(place).slices] = picture.read(0, 0, part.height, part.width)[..., :3]
        return pixels

    def decode_image(self, box: PublicBox | None = None, progress: Progress | None = None) -> Image.Image:
        """The picture as it came in, as a Pillow image with its mode, palette, ICC profile, EXIF and XMP.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the box is not inside.
        """
        place = box_in(box, self._header.width, self._header.height)
        if self._parsed.is_suspicious:
            self.verify()
        # No fill colour: memory that nothing was decoded into stays untouched.
        canvas = Image.new(self._header.mode, (place.width, place.height), None)
        for part, image in self._parts(place, progress):
            at = part.within(place)
            canvas.paste(image, (at.left, at.top))
        canvas.info |= info_of_blocks(self._parsed.metadata)
        return self._with_palette(canvas)

    def preview(self, scale: int = PREVIEW_SCALE) -> Image.Image:
        """The picture at 1/scale of its width and height, rounded up, with its transparency and metadata.

        A picture with a palette comes back as RGB, one of one bit as grey.

        Raises:
            CorruptError: a payload is damaged.
            InputError: there is no such scale.
        """
        header, scale = self._header, scale_of(scale)
        width, height = (-(-side // scale) for side in (header.width, header.height))
        mode = header.preview_mode
        canvas = Image.new(mode, (width, height), None)
        for part, image in self._parts(header.grid.box, None):
            reduced = image.convert(mode).reduce(scale)
            canvas.paste(reduced, (part.left // scale, part.top // scale))
        canvas.info |= info_of_blocks(self._parsed.metadata)
        return canvas

    def verify(self, progress: Progress | None = None) -> None:
        """Decode everything and keep nothing.

        Raises:
            CorruptError: a payload is damaged.
        """
        for _ in self._tiles(self._header.grid.box, progress):
            pass

    def _parts(self, place: Box, progress: Progress | None) -> Iterator[tuple[Box, Image.Image]]:
        """(where, image) of what each tile has of a box."""
        mode = self._header.mode
        for tile, samples in self._tiles(place, progress):
            part = tile.shared(place)
            window = np.ascontiguousarray(samples[part.within(tile).slices])
            size = (part.width, part.height)
            if mode == "1":
                yield part, Image.fromarray(window[..., 0]).point(lambda value: 255 * (value >= 128), "1")
            else:
                yield part, self._with_palette(Image.frombytes(mode, size, window.tobytes()))

    def _tiles(self, place: Box, progress: Progress | None) -> Iterator[tuple[Box, Samples]]:
        """(place in the picture, samples) of every tile that a box touches."""
        header, grid = self._header, self._header.grid
        wanted = [index for index in range(grid.count) if min(grid.tile_box(index).shared(place)[2:]) > 0]
        with Crew(min(self._threads or default_threads(), len(wanted))) as crew:
            pending = (crew.submit(_decode, self._parsed, index, header.channels) for index in wanted)
            for done, (index, samples) in enumerate(zip(wanted, crew.in_order(pending), strict=True), 1):
                yield grid.tile_box(index), samples
                if progress:
                    progress(done, len(wanted))

    def _with_palette(self, image: Image.Image) -> Image.Image:
        if (mode := self._header.palette_mode) is not None:
            image.putpalette(self._parsed.metadata[PALETTE], mode)
        return image


def _decode(parsed: Container, index: int, channels: int) -> Samples:
    tile = parsed.header.grid.tile_box(index)
    try:
        return decode_samples(parsed.samples[index], tile.height, tile.width, channels)
    except CorruptError as error:
        error.add_note(f"in tile {index}")
        raise
