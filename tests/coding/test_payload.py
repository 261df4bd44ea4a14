"""The choice of symbols: it pays, skipping hides nothing that is worth its bits, and the prefix is checked."""

from collections.abc import Callable

import numpy as np
import pytest

from isthmus.coding import payload as coding
from isthmus.coding.formats import MEAN_STEPS, SCALES
from isthmus.coding.payload import (
    CHECK_BYTES,
    PREFIX_BYTES,
    decode_latents,
    decode_sixteenths,
    encode_latents,
    trial,
)
from isthmus.coding.range_coder import SymbolDecoder, SymbolEncoder
from isthmus.coding.symbols import MARKED, SKIPPED_SCALES, TRELLIS, Importance, Quantizer, by_channel, is_coded
from isthmus.coding.tables import Tables
from isthmus.coding.trellis import Trellis, residuals
from isthmus.errors import CorruptError, SelfCheckError
from isthmus.image.coders.masking import RDOQ_WEIGHT, visibility
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.separable.analysis import latents_to_code
from isthmus.image.coders.separable.arrays import nominal_step_of, steps_of
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import Grid
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.quality import Quality
from isthmus.tune import PSNR

QUALITY = 3000


@pytest.fixture(scope="module")
def model() -> Model:
    return release_model()


def smooth(height: int, width: int) -> np.ndarray:
    i, j = np.mgrid[0:height, 0:width]
    return np.stack([90 + i / 2, 120 + j / 3, 100 + (i + j) / 5], 2).clip(0, 255).astype(np.uint8)


def at(model: Model) -> Setting:
    """Where no latent has a gain, and the tune, which payloads are given beside the quality, is 0."""
    return Setting(model, Quality(QUALITY), 1, PSNR)


def analysed(model: Model, rgb: np.ndarray) -> np.ndarray:
    source = ArraySource(rgb)
    return latents_to_code(at(model), pixels_of(source, Grid(source.width, source.height).latent_box(0)))


def importance(model: Model, y: np.ndarray, weight: float = RDOQ_WEIGHT) -> Importance:
    return Importance(weight * visibility(y, np.abs(steps_of(at(model))), float(nominal_step_of(at(model))[0])))


def encode(model: Model, y: np.ndarray) -> bytes:
    return encode_latents(model.entropy, y, QUALITY, importance(model, y))


def squared_error(model: Model, y: np.ndarray, payload: bytes) -> float:
    decoded = decode_latents(model.entropy, payload, *y.shape[:2], QUALITY)
    return float(((decoded - y) ** 2).sum())


def test_symbols_are_skipped_where_nothing_is_lost(model: Model) -> None:
    y = analysed(model, smooth(96, 96))
    payload = encode(model, y)
    assert payload[CHECK_BYTES] == MARKED | TRELLIS | SKIPPED_SCALES
    coded = [is_coded(*marked, SKIPPED_SCALES) for marked in marks_of(model, payload, *y.shape[:2])]
    assert np.concatenate(coded).mean() < 0.1


def marks_of(model: Model, payload: bytes, height: int, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scale indices (P, n) and marks (P,) of every pass of a payload."""
    assert model.trellis is not None
    reader, trellis = SymbolDecoder(model.trellis, payload[PREFIX_BYTES:]), Trellis()
    found: list[tuple[np.ndarray, np.ndarray]] = []

    def code(channels: slice, at: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        found.append((scales, reader.decode_marks(len(scales))))
        symbols = reader.decode(by_channel(scales), is_coded(*found[-1], SKIPPED_SCALES))
        return residuals(symbols, by_channel(scales), trellis).reshape(scales.shape[::-1]).T + means

    model.context.walk(height, width, QUALITY, code)
    assert reader.finished()
    return found


def test_what_skipping_would_hide_is_marked_and_coded(model: Model, rng: np.random.Generator) -> None:
    """Latents that no photograph has: large values in the highest channels, out of nowhere."""
    y = analysed(model, smooth(96, 96))
    y[2:4, 2:4, 340:] += 40 * rng.choice((-1, 1), (2, 2, y.shape[2] - 340)).astype(np.float32)
    payload = encode(model, y)
    assert squared_error(model, y, payload) < 0.5 * y.size
    marks = [marks for _, marks in marks_of(model, payload, 6, 6)]
    # The last two passes code the highest channels. Two of the four positions are coded by the first of them, and no
    # other has anything; the second predicts from those, and misses.
    assert int(marks[-2].sum()) == 2
    assert int(marks[-1].sum()) >= 2


def test_a_little_that_skipping_hides_is_not_coded(model: Model) -> None:
    """A symbol that costs more than it is worth stays away, as does one that is worth a little less than a mark."""
    y = analysed(model, smooth(96, 96))
    before = trial(model.entropy, y, QUALITY, importance(model, y)).decoded
    y[:, :, -1] += 0.6
    after = trial(model.entropy, y, QUALITY, importance(model, y)).decoded
    np.testing.assert_array_equal(after[:, :, -1], before[:, :, -1])


def test_moving_symbols_towards_zero_pays(model: Model, rng: np.random.Generator) -> None:
    """Bits and weighted error together are less than with plain rounding."""
    noisy = (smooth(96, 128) + rng.normal(0, 12, (96, 128, 3))).clip(0, 255).astype(np.uint8)
    y = analysed(model, noisy)
    costs = []
    counts = importance(model, y)
    for weight in (RDOQ_WEIGHT, 1e9):  # with so high a weight no symbol is moved
        payload = encode_latents(model.entropy, y, QUALITY, importance(model, y, weight))
        error = ((decode_latents(model.entropy, payload, *y.shape[:2], QUALITY) - y) ** 2).sum(2)
        costs.append(8 * len(payload) + float((counts.places * error).sum()))
    assert costs[0] < costs[1]


def test_only_hidden_errors_are_made(model: Model, rng: np.random.Generator) -> None:
    """Where errors count for everything symbols are rounded, where they count for nothing all symbols shrink."""
    noisy = (smooth(96, 128) + rng.normal(0, 12, (96, 128, 3))).clip(0, 255).astype(np.uint8)
    y = analysed(model, noisy)
    seen = np.zeros(y.shape[:2])
    seen[:, 4:] = 1e9
    decoded = trial(model.entropy, y, QUALITY, Importance(seen)).decoded
    assert abs(decoded - y)[:, 4:, :16].max() <= 0.51
    assert abs(decoded - y)[:, :4, :16].max() > 0.7


@pytest.mark.parametrize("payload", [b"", b"abcd", b"abcd\x84ab"], ids=["empty", "no prefix", "half a word"])
def test_a_bad_prefix_is_corrupt(model: Model, payload: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_latents(model.entropy, payload, 1, 1, QUALITY)


def noisy(model: Model, rng: np.random.Generator) -> np.ndarray:
    return analysed(model, (smooth(64, 80) + rng.normal(0, 12, (64, 80, 3))).clip(0, 255).astype(np.uint8))


def test_a_whole_walk_gives_back_what_was_chosen(model: Model, rng: np.random.Generator) -> None:
    """Means and scale indices are predicted again, which the check of the encoder leaves out."""
    y = noisy(model, rng)
    quantizer = Quantizer(model.entropy, y, importance(model, y))
    decoded = model.context.walk(4, 5, QUALITY, quantizer)
    payload = coding._check(decoded) + quantizer.finish()
    again = decode_sixteenths(model.entropy, payload, 4, 5, QUALITY)
    np.testing.assert_array_equal(again.reshape(decoded.shape), decoded)
    assert len({int(value) for value in np.rint(decoded / MEAN_STEPS).reshape(-1)}) > 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda words: words[:8] + bytes([words[8] ^ 1]) + words[9:],
        lambda words: words[:-4],
        lambda words: words + bytes(12),
        lambda words: words[:-1],
    ],
    ids=["a wrong word", "a word too few", "words too many", "half a word"],
)
def test_words_that_do_not_decode_are_not_written(
    model: Model, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes]
) -> None:
    y = noisy(model, rng)
    finish = SymbolEncoder.finish
    monkeypatch.setattr(SymbolEncoder, "finish", lambda self: spoil(finish(self)))
    with pytest.raises(SelfCheckError, match="did not decode"):
        encode(model, y)


def test_a_wrong_table_is_noticed(model: Model, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """One table of the encoder differs by two counts from the decoder's: the words are those of other symbols."""
    y = noisy(model, rng)
    used = max(set(range(SCALES)), key=lambda index: occurrences(model, y)[index])
    counts = [count.copy() for count in model.tables.counts]
    middle = len(counts[used]) // 2
    counts[used][middle - 2 : middle] += (1, -1)
    begin = SymbolEncoder.__init__
    monkeypatch.setattr(SymbolEncoder, "__init__", lambda self, tables: begin(self, Tables(counts)))
    with pytest.raises(SelfCheckError, match="did not decode"):
        encode(model, y)


def occurrences(model: Model, y: np.ndarray) -> np.ndarray:
    """How often each scale index is coded."""
    quantizer = Quantizer(model.entropy, y, importance(model, y))
    model.context.walk(*y.shape[:2], QUALITY, quantizer)
    counts = sum(np.bincount(one.scales.reshape(-1), minlength=SCALES) for one in quantizer.coded)
    return np.where(np.arange(SCALES) < SKIPPED_SCALES, 0, counts)
