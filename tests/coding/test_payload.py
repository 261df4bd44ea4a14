"""The choice of symbols: it pays, silent rows hide nothing that is worth its bits, and the prefix is checked."""

import numpy as np
import pytest

from isthmus.coding import payload as latents
from isthmus.coding.payload import Quantizer, decode_latents, encode_latents
from isthmus.errors import CorruptError, SelfCheckError
from isthmus.image.coders.lapped import ArraySource, analyse
from isthmus.image.coders.masking import visibility
from isthmus.model.file import Model, release_model

QUALITY = 3000


@pytest.fixture(scope="module")
def model() -> Model:
    return release_model()


def smooth(height: int, width: int) -> np.ndarray:
    i, j = np.mgrid[0:height, 0:width]
    return np.stack([90 + i / 2, 120 + j / 3, 100 + (i + j) / 5], 2).clip(0, 255).astype(np.uint8)


def analysed(model: Model, rgb: np.ndarray) -> np.ndarray:
    box = (0, 0, -(-rgb.shape[0] // 16), -(-rgb.shape[1] // 16))
    return analyse(model, ArraySource(rgb), box, QUALITY, 1)


def squared_error(model: Model, y: np.ndarray, payload: bytes) -> float:
    decoded = decode_latents(model, payload, *y.shape[:2], QUALITY)
    return float(((decoded - y) ** 2).sum())


def test_silent_rows_are_used_where_nothing_is_lost(model: Model) -> None:
    payload, _ = encode_latents(model, analysed(model, smooth(96, 96)), QUALITY)
    assert payload[latents.CHECK_BYTES] == latents.SILENT_ROWS


def test_what_silent_rows_would_hide_is_coded(model: Model, rng: np.random.Generator) -> None:
    """Latents that no photograph has: large values in the highest channels, out of nowhere."""
    y = analysed(model, smooth(96, 96))
    y[2:4, 2:4, 340:] += 40 * rng.choice((-1, 1), (2, 2, y.shape[2] - 340)).astype(np.float32)
    with pytest.raises(latents._TooMuchHidden):
        model.context.walk(6, 6, QUALITY, Quantizer(model, y, QUALITY))
    payload, _ = encode_latents(model, y, QUALITY)
    assert payload[latents.CHECK_BYTES] == 0
    assert squared_error(model, y, payload) < 0.5 * y.size


def test_a_little_that_silent_rows_hide_everywhere_is_coded(model: Model) -> None:
    y = analysed(model, smooth(96, 96))
    y[:, :, -1] += 1
    hidden = Quantizer(model, y, QUALITY)
    model.context.walk(6, 6, QUALITY, hidden)
    assert hidden.hides_everywhere()
    assert hidden.lost.max() <= latents.LOST_BITS
    payload, _ = encode_latents(model, y, QUALITY)
    assert payload[latents.CHECK_BYTES] == 0


def test_moving_symbols_towards_zero_pays(
    model: Model, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bits and weighted error together are less than with plain rounding."""
    noisy = (smooth(96, 128) + rng.normal(0, 12, (96, 128, 3))).clip(0, 255).astype(np.uint8)
    y = analysed(model, noisy)
    costs = []
    weight = latents.RDOQ_WEIGHT
    visible = visibility(y, model.steps(QUALITY), float(model.nominal_step(QUALITY)[0]))
    for value in (weight, 1e9):  # with so high a weight no symbol is moved
        monkeypatch.setattr(latents, "RDOQ_WEIGHT", value)
        payload, _ = encode_latents(model, y, QUALITY)
        error = ((decode_latents(model, payload, *y.shape[:2], QUALITY) - y) ** 2).sum(2)
        costs.append(8 * len(payload) + weight * float((visible * error).sum()))
    assert costs[0] < costs[1]


def test_only_hidden_errors_are_made(model: Model, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where errors count for everything symbols are rounded, where they count for nothing all symbols shrink."""
    noisy = (smooth(96, 128) + rng.normal(0, 12, (96, 128, 3))).clip(0, 255).astype(np.uint8)
    y = analysed(model, noisy)
    seen = np.zeros(y.shape[:2])
    seen[:, 4:] = 1e9
    monkeypatch.setattr(latents, "visibility", lambda *_: seen)
    decoded = latents.quantized_latents(model, y, QUALITY)
    assert abs(decoded - y)[:, 4:, :16].max() <= 0.51
    assert abs(decoded - y)[:, :4, :16].max() > 0.7


@pytest.mark.parametrize("payload", [b"", b"abcd", b"abcd\x41"], ids=["empty", "no prefix", "too many silent rows"])
def test_a_bad_prefix_is_corrupt(model: Model, payload: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_latents(model, payload, 1, 1, QUALITY)


def test_a_coder_that_fails_is_not_believed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    y = analysed(model, smooth(32, 32))
    monkeypatch.setattr(latents, "decode_latents", lambda *_: np.zeros(y.shape, np.float32))
    with pytest.raises(SelfCheckError, match="did not decode"):
        encode_latents(model, y, QUALITY)
