"""Tiles to payloads and back by the separable coder, as `isthmus.image.coders.protocol` asks of every coder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.coding.payload import encode_latents
from isthmus.effort import Effort
from isthmus.image.box import Box
from isthmus.image.coders.protocol import Payloads, PixelSource, UInt8
from isthmus.image.coders.separable.analysis import bits_map, importance_of, latents_to_code, least_error
from isthmus.image.coders.separable.arrays import Float32, check_model
from isthmus.image.coders.separable.gains import gains_of, staged
from isthmus.image.coders.separable.refinement import ROUNDS, pixels_around, refined_payload
from isthmus.image.coders.separable.scaled import decode_scaled
from isthmus.image.coders.separable.synthesis import SeparableSynthesis, decode_tile
from isthmus.image.coders.tiles import check_each, decode_box, encoded, rows_of, window_of
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import TILE, Grid
from isthmus.medium.crew import Crew, Pending
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.model.model import Model


@dataclass(frozen=True)
class SeparableCoder:
    """The coder of photographs; see `Coder` for its attributes and methods.

    Attributes:
        tile: side of a tile in pixels, a multiple of 16; files have `TILE`.
    """

    tile: int = TILE
    id: int = 2
    name: str = "separable"

    def check_model(self, model: Model) -> None:
        check_model(model)

    def encode_tiles(
        self, setting: Setting, source: PixelSource, effort: Effort = 1, progress: Progress | None = None
    ) -> Iterator[bytes]:
        grid = Grid(source.width, source.height, self.tile)

        def hand_out(crew: Crew, index: int) -> Pending[bytes]:
            """Of a tile's latents as the analysis gives them, or, by a higher effort, refined."""
            box = grid.latent_box(index)
            if effort == 1:
                return crew.submit(_encode, setting, pixels_of(source, box))
            around = pixels_around(setting, source, grid, box)
            return crew.submit(refined_payload, setting, around, grid, box, ROUNDS[effort])

        return encoded(setting, grid, hand_out, progress)

    def decode_rows(
        self, setting: Setting, payloads: Payloads, grid: Grid, progress: Progress | None = None
    ) -> Iterator[tuple[int, UInt8]]:
        synthesis = SeparableSynthesis(setting, payloads, grid)
        return rows_of(decode_box(setting, synthesis, grid, grid.box), grid, progress)

    def decode_window(self, setting: Setting, payloads: Payloads, grid: Grid, box: Box) -> UInt8:
        return window_of(decode_box(setting, SeparableSynthesis(setting, payloads, grid), grid, box), box)

    def decode_scaled(self, setting: Setting, payloads: Payloads, grid: Grid, scale: int) -> UInt8:
        return decode_scaled(setting, payloads, grid, scale)

    def least_error(self, setting: Setting, source: PixelSource, box: Box) -> float:
        return least_error(setting, pixels_of(source, box.grown(1)))

    def bits_map(self, setting: Setting, rgb: UInt8) -> Float32:
        return bits_map(setting, rgb)

    def check_tiles(self, setting: Setting, payloads: Payloads, grid: Grid) -> None:
        check_each(setting, grid, payloads, lambda payload, index: decode_tile(setting, payload, grid, index))


def _encode(setting: Setting, pixels: UInt8) -> bytes:
    y = latents_to_code(setting, pixels)
    latents = staged(y, gains_of(setting, *y.shape[:2]))
    dials = setting.quality.hundredths, importance_of(setting, y), setting.tune.hundredths
    with setting.one_thread():
        return encode_latents(setting.model.entropy, latents, *dials)
