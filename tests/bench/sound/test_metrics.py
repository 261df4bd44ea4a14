"""Metrics of sounds on what is known beforehand; other people's models where they are installed, and their absence."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from isthmus.bench.metrics import METRICS, present
from isthmus.bench.sound.clip import Clip
from isthmus.bench.sound.metrics import METRICS as OF_SOUNDS
from isthmus.bench.sound.metrics import log_spectral_distance, snr
from sounds import chord

CLIP = Clip(chord(20_000), 44_100)


def noisy(share: float, clip: Clip = CLIP) -> Clip:
    noise = np.random.default_rng(1).normal(size=clip.samples.shape).astype(np.float32)
    return replace(clip, samples=clip.samples + np.float32(share) * noise)


def test_signal_to_noise_is_what_was_added() -> None:
    wanted = Clip(np.ones((1000, 2), np.float32), 8000)
    assert snr(wanted, replace(wanted, samples=wanted.samples * np.float32(0.9))) == pytest.approx(20, abs=1e-4)
    assert snr(wanted, wanted) == np.inf
    silence = replace(wanted, samples=0 * wanted.samples)
    assert snr(silence, wanted) == -np.inf


def test_a_gain_is_its_decibels_in_every_line_of_the_spectrum() -> None:
    loud = Clip(np.random.default_rng(0).normal(size=(20_000, 1)).astype(np.float32), 44_100)
    half = replace(loud, samples=loud.samples / 2)
    assert log_spectral_distance(loud, half) == pytest.approx(6.02, abs=0.01)
    assert log_spectral_distance(loud, loud) == 0
    assert np.isnan(log_spectral_distance(loud.first(0.01), half.first(0.01)))


def test_more_noise_is_worse_by_every_metric_on_the_scale_of_curves() -> None:
    for name in ("lsd_db", "snr_db"):
        values = [METRICS[name](CLIP, noisy(share)) for share in (0.001, 0.01, 0.1)]
        levels = METRICS[name].level(np.array(values))
        assert np.all(np.diff(levels) < 0), name


@pytest.mark.parametrize("name", OF_SOUNDS)
def test_clips_of_two_shapes_or_rates_are_refused(name: str) -> None:
    for other in (CLIP.first(0.1), replace(CLIP, rate=48_000)):
        with pytest.raises(ValueError, match="one rate and shape"):
            METRICS[name](CLIP, other)


def test_what_is_not_installed_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("visqol", "seabass"):
        monkeypatch.setitem(sys.modules, module, None)
    here, absent = present(OF_SOUNDS)
    assert here == ("lsd_db", "snr_db")
    assert [label for label, _ in absent] == ["ViSQOL", "2f model"]
    assert all('pip install "isthmus[sound-bench]"' in reason for _, reason in absent)


def test_the_models_of_ears_get_both_clips_at_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their libraries stand in for themselves here: what they are given is what is tested."""
    from isthmus.bench.sound import metrics

    given = {}

    class Api:
        moslqo = 4.5

        def measure_from_arrays(self, wanted: np.ndarray, found: np.ndarray, rate: int) -> "Api":
            given["visqol"] = wanted, found, rate
            return self

    def model(found: np.ndarray, wanted: np.ndarray) -> float:
        given["2f"] = wanted, found
        return 60.0

    monkeypatch.setattr(metrics, "_visqol", Api)
    monkeypatch.setattr(metrics, "_two_f", lambda: model)
    low = Clip(chord(4410), 22_050)
    worse = noisy(0.1, low)
    assert (metrics.visqol(low, worse), metrics.two_f(low, worse)) == (4.5, 60.0)
    wanted, found, rate = given["visqol"]
    assert (wanted.shape, found.shape, rate) == ((9600,), (9600,), 48_000)
    assert np.allclose(wanted, low.at(48_000).samples.mean(1), atol=1e-6)
    assert np.abs(wanted - found).max() > 0.05
    wanted, found = given["2f"]
    assert wanted.shape == found.shape == (2, 9600)
    assert np.allclose(wanted, low.at(48_000).samples.T)
