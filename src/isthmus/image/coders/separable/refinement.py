"""Efforts above 1: latents follow the derivative of what the decoded picture looks like, through the rounding.

A round codes the latents as they are, decodes them, and asks which way each would have to go for the picture to be more
like the original: by the squared error under tune psnr, by SSIMULACRA2 and a share of the squared error under tune eye.
The latents move a little that way, as if nothing rounded them (the straight-through estimator of Bengio et al., 2013),
and the choice of symbols weighs them against their bits anew. What the networks add counts in the picture, but not in
the derivative, which is that of the transform alone: theirs gained nothing.

Source of the idea: Campos et al., "Content adaptive optimization for neural image compression", CVPRW 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.coding.formats import MEAN_STEPS
from isthmus.coding.payload import Trial, trial
from isthmus.effort import Effort
from isthmus.image.box import Box
from isthmus.image.coders.finest import is_lost
from isthmus.image.coders.masking import PLAIN_WEIGHT
from isthmus.image.coders.protocol import PixelSource, UInt8
from isthmus.image.coders.separable.analysis import importance_of, latents_to_code
from isthmus.image.coders.separable.arrays import Float32, nominal_step_of, steps_of, transform_of
from isthmus.image.coders.separable.gains import as_factors, gains_of, staged
from isthmus.image.coders.separable.synthesis import EDGE, halo_of, synthesise, turned_signs, with_gains
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import BLOCK, MARGIN, Grid, is_reversed, mirrored
from isthmus.medium.setting import Setting
from isthmus.ssimulacra2.gradient import score_gradient
from isthmus.ssimulacra2.planes import MIN_SIDE, known_of
from isthmus.ssimulacra2.score import score

Index = npt.NDArray[np.intp]

ROUNDS: dict[Effort, int] = {2: 1, 3: 3, 4: 6}
"""By effort."""
STEP, DECAY = 0.08, 0.75
"""How far latents move in the first round, as a part of what an error of theirs would undo, and how much less in each
round after it."""
TRELLIS_STEP = 0.13
"""The same under tune psnr along a trellis, which takes up less of a move."""
FARTHEST = 0.5
"""Steps that a latent moves in a round at most."""
SQUARED = 0.3
"""What the squared error still counts under tune eye."""
LIGHT = 0.01
"""Weights of SSIMULACRA2 up to this are left out: its others are up to 225."""
POINT = 0.0245
"""What a point of SSIMULACRA2 is worth under tune eye, as a part of a tile's bits."""


def _around(setting: Setting, grid: Grid, tile: Box) -> Box:
    """The latent positions that the decoder sees around a tile, and one more, whose windows its pixels are in."""
    everything = Box(0, 0, grid.latent_height, grid.latent_width).grown(EDGE)
    return tile.grown(halo_of(setting.model) + 1).shared(everything)


def pixels_around(setting: Setting, source: PixelSource, grid: Grid, tile: Box) -> UInt8:
    """What the refinement of a tile of (h, w) latent positions sees, (H, W, 3) uint8."""
    return pixels_of(source, _around(setting, grid, tile))


def refined_payload(setting: Setting, pixels: UInt8, grid: Grid, tile: Box, rounds: int) -> bytes:
    """The payload of a tile whose latents were moved to where what is decoded looks more like the picture.

    A move that does not pay is taken back, and a shorter one is tried: what is written is never worse than what would
    have been written without.

    Args:
        setting: model, quality, tune and threads.
        pixels: `pixels_around` the tile.
        grid: the picture's geometry.
        tile: where the tile lies, in latent positions.
        rounds: how often they move.
    """
    search = _Search(setting, pixels, grid, tile)
    best = search.state(search.y)
    direction = search.direction(best)
    share = 1.0 if setting.model.trellis is None else setting.tune.share
    first = (1 - share) * TRELLIS_STEP + share * STEP
    for number in range(rounds):
        step = np.float32(first * DECAY**number)
        moved = search.state(best.y + np.clip(step * direction, -FARTHEST, FARTHEST) * best.gains)
        if moved.cost < best.cost:
            best = moved
            if number + 1 < rounds:
                direction = search.direction(best)
    return best.trial.payload()


@dataclass(frozen=True)
class _State:
    """Latents, and what becomes of them.

    Attributes:
        y: (h, w, C) in steps, before any gain.
        trial: how they are coded.
        gains: (h, w, C) that they are divided by before they are coded.
        decoded: (H, W, 3) uint8, the part of the decoded picture that is looked at.
        cost: bits, with those that the errors in it are worth.
    """

    y: Float32
    trial: Trial
    gains: Float32
    decoded: UInt8
    cost: float


class _Search:
    """The latents of a tile, and all that a round needs.

    Args:
        setting: model, quality, tune and threads.
        pixels: `pixels_around` the tile.
        grid: the picture's geometry.
        tile: where the tile lies, in latent positions.
    """

    def __init__(self, setting: Setting, pixels: UInt8, grid: Grid, tile: Box):
        box = _around(setting, grid, tile)
        self._setting, self._inner = setting, tile.within(box).slices
        around = latents_to_code(setting, pixels)
        self.y = around[self._inner]
        self._importance = importance_of(setting, self.y)
        channels = 1.0 if self._importance.channels is None else self._importance.channels
        self._worth = (self._importance.places[:, :, None] * channels).astype(np.float32)
        self._gains = gains_of(setting, *self.y.shape[:2])
        # What is decoded next to the tile is not known yet: its latents before quantization stand in for it.
        self._shown = with_gains(setting, _sixteenths(around)).astype(np.float32)
        if self._gains:
            outside = np.ones(self._shown.shape[:2], bool)
            outside[self._inner] = False
            self._shown[outside, self._gains.first : -1] /= as_factors(self._shown[outside, -1:])
        self._mirrors = [_mirrors(setting, box, grid, axis) for axis in (0, 1)]
        # Pixels that the tile's latents are in, and which of them are the picture's.
        window = Box(tile.top * BLOCK - MARGIN, tile.left * BLOCK - MARGIN, *((n + 1) * BLOCK for n in tile[2:]))
        begin = Box(box.top * BLOCK - MARGIN, box.left * BLOCK - MARGIN, 0, 0)
        original = pixels[window.within(begin).slices]
        inside = window.shared(grid.box)
        self._window, self._inside = original.shape, inside.within(window).slices
        self._original = original[self._inside]
        # Decoded pixels begin a block after those that the analysis sees.
        self._seen = inside.within(Box(begin.top + BLOCK, begin.left + BLOCK, 0, 0)).slices
        share, large = setting.tune.share, min(self._original.shape[:2]) >= MIN_SIDE
        with setting.one_thread():
            self._known = known_of(self._original, LIGHT) if share and large else []
        self._squared = (1 - (1 - SQUARED) * share) * PLAIN_WEIGHT / float(nominal_step_of(setting)[0]) ** 2
        self._point = share * POINT
        self._bits: float | None = None
        # Nothing brings back what is only the finest detail.
        self._lost = is_lost(original)

    def state(self, y: Float32) -> _State:
        """What becomes of latents (h, w, C) in steps."""
        setting = self._setting
        dials = setting.quality.hundredths, self._importance, setting.tune.hundredths
        with setting.one_thread():
            found = trial(setting.model.entropy, staged(y, self._gains), *dials)
        coded = with_gains(setting, _sixteenths(found.decoded))
        self._shown[self._inner] = coded
        for axis, (beyond, within, signs) in enumerate(self._mirrors):
            self._shown[(slice(None),) * axis + (beyond,)] = self._shown.take(within, axis) * signs
        decoded = synthesise(setting, self._shown)[self._seen]
        gains = np.ones_like(y)
        if self._gains:
            gains[:, :, self._gains.first :] = as_factors(coded[:, :, -1:])
        if self._bits is None:
            self._bits = found.bits
        with setting.one_thread():
            cost = found.bits + self._squared * float(
                ((decoded.astype(np.float32) - self._original) ** 2).sum(dtype=float)
            )
            if self._known:
                cost -= self._point * self._bits * score(self._known, decoded)
        return _State(y, found, gains, decoded, cost)

    def direction(self, state: _State) -> Float32:
        """(h, w, C): by how much the cost falls with each latent as it is coded, a step more, in units of twice what
        the choice of symbols counts for an error of a step; 0 where nothing brings back what is lost."""
        setting = self._setting
        by_pixels = np.zeros(self._window, np.float32)
        with setting.one_thread():
            by_pixels[self._inside] = self._gradient(state.decoded)
            by_latents = transform_of(setting.model).adjoint.analyse(by_pixels, 0)
        # Of latents that have a gain an error of a coded step counts as many times more, and so does its derivative.
        by_latents *= steps_of(setting)
        by_latents /= -2 * self._worth
        by_latents[self._lost] = 0
        return by_latents

    def _gradient(self, decoded: UInt8) -> Float32:
        """(H, W, 3) float32: by how many bits the cost rises with each sample, a level more."""
        gradient = np.subtract(decoded, self._original, dtype=np.float32)
        gradient *= np.float32(2 * self._squared)
        if self._known and self._bits:
            gradient -= np.float32(self._point * self._bits) * score_gradient(self._known, decoded)
        return gradient


def _mirrors(setting: Setting, box: Box, grid: Grid, axis: int) -> tuple[Index, Index, Float32]:
    """Of the positions of a box along an axis those beyond the picture, those whose mirror images they are, and what
    (C + 1,) latents and exponents are multiplied by."""
    size = (grid.latent_height, grid.latent_width)[axis]
    along = np.arange(box[axis], box[axis] + box[axis + 2])
    beyond = np.flatnonzero(is_reversed(along, size))
    return beyond, mirrored(along[beyond], size) - box[axis], turned_signs(setting.model, axis)


def _sixteenths(latents: Float32) -> npt.NDArray[np.int32]:
    return np.rint(latents * MEAN_STEPS).astype(np.int32)
