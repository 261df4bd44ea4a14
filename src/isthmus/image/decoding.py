"""A picture's file, taken apart, to pixels: arrays, Pillow images, previews, or only the certainty that it decodes."""

from collections.abc import Iterator
from functools import cached_property, partial

import numpy as np
from PIL import Image

from isthmus.errors import CorruptError, ModelError, TooNewError
from isthmus.image.alpha import decode_alpha
from isthmus.image.box import Box, PublicBox, box_in
from isthmus.image.coders.protocol import PREVIEW_SCALE, Coder, scale_of
from isthmus.image.coders.table import NO_CODER, coder_of, coder_with
from isthmus.image.container import Container
from isthmus.image.grid import TILE
from isthmus.image.metadata import info_of_blocks
from isthmus.image.modes import as_mode
from isthmus.image.picture import Pixels
from isthmus.image.sharp_layer import SharpLayer
from isthmus.medium.protocol import FindModel, Progress
from isthmus.medium.setting import Setting
from isthmus.tune import EYE


def check_decodable(parsed: Container) -> None:
    """Raise TooNewError unless the file's tiles are of the size that its coder decodes."""
    coder = parsed.header.coder
    expected = TILE if coder == NO_CODER else coder_with(coder).tile
    if parsed.header.tile_size != expected:
        raise TooNewError("the tile size is unknown", expected=expected, got=parsed.header.tile_size)


class PictureDecoder:
    """Decodes one file, which was taken apart and found decodable.

    Args:
        parsed: the file.
        find_model: find(id) -> the model that a file names; not asked where no network shows anything.
        threads: how many tiles are worked on side by side; None for the number of cores, up to a few.

    Raises:
        UnknownModelError, ModelError: the model is not there, or none of the coder's.
        CorruptError: a payload does not say where the sharp layer shows, or there is no coder for what it does not.
    """

    def __init__(self, parsed: Container, find_model: FindModel, threads: int | None = None):
        self._parsed, self._header = parsed, parsed.header
        dials = parsed.header.quality, threads, parsed.header.tune or EYE
        self._setting = Setting(partial(find_model, parsed.header.model_id), *dials)
        self._sharp = SharpLayer(parsed.sharp, parsed.header.grid) if parsed.header.sharp else None
        if not self._shows_photo:
            return
        if self._header.coder == NO_CODER:
            raise CorruptError("a file without a coder", expected="a sharp layer everywhere", got="gaps")
        if coder_of(model := self._setting.model) is not self._coder:
            raise ModelError(
                f"the model {model.name} does not fit the {self._coder.name} coder, which wrote the file",
                expected=f"a model of coder {self._coder.id}",
                got=f"one of coder {model.coder}",
            )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the whole picture in pixels."""
        return self._header.width, self._header.height

    @cached_property
    def _coder(self) -> Coder:
        """Of what the sharp layer does not show."""
        return coder_with(self._header.coder)

    @property
    def _shows_photo(self) -> bool:
        return self._sharp is None or not self._sharp.is_everywhere

    def decode(self, box: PublicBox | None = None, progress: Progress | None = None) -> Pixels:
        """The colours of the picture, or of a box (x, y, width, height) in it: (H, W, 3) uint8.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the box is not inside.
        """
        header = self._header
        if box is not None:
            return self._window(box_in(box, header.width, header.height))
        pixels = np.empty((header.height, header.width, 3), np.uint8)
        for top, strip in self._strips(progress):
            pixels[top : top + len(strip)] = strip
        return pixels

    def decode_image(self, box: PublicBox | None = None, progress: Progress | None = None) -> Image.Image:
        """As :meth:`decode`, as a Pillow image with its mode, transparency, ICC profile, EXIF and XMP.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the box is not inside.
        """
        header = self._header
        mode = header.restored_mode
        place = box_in(box, header.width, header.height)
        if box is None:
            # No fill colour: memory that nothing was decoded into stays untouched.
            canvas = Image.new(mode, (place.width, place.height), None)
            for top, strip in self._strips(progress):
                canvas.paste(Image.fromarray(strip).convert(mode), (0, top))
        else:
            canvas = Image.fromarray(self._window(place)).convert(mode)
        for tile, plane in self._alpha_tiles(place):
            shared = tile.shared(place)
            at = shared.within(place)
            part = canvas.crop((at.left, at.top, at.right, at.bottom))
            part.putalpha(Image.fromarray(plane[shared.within(tile).slices]))
            canvas.paste(part, (at.left, at.top))
        canvas.info |= info_of_blocks(self._parsed.metadata)
        return canvas

    def preview(self, scale: int = PREVIEW_SCALE) -> Image.Image:
        """The picture at 1/scale of its width and height, rounded up, with its mode, transparency and metadata.

        Args:
            scale: 2, 4, 8 or 16.

        Raises:
            CorruptError: a payload is damaged.
            InputError: there is no such scale.
        """
        header, scale = self._header, scale_of(scale)
        if self._shows_photo:
            pixels = self._coder.decode_scaled(self._setting, self._parsed.tile, header.grid, scale)
        else:
            pixels = np.empty((-(-header.height // scale), -(-header.width // scale), 3), np.uint8)
        if self._sharp:
            self._sharp.show_reduced(pixels, scale)
        canvas = Image.fromarray(as_mode(pixels, header.mode)).convert(header.restored_mode)
        if header.has_alpha:
            alpha = Image.new("L", canvas.size)
            for tile, plane in self._alpha_tiles(header.grid.box):
                reduced = Image.fromarray(plane).reduce(scale)
                alpha.paste(reduced, (tile.left // scale, tile.top // scale))
            canvas.putalpha(alpha)
        canvas.info |= info_of_blocks(self._parsed.metadata)
        return canvas

    def verify(self, progress: Progress | None = None) -> None:
        """Decode everything and keep nothing.

        Raises:
            CorruptError: a payload is damaged.
        """
        for _ in self._strips(progress):
            pass
        for _ in self._alpha_tiles(self._header.grid.box):
            pass

    def _strips(self, progress: Progress | None) -> Iterator[tuple[int, Pixels]]:
        if self._parsed.is_suspicious:
            if self._shows_photo:
                self._coder.check_tiles(self._setting, self._parsed.tile, self._header.grid)
            if self._sharp:
                self._sharp.check()
        for top, strip in self._photo_strips(progress):
            if self._sharp:
                self._sharp.show(strip, Box(top, 0, *strip.shape[:2]))
            yield top, as_mode(strip, self._header.mode)

    def _photo_strips(self, progress: Progress | None) -> Iterator[tuple[int, Pixels]]:
        """(top, strip) of the photo layer, from the top on; where no network shows anything, strips of nothing."""
        grid = self._header.grid
        if self._shows_photo:
            yield from self._coder.decode_rows(self._setting, self._parsed.tile, grid, progress)
            return
        for row in range(grid.rows):
            tile = grid.tile_box(row * grid.columns)
            yield tile.top, np.empty((tile.height, grid.width, 3), np.uint8)
            if progress:
                progress((row + 1) * grid.columns, grid.count)

    def _window(self, box: Box) -> Pixels:
        if self._sharp is None or not self._sharp.covers(box):
            pixels = self._coder.decode_window(self._setting, self._parsed.tile, self._header.grid, box)
        else:
            pixels = np.empty((box.height, box.width, 3), np.uint8)
        if self._sharp:
            self._sharp.show(pixels, box)
        return as_mode(pixels, self._header.mode)

    def _alpha_tiles(self, box: Box) -> Iterator[tuple[Box, Pixels]]:
        """(place in the picture, plane (h, w) uint8) of every tile of transparency that the box touches."""
        for index, payload in enumerate(self._parsed.alpha):
            tile = self._header.grid.tile_box(index)
            if min(tile.shared(box)[2:]) <= 0:
                continue
            try:
                yield tile, decode_alpha(payload, tile.height, tile.width)
            except CorruptError as error:
                error.add_note(f"in alpha tile {index}")
                raise
