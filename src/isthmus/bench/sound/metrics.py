"""How far a decoded sound is from its original: ViSQOL, the 2f model, the log-spectral distance, signal to noise.

Every function takes two clips of one rate and shape and returns one float. The first two are other people's models of
what ears hear, run by their own libraries; the codec was tuned by ViSQOL on other pieces, and one number by both.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from isthmus.bench.metric import Levels, Metric
from isthmus.bench.sound.clip import Clip
from isthmus.errors import MissingExtraError
from isthmus.extras import require

MODELS_RATE = 48_000
"""Samples a second that both models of ears want."""
Samples = npt.NDArray[np.float64]
"""(channels, n)."""
FRAME = 2048
"""Samples of a frame of the log-spectral distance; frames overlap by half."""
FLOOR = 1e-6
"""Power of a line of a spectrum below which it is silence: nobody hears how much below."""


def _check(original: Clip, decoded: Clip) -> None:
    found, wanted = ((clip.rate, clip.samples.shape) for clip in (decoded, original))
    if found != wanted:
        raise ValueError(f"expected two clips of one rate and shape, found {wanted} and {found}")


def visqol(original: Clip, decoded: Clip) -> float:
    """The mean opinion score, 1 to 4.73, of the mean of the channels: ViSQOL in audio mode.

    Source: Chinen et al., "ViSQOL v3: an open source production ready objective speech and audio metric", QoMEX 2020.
    """
    _check(original, decoded)
    both = [clip.at(MODELS_RATE).samples.mean(1, dtype=np.float64) for clip in (original, decoded)]
    return float(_visqol().measure_from_arrays(*both, MODELS_RATE).moslqo)


@cache
def _visqol() -> Any:
    from visqol import VisqolApi

    api = VisqolApi()
    # What is compared lies on each other already.
    api.create(mode="audio", search_window=4, disable_global_alignment=True, disable_realignment=True)
    return api


def two_f(original: Clip, decoded: Clip) -> float:
    """The mean MUSHRA score, 0 to 100, that the 2f model estimates from two features of PEAQ.

    Source: Kastner and Herre, "An efficient model for estimating subjective quality of separated audio source signals",
    WASPAA 2019.
    """
    _check(original, decoded)
    wanted, found = (clip.at(MODELS_RATE).samples.T.astype(np.float64) for clip in (original, decoded))
    return float(_two_f()(found, wanted))


@cache
def _two_f() -> Callable[[Samples, Samples], float]:
    """The model's function, not compiled: it works on whole arrays, and compiling it takes a minute in each process."""
    import numba

    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        from seabass.core.models.mms import estimated_mean_mushra_score
    finally:
        numba.config.DISABLE_JIT = before
    return cast("Callable[[Samples, Samples], float]", estimated_mean_mushra_score)


def log_spectral_distance(original: Clip, decoded: Clip) -> float:
    """In decibels, the mean over frames of 2048 samples and channels; nan for what is shorter than a frame."""
    _check(original, decoded)
    if len(original.samples) < FRAME:
        return math.nan
    difference = _decibels(original.samples) - _decibels(decoded.samples)
    return float(np.sqrt((difference**2).mean(-1)).mean())


def _decibels(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(frames, channels, lines): spectra of frames in decibels."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME, 0)[:: FRAME // 2]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    return np.asarray(10 * np.log10(power + FLOOR))


def snr(original: Clip, decoded: Clip) -> float:
    """The ratio of signal to noise in decibels, infinite for what is the same."""
    _check(original, decoded)
    wanted, found = (clip.samples.astype(np.float64) for clip in (original, decoded))
    signal, noise = float((wanted**2).sum()), float(((wanted - found) ** 2).sum())
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _absence(module: str, what: str) -> str | None:
    try:
        require("sound-bench", [module], what)
    except MissingExtraError as error:
        return str(error)
    return None


def _version(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def _falling(values: Levels) -> Levels:
    return -values


METRICS = {
    "visqol": Metric(
        "ViSQOL",
        "ViSQOL",
        visqol,
        words="{:.2f}".format,
        absence=partial(_absence, "visqol", "ViSQOL needs"),
        version=partial(_version, "visqol-python"),
    ),
    "2f": Metric(
        "2f model",
        "2f score",
        two_f,
        digits=1,
        absence=partial(_absence, "seabass", "the 2f model needs"),
        version=partial(_version, "seabass-2f"),
    ),
    "lsd_db": Metric(
        "LSD (dB)",
        "log-spectral distance",
        log_spectral_distance,
        _falling,
        lambda level: f"{-level:.1f} dB",
        lower_is_better=True,
    ),
    "snr_db": Metric("SNR (dB)", "SNR", snr, words="{:.1f} dB".format, digits=1),
}
"""All metrics of sounds by name."""
