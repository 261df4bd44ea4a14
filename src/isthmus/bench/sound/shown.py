"""What a page shows of a clip: a sound that every browser plays, its waveform, its spectrogram, and its difference."""

from __future__ import annotations

import base64
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.bench.shown import data_url
from isthmus.bench.sound.clip import Clip
from isthmus.bench.sound.libraries import flac

WIDTH = 640
"""Columns of a picture of a clip."""
HEIGHT = 64
"""Rows of a waveform."""
FRAME = 1024
"""Samples of a frame of a spectrogram, twice its rows at most."""
RANGE_DB = 90.0
"""From the darkest to the brightest colour, which is a full-scale tone's."""
INK, PAPER = (90, 170, 230), (16, 20, 26)

# Black through violet and orange to pale yellow, as the viewer of pictures has it: dark is little, bright is much.
STOPS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], float)


def player(label: str, original: Clip, decoded: Clip | None) -> dict[str, Any]:
    """What the page holds of one sound, as addresses of data: sound, wave, spectrogram, and the same of the difference.

    Args:
        decoded: what came back, laid on the original; None for the original itself.
    """
    shown = views(original if decoded is None else decoded)
    if decoded is None:
        return {"label": label, **shown, "difference": None}
    difference = replace(original, samples=original.samples - decoded.samples)
    return {"label": label, **shown, "difference": views(difference)}


def views(clip: Clip) -> dict[str, str]:
    """A clip to hear and to see."""
    heard = flac(replace(clip, samples=_as_16_bits(clip.samples)), 0, 1)
    return {
        "sound": "data:audio/flac;base64," + base64.b64encode(heard).decode(),
        "wave": data_url(waveform(clip)),
        "spectrogram": data_url(spectrogram(clip)),
    }


def waveform(clip: Clip) -> npt.NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3): the lowest to the highest sample of each column, of the mean of the channels."""
    mean = clip.samples.mean(1)
    borders = np.linspace(0, len(mean), WIDTH + 1).astype(int)
    parts = [mean[start : max(stop, start + 1)] for start, stop in itertools.pairwise(borders)]
    ends = np.array([(part.min(), part.max()) if part.size else (0.0, 0.0) for part in parts])
    rows = np.linspace(1, -1, HEIGHT)[:, None]
    # Half a row more on either side: silence is a line.
    half = 1 / (HEIGHT - 1)
    drawn = (rows >= ends[:, 0] - half) & (rows <= ends[:, 1] + half)
    return np.where(drawn[..., None], np.array(INK, np.uint8), np.array(PAPER, np.uint8))


def spectrogram(clip: Clip) -> npt.NDArray[np.uint8]:
    """(FRAME / 4, WIDTH, 3): power over time and frequency, low ones at the bottom, of the mean of the channels."""
    mean = np.pad(clip.samples.mean(1, dtype=np.float64), FRAME // 2)
    starts = np.linspace(0, max(len(mean) - FRAME, 0), WIDTH).astype(int)
    window = np.hanning(FRAME)
    frames = np.stack([np.pad(mean[start : start + FRAME], (0, max(0, start + FRAME - len(mean)))) for start in starts])
    power = np.abs(np.fft.rfft(frames * window)) ** 2 / (window.sum() / 2) ** 2
    # Two lines a row.
    rows = power[:, : FRAME // 2].reshape(WIDTH, FRAME // 4, 2).mean(2).T[::-1]
    share = np.clip(1 + 10 * np.log10(rows + 1e-12) / RANGE_DB, 0, 1) * (len(STOPS) - 1)
    colours = [np.interp(share, range(len(STOPS)), STOPS[:, channel]) for channel in range(3)]
    return np.stack(colours, -1).round().astype(np.uint8)


def _as_16_bits(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1) / 2.0**15, np.float32)
