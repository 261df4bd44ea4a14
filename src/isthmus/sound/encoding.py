"""A sound to the bytes of its file: splits of all frames first, then block by block. It holds no more than a few."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from isthmus.coding.payload import encode_latents
from isthmus.medium.crew import Crew, Pending
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.sound.analysis import PAIR, importance_of, latents_of, spectrum_of
from isthmus.sound.container import assemble
from isthmus.sound.header import Header
from isthmus.sound.layout import Layout
from isthmus.sound.limits import SoundLimits
from isthmus.sound.mdct import Float64, Splits
from isthmus.sound.model import check_model
from isthmus.sound.shape import write_shape
from isthmus.sound.source import Sound
from isthmus.sound.splits import choose_splits


def encode_sound(sound: Sound, setting: Setting, limits: SoundLimits, progress: Progress | None = None) -> bytes:
    """The bytes of an .isth file.

    Args:
        sound: what to encode.
        setting: model, quality and threads.
        limits: what the tags may ask for.
        progress: called with (payloads done, payloads in all).

    Raises:
        LimitExceededError: tags or a payload are too large.
        ModelError: the model is not one of sounds.
        SelfCheckError: what was encoded does not decode.
    """
    check_model(setting.model)
    header = Header(sound.layout, sound.depth, setting.quality, setting.model.id)
    return assemble(header, sound.tags, _payloads(sound, setting, header.payloads, progress), limits)


def _payloads(sound: Sound, setting: Setting, count: int, progress: Progress | None) -> Iterator[bytes]:
    with setting.crew(count) as crew:
        splits = _all_splits(sound, crew)
        # The source is asked in the caller's own thread: it need not know of others.
        for done, payload in enumerate(crew.in_order(_hand_out(crew, setting, sound, splits)), 1):
            yield payload
            if progress:
                progress(done, count)


def _read_frames(sound: Sound, frames: range) -> Float64:
    """(frames * n, channels): the samples of frames. Beyond the end the last ones are mirrored: a step would cost."""
    layout = sound.layout
    stop = min(frames.stop * layout.frame, layout.samples)
    samples = sound.read(frames.start * layout.frame, stop)
    return np.pad(samples, ((0, len(frames) * layout.frame - len(samples)), (0, 0)), mode="symmetric")


def _around(layout: Layout, block: int) -> tuple[range, int, int]:
    """The frames of a block and those around it that its borders share, and how many these are on either side."""
    inside = layout.frames_of(block)
    frames = range(max(inside.start - 1, 0), min(inside.stop + 1, layout.frames))
    return frames, inside.start - frames.start, frames.stop - inside.stop


def _all_splits(sound: Sound, crew: Crew) -> npt.NDArray[np.uint8]:
    """(pairs, frames): of the whole sound, since a block needs to know those of its neighbours."""
    layout = sound.layout

    def hand_out() -> Iterator[Pending[list[Splits]]]:
        for block in range(layout.blocks):
            frames, before, after = _around(layout, block)
            yield crew.submit(_splits_of, _read_frames(sound, frames), layout, before, after)

    return np.concatenate(list(crew.in_order(hand_out())), axis=1)


def _splits_of(samples: Float64, layout: Layout, before: int, after: int) -> list[Splits]:
    inside = slice(before, len(samples) // layout.frame - after)
    pairs = [samples[:, layout.channels_of(pair)] for pair in range(layout.pairs)]
    return [choose_splits(pair, layout.frame, layout.rate)[inside] for pair in pairs]


def _hand_out(crew: Crew, setting: Setting, sound: Sound, splits: npt.NDArray[np.uint8]) -> Iterator[Pending[bytes]]:
    layout = sound.layout
    for block in range(layout.blocks):
        frames, before, after = _around(layout, block)
        samples = _read_frames(sound, frames)
        for pair in range(layout.pairs):
            columns, own = samples[:, layout.channels_of(pair)], splits[pair, frames.start : frames.stop]
            yield crew.submit(_encode, setting, columns, own, layout, before, after)


def _encode(setting: Setting, samples: Float64, splits: Splits, layout: Layout, before: int, after: int) -> bytes:
    """The payload of a block of a pair of channels."""
    spectrum = spectrum_of(samples, splits, layout, before, after)
    y = latents_of(spectrum, layout, setting.quality)
    importance = importance_of(*y.first.shape[:2])
    angles = spectrum.angles if samples.shape[1] == PAIR else spectrum.angles[:, :0]
    with setting.one_thread():
        latents = encode_latents(setting.model.entropy, y, setting.quality.hundredths, importance)
    return write_shape(spectrum.splits, angles) + latents
