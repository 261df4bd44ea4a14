"""How each library writes and reads a clip, at the settings that `isthmus.bench.sound.rivals` states.

Encoders take `(clip, quality, threads)` and give bytes, decoders take `(data, threads)` and give a clip, which may
begin early or late and have another rate. Versions raise MissingExtraError where a library is not here.
"""

from __future__ import annotations

import importlib.metadata
import io
from typing import Any

import numpy as np

from isthmus.bench.sound.clip import Clip
from isthmus.errors import InputError
from isthmus.extras import require

OPUS_RATE = 48_000
"""Samples a second: libopus takes few other rates, and gives none of music."""
_FEWEST = 960
"""Samples of a frame of a codec that takes any number."""


def ffmpeg(clip: Clip, quality: float, threads: int, codec: str, container: str) -> bytes:
    """A file by one of FFmpeg's encoders.

    Args:
        quality: kilobits a second of each channel.
        codec: FFmpeg's name of the encoder.
        container: FFmpeg's name of the format.
    """
    import av

    clip = clip.at(OPUS_RATE) if codec == "libopus" else clip
    layout = _layout(clip)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=clip.rate)
        stream.layout, stream.bit_rate = layout, round(1000 * quality * clip.samples.shape[1])
        size = stream.codec_context.frame_size or _FEWEST
        # Cuts into frames of the encoder's length and kind.
        framer = av.AudioResampler(stream.format, layout, stream.rate, size)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(clip.samples.T), "fltp", layout)
        frame.sample_rate, frame.pts = clip.rate, 0
        for part in [*framer.resample(frame), *framer.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def ffmpeg_decode(data: bytes, threads: int) -> Clip:
    """Whatever `ffmpeg` wrote."""
    import av

    parts, rate = [], 0
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.audio[0]
        layout, rate = stream.layout, stream.rate
        planar = av.AudioResampler("fltp", layout, rate)
        for frame in file.decode(stream):
            frame.pts = None
            parts += [one.to_ndarray() for one in planar.resample(frame)]
        parts += [one.to_ndarray() for one in planar.resample(None)]
    return Clip(np.concatenate(parts, 1).T.astype(np.float32), rate)


def ffmpeg_version(library: str, name: str) -> str:
    """Versions of PyAV and of the library of FFmpeg, or one that it carries."""
    require("sound-bench", ["av"], f"{name} needs")
    return f"PyAV {importlib.metadata.version('av')}, {library}"


def flac(clip: Clip, quality: float, threads: int) -> bytes:
    """FLAC at the library's usual level; 16 bits a sample, or 24 where 16 are too few."""
    import soundfile

    exact = np.array_equal(clip.samples * 2**15, np.rint(clip.samples * 2**15))
    file = io.BytesIO()
    try:
        soundfile.write(file, clip.samples, clip.rate, "PCM_16" if exact else "PCM_24", format="FLAC")
    except soundfile.LibsndfileError as error:
        raise InputError("FLAC does not take this sound", got=error.error_string) from error
    return file.getvalue()


def flac_decode(data: bytes, threads: int) -> Clip:
    """What `flac` wrote."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    return Clip(samples, rate)


def flac_version() -> str:
    """Of soundfile and the library below it."""
    require("sound", ["soundfile"], "FLAC needs")
    import soundfile

    return f"soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}"


def _layout(clip: Clip) -> str:
    return "stereo" if clip.samples.shape[1] == 2 else "mono"
