"""A sound's file, taken apart, to samples: of all of it, of a range, or only the certainty that it decodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import decode_latents
from isthmus.errors import CorruptError, InputError
from isthmus.medium.crew import Pending
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.plain import whole
from isthmus.sound.analysis import PAIR
from isthmus.sound.container import Container
from isthmus.sound.layout import FRAMES
from isthmus.sound.mdct import Float64, Splits
from isthmus.sound.model import check_model
from isthmus.sound.shape import read_shape
from isthmus.sound.source import FULL_SCALE
from isthmus.sound.synthesis import coefficients_of, samples_of

Samples = npt.NDArray[np.float32]
"""(n, channels), around -1..1."""


@dataclass(frozen=True)
class _Spectra:
    """What some frames of a pair were decoded to: their coefficients, channel by channel, and their splits."""

    coefficients: list[Float64]
    splits: Splits

    def part(self, frames: slice) -> _Spectra:
        return _Spectra([one[frames] for one in self.coefficients], self.splits[frames])


class SoundDecoder:
    """Decodes one file, which was taken apart.

    Args:
        parsed: the file.
        model: the model that its header names.
        threads: how many payloads are worked on side by side; None for the number of cores, up to a few.

    Raises:
        ModelError: the model is none of sounds.
    """

    def __init__(self, parsed: Container, model: Model, threads: int | None = None):
        check_model(model)
        self.parsed, self.layout = parsed, parsed.header.layout
        self._setting = Setting(model, parsed.header.quality, threads)

    def decode(self, box: tuple[int, int] | None = None, progress: Progress | None = None) -> Samples:
        """All samples, or those from..to: (n, channels) float32 around -1..1.

        Raises:
            CorruptError: a payload is damaged.
            InputError: the range is not inside.
        """
        start, stop = self._range(box)
        out = np.empty((stop - start, self.layout.channels), np.float32)
        done = 0
        for part in self.parts(start, stop, progress):
            out[done : done + len(part)] = part * (1 / FULL_SCALE)
            done += len(part)
        return out

    def verify(self, progress: Progress | None = None) -> None:
        """Decode everything and keep nothing.

        Raises:
            CorruptError: a payload is damaged.
        """
        for _ in self.parts(0, self.layout.samples, progress):
            pass

    def _range(self, box: tuple[int, int] | None) -> tuple[int, int]:
        """The samples of a range that a caller asks for."""
        samples = self.layout.samples
        if box is None:
            return 0, samples
        try:
            start, stop = (whole(one, "the range", "two whole numbers") for one in box)
        except (TypeError, ValueError) as error:
            raise InputError("the range", expected="(from, to) in samples", got=box) from error
        if not 0 <= start < stop <= samples:
            raise InputError(
                "the range is not inside the sound", expected=f"within 0 to {samples}", got=f"{start} to {stop}"
            )
        return start, stop

    def parts(self, start: int, stop: int, progress: Progress | None = None) -> Iterator[Float64]:
        """The samples from start to stop, block by block: (n, channels) float64 in 16-bit levels.

        Raises:
            CorruptError: a payload is damaged.
        """
        length, half = FRAMES * self.layout.frame, self.layout.frame // 2
        # Half a frame on either side of a border belongs to both of its blocks.
        blocks = range(max(start - half, 0) // length, min((stop + half - 1) // length + 1, self.layout.blocks))
        for block, samples in self._blocks(blocks, progress):
            begin = block * length
            part = samples[max(start - begin, 0) : max(stop - begin, 0)]
            if len(part):
                yield part

    def _blocks(self, blocks: range, progress: Progress | None) -> Iterator[tuple[int, Float64]]:
        """The samples of each block; right beside blocks that are not asked for, they are not those of the sound."""
        before: list[_Spectra] | None = None
        current: list[_Spectra] | None = None
        for block, following in self._spectra(blocks, progress):
            if current is not None:
                yield block - 1, self._synthesised(before, current, following)
                before = current
            current = following
        if current is not None:
            yield blocks[-1], self._synthesised(before, current, None)

    def _spectra(self, blocks: range, progress: Progress | None) -> Iterator[tuple[int, list[_Spectra]]]:
        """The spectra of each block, pair by pair."""
        pairs = self.layout.pairs
        count = len(blocks) * pairs
        with self._setting.crew(count) as crew:

            def handed_out() -> Iterator[Pending[_Spectra]]:
                for block in blocks:
                    for pair in range(pairs):
                        yield crew.submit(self._decoded, block, pair)

            found: list[_Spectra] = []
            for done, one in enumerate(crew.in_order(handed_out()), 1):
                found.append(one)
                if progress:
                    progress(done, count)
                if len(found) == pairs:
                    yield blocks[done // pairs - 1], found
                    found = []

    def _decoded(self, block: int, pair: int) -> _Spectra:
        layout, quality = self.layout, self._setting.quality
        frames = layout.frames_of(block)
        channels = range(layout.channels)[layout.channels_of(pair)]
        ranges = len(layout.angle_bands()) if len(channels) == PAIR else 0
        try:
            splits, angles, latents = read_shape(self.parsed.payload(block, pair), len(frames), ranges)
            with self._setting.one_thread():
                entropy = self._setting.model.entropy
                y = decode_latents(entropy, latents, len(frames), layout.bands, quality.hundredths)
        except CorruptError as error:
            error.add_note(f"in block {block}, channels from {channels[0]}")
            raise
        return _Spectra(coefficients_of(y, splits, angles, layout, pair, frames.start, quality), splits)

    def _synthesised(
        self, before: list[_Spectra] | None, current: list[_Spectra], after: list[_Spectra] | None
    ) -> Float64:
        """(n, channels): the samples of a block, cut off where the sound ends."""
        columns = []
        for pair, own in enumerate(current):
            run = [own]
            if before:
                run.insert(0, before[pair].part(slice(-1, None)))
            if after:
                run.append(after[pair].part(slice(0, 1)))
            splits = np.concatenate([one.splits for one in run])
            coefficients = [np.concatenate(each) for each in zip(*(one.coefficients for one in run), strict=True)]
            first = self.layout.frame if before else 0
            columns.append(samples_of(coefficients, splits)[first : first + len(own.splits) * self.layout.frame])
        return np.concatenate(columns, axis=1)
