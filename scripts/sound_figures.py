"""Measure sounds against other coders: python scripts/sound_figures.py FOLDER RESULTS.json [--seconds S] [--model M]

Of every sound file below FOLDER the first seconds are coded by isthmus at several qualities, and by Opus, AAC and MP3
(libopus, FFmpeg's own AAC, LAME, all through PyAV) at several rates; what is written down of each is its real bytes,
ViSQOL in audio mode, the log-spectral distance and the ratio of signal to noise. Folders directly below FOLDER are
groups, which are told apart. A run that was stopped goes on; --report prints the mean curves and BD-rates of what is
there. Pieces nobody trained on are made by scripts/sound_pieces.py. Needs: pip install "isthmus[sound-bench]".
"""

import argparse
import io
import json
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from isthmus.bench.curves import ascending, rate_between
from isthmus.codec import Codec

Samples = npt.NDArray[np.float64]

RIVALS = {
    "opus": ("libopus", "ogg", (24, 40, 64, 96, 160)),
    "aac": ("aac", "adts", (32, 64, 96, 160)),
    "mp3": ("libmp3lame", "mp3", (32, 64, 96, 160)),
}
"""Encoder, container and kilobits a second for two channels; one channel has half."""
QUALITIES = (0, 15, 30, 45, 60)
DELAY = 8192
"""Samples by which a decoder may be late or early."""
METRICS = ("kbps", "visqol", "lsd_db", "snr_db")


def rival(samples: Samples, rate: int, codec: str, container: str, kbps: float) -> tuple[Samples, int]:
    """What comes back, aligned, and the bytes of the file."""
    import av

    layout = "stereo" if samples.shape[1] == 2 else "mono"
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        # Opus has no other rate.
        stream: Any = output.add_stream(codec, rate=48_000 if codec == "libopus" else rate)
        stream.layout, stream.bit_rate = layout, int(1000 * kbps)
        resampler = av.AudioResampler(stream.format, layout, stream.rate, stream.codec_context.frame_size or 960)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), "fltp", layout)
        frame.sample_rate, frame.pts = rate, 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    data = buffer.getvalue()
    back = av.AudioResampler("fltp", layout, rate)
    with av.open(io.BytesIO(data)) as file:
        parts = []
        for decoded in file.decode(audio=0):
            decoded.pts = None
            parts += [one.to_ndarray() for one in back.resample(decoded)]
        parts += [one.to_ndarray() for one in back.resample(None)]
    return aligned(np.concatenate(parts, 1).T.astype(np.float64), samples), len(data)


def aligned(found: Samples, wanted: Samples) -> Samples:
    """A sound moved to where it is most like another one, and as long."""
    size = 2 * max(len(found), len(wanted))
    spectra = [np.fft.rfft(one.sum(1), size) for one in (wanted, found)]
    likeness = np.fft.irfft(spectra[0].conj() * spectra[1], size)
    lag = int(np.argmax(np.roll(likeness, DELAY)[: 2 * DELAY])) - DELAY
    moved = found[lag:] if lag >= 0 else np.pad(found, ((-lag, 0), (0, 0)))
    return np.pad(moved, ((0, max(0, len(wanted) - len(moved))), (0, 0)))[: len(wanted)]


def visqol(wanted: Samples, found: Samples, rate: int, api: Any) -> float:
    """Mean opinion score of the sum of the channels, at 48,000 samples a second."""
    from scipy.signal import resample_poly

    ratio = Fraction(48_000, rate)
    both = [resample_poly(one.mean(1), ratio.numerator, ratio.denominator) for one in (wanted, found)]
    return float(api.measure_from_arrays(*both, 48_000).moslqo)


def log_spectral_distance(wanted: Samples, found: Samples) -> float:
    """In decibels, the mean over frames of 2048 samples and channels."""
    hop, window = 1024, np.hanning(2048)

    def spectrum(samples: Samples) -> Samples:
        frames = np.lib.stride_tricks.sliding_window_view(samples, len(window), 0)[::hop]
        return np.asarray(10 * np.log10(np.abs(np.fft.rfft(frames * window)) ** 2 + 1e-6))

    return float(np.sqrt(((spectrum(wanted) - spectrum(found)) ** 2).mean(-1)).mean())


def snr(wanted: Samples, found: Samples) -> float:
    """Ratio of signal to noise in decibels."""
    return float(10 * np.log10((wanted**2).sum() / max(((wanted - found) ** 2).sum(), 1e-12)))


def measure(path: Path, seconds: float, codec: Codec, known: dict[str, Any], api: Any) -> dict[str, Any]:
    """For each coder and setting, its point; those that are known already are kept."""
    samples, rate = soundfile.read(path, always_2d=True)
    samples = samples[: round(seconds * rate), :2]
    points = dict(known)

    def note(key: str, found: Samples, size: int) -> None:
        kbps = 8 * size * rate / len(samples) / 1000
        scores = (visqol(samples, found, rate, api), log_spectral_distance(samples, found), snr(samples, found))
        points[key] = dict(zip(METRICS, (kbps, *scores), strict=True))

    for quality in QUALITIES:
        if f"isthmus {quality}" not in points:
            data = codec.encode(samples.astype(np.float32), quality, rate=rate)
            note(f"isthmus {quality}", codec.decode(data).astype(np.float64), len(data))
    for name, (encoder, container, rates) in RIVALS.items():
        for kbps in rates:
            if f"{name} {kbps}" not in points:
                note(f"{name} {kbps}", *rival(samples, rate, encoder, container, kbps * samples.shape[1] / 2))
    return points


def report(results: dict[str, dict[str, Any]]) -> None:
    """Mean points of each coder, and BD-rates against each rival, as tables in Markdown."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, points in results.items():
        groups[name.split("/")[0]].append(points)
    for group, pieces in groups.items():
        curves = {
            key: tuple(float(np.mean([piece[key][metric] for piece in pieces])) for metric in METRICS)
            for key in pieces[0]
        }
        print(f"\n{group}, {len(pieces)} pieces\n")
        print("| coder | kbit/s | ViSQOL | log-spectral distance, dB | SNR, dB |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for key, (kbps, score, distance, ratio) in curves.items():
            print(f"| {key} | {kbps:.1f} | {score:.3f} | {distance:.2f} | {ratio:.1f} |")
        print("\n| against | bytes at equal ViSQOL | at equal SNR |\n| --- | ---: | ---: |")
        for name in RIVALS:
            print(f"| {name} | {percent(curves, name, 'visqol')} | {percent(curves, name, 'snr_db')} |")


def percent(curves: dict[str, tuple[float, ...]], name: str, metric: str) -> str:
    """The BD-rate of isthmus against a rival by a metric, over the scores that both reach."""
    column = METRICS.index(metric)
    points = [
        np.array([(one[0], one[column]) for key, one in curves.items() if key.split()[0] == coder])
        for coder in (name, "isthmus")
    ]
    anchor, own = (ascending(*one.T) for one in points)
    found = rate_between(anchor, own)
    if np.isnan(found.percent):
        return f"none in common ({anchor[1][0]:.2f} to {anchor[1][-1]:.2f}, isthmus from {own[1][0]:.2f})"
    return f"{found.percent:+.0f} % ({found.low:.2f} to {found.high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--model", default=None)
    parser.add_argument("--report", action="store_true", help="print what is there, measure nothing")
    asked = parser.parse_args()
    results = json.loads(asked.results.read_text()) if asked.results.exists() else {}
    if not asked.report:
        from visqol import VisqolApi

        api = VisqolApi()
        # What is compared is aligned already.
        api.create(mode="audio", search_window=4, disable_global_alignment=True, disable_realignment=True)
        codec = Codec(asked.model, threads=1)
        # By name: a run that is stopped has something of all groups.
        for path in sorted((path for path in asked.folder.rglob("*") if path.is_file()), key=lambda path: path.name):
            name = path.relative_to(asked.folder).as_posix()
            results[name] = measure(path, asked.seconds, codec, results.get(name, {}), api)
            asked.results.write_text(json.dumps(results, indent=1) + "\n")
            print(name, flush=True)
    report(results)


if __name__ == "__main__":
    main()
