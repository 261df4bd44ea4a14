"""A picture's file, taken apart, to pixels: arrays, Pillow images, previews, or only the certainty that it decodes."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from isthmus.errors import CorruptError, ModelError, TooNewError
from isthmus.image.alpha import decode_alpha
from isthmus.image.box import Box, PublicBox, box_in
from isthmus.image.coders.protocol import PREVIEW_SCALE
from isthmus.image.coders.table import coder_of, coder_with
from isthmus.image.container import Container
from isthmus.image.metadata import info_of_blocks
from isthmus.image.modes import as_mode
from isthmus.image.picture import Pixels
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.model.model import Model


def check_decodable(parsed: Container) -> None:
    """Raise TooNewError unless the file's tiles are of the size that its coder decodes."""
    expected = coder_with(parsed.header.coder).tile
    if parsed.header.tile_size != expected:
        raise TooNewError("the tile size is unknown", expected=expected, got=parsed.header.tile_size)


class PictureDecoder:
    """Decodes one file, which was taken apart and found decodable.

    Args:
        parsed: the file.
        model: the model that its header names.
        threads: how many tiles are worked on side by side; None for the number of cores, up to a few.

    Raises:
        ModelError: the model is none of the coder's.
    """

    def __init__(self, parsed: Container, model: Model, threads: int | None = None):
        self._parsed, self._header = parsed, parsed.header
        self._coder = coder_with(parsed.header.coder)
        self._setting = Setting(model, parsed.header.quality, threads)
        if coder_of(model) is not self._coder:
            raise ModelError(
                f"the model {model.name} does not fit the {self._coder.name} coder, which wrote the file",
                expected=f"a model of coder {self._coder.id}",
                got=f"one of coder {model.coder}",
            )

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

    def preview(self) -> Image.Image:
        """The picture at 1/16 of its width and height, rounded up, with its mode, transparency and metadata.

        Raises:
            CorruptError: a payload is damaged.
        """
        header = self._header
        pixels = self._coder.decode_preview(self._setting, self._parsed.tile, header.grid)
        canvas = Image.fromarray(as_mode(pixels, header.mode)).convert(header.restored_mode)
        if header.has_alpha:
            alpha = Image.new("L", canvas.size)
            for tile, plane in self._alpha_tiles(header.grid.box):
                reduced = Image.fromarray(plane).reduce(PREVIEW_SCALE)
                alpha.paste(reduced, (tile.left // PREVIEW_SCALE, tile.top // PREVIEW_SCALE))
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
        header, payloads = self._header, self._parsed.tile
        if self._parsed.is_suspicious:
            self._coder.check_tiles(self._setting, payloads, header.grid)
        for top, strip in self._coder.decode_rows(self._setting, payloads, header.grid, progress):
            yield top, as_mode(strip, header.mode)

    def _window(self, box: Box) -> Pixels:
        header = self._header
        return as_mode(self._coder.decode_window(self._setting, self._parsed.tile, header.grid, box), header.mode)

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
