"""What holds of every coder of pictures: threads change nothing, tiles leave no seam, damage is noticed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import skimage.data
from threadpoolctl import threadpool_limits

from isthmus.coding.payload import decode_latents
from isthmus.errors import CorruptError, ModelError
from isthmus.image.box import Box
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.separable import analysis as separable_analysis
from isthmus.image.coders.separable import synthesis as separable_synthesis
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.table import coder_of
from isthmus.image.coders.tiles import DecodedTiles, Synthesis, Window
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import TILE, Grid
from isthmus.medium.crew import Crew
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.quality import Quality
from isthmus.tune import EYE, PSNR, Tune
from tiny_separable import tiny_separable_model

Encoded = Callable[[int], list[bytes]]
LAST = 4
"""Bytes of a payload's last word, which ends in bits that mean nothing."""


@dataclass(frozen=True)
class Case:
    """A coder with weights of its own, on tiles of 64 pixels and on whole ones.

    Attributes:
        kind: its class.
        weights: gives the model.
        analysis, module: its rooms.
        synthesis: the class in `module` that makes pixels.
        network: an array that it needs.
        step: what its `decode_tile` counts a step as.
        tune: where its second dial stands, if it has one.
    """

    kind: Callable[..., Any]
    weights: Callable[[], Model]
    analysis: ModuleType
    module: ModuleType
    synthesis: Callable[..., Synthesis]
    network: str
    step: np.number[Any]
    tune: Tune = EYE

    @property
    def whole(self) -> Any:
        return self.kind()

    @property
    def small(self) -> Any:
        return self.kind(tile=64)

    @property
    def model(self) -> Model:
        return self.weights()

    def at(self, quality: int, threads: int | None = 1) -> Setting:
        return Setting(self.model, Quality(quality), threads, self.tune)

    def encode(self, rgb: np.ndarray, quality: int) -> list[bytes]:
        """Payloads of tiles of 64 pixels."""
        return list(self.small.encode_tiles(self.at(quality), ArraySource(rgb)))

    def payload(self, rgb: np.ndarray, quality: int) -> bytes:
        """That of the one tile of a small picture."""
        (found,) = self.whole.encode_tiles(self.at(quality), ArraySource(rgb))
        return bytes(found)

    def latents(self, payload: bytes, height: int, width: int, quality: int) -> np.ndarray:
        return decode_latents(self.model.entropy, payload, height, width, quality, self.tune.hundredths)


SEPARABLE = Case(
    SeparableCoder,
    tiny_separable_model,
    separable_analysis,
    separable_synthesis,
    separable_synthesis.SeparableSynthesis,
    "grid.last.bias",
    np.int32(16),
)
CASES = {
    "separable": SEPARABLE,
    "separable, psnr": replace(SEPARABLE, tune=PSNR),
    "separable, released": replace(SEPARABLE, weights=lambda: release_model("fast")),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:340])


@pytest.fixture(scope="module")
def encoded(case: Case, photo: np.ndarray) -> Encoded:
    """The photograph's payloads at a quality, made once for all tests that do not look at how."""
    made = cache(lambda quality: tuple(case.encode(photo, quality)))
    return lambda quality: list(made(quality))


def test_its_files_have_tiles_of_the_usual_size_and_its_models_find_it(case: Case) -> None:
    assert case.whole.tile == TILE
    assert coder_of(case.model) == case.whole


def test_it_refuses_a_model_that_lacks_its_networks(case: Case) -> None:
    arrays = {name: array for name, array in case.model.arrays.items() if name != case.network}
    name = case.network.replace(".", r"\.")
    with pytest.raises(ModelError, match=rf"is incomplete: expected {name} .*got nothing"):
        coder_of(replace(case.model, arrays=arrays))


@pytest.mark.parametrize("effort", [1, 2])
def test_the_same_bytes_and_pixels_whatever_the_threads(case: Case, photo: np.ndarray, effort: int) -> None:
    """Of tiles that are worked on side by side, the last of each row and column smaller."""
    rgb = photo[:140, :150]
    coder, grid = case.small, Grid(150, 140, 64)

    def both_ways(threads: int | None) -> tuple[list[bytes], np.ndarray, np.ndarray]:
        setting = case.at(6000, threads)
        counts: list[tuple[int, int]] = []
        payloads = list(coder.encode_tiles(setting, ArraySource(rgb), effort, lambda *at: counts.append(at)))
        strips = list(coder.decode_rows(setting, payloads.__getitem__, grid, lambda *at: counts.append(at)))
        assert counts == 2 * [(done, 9) for done in range(1, 10)]
        assert [top for top, _ in strips] == [0, 64, 128]
        window = coder.decode_window(setting, payloads.__getitem__, grid, Box(50, 60, 70, 80))
        return payloads, np.concatenate([strip for _, strip in strips]), window

    payloads, pixels, window = both_ways(1)
    for threads in (3, None):
        others = both_ways(threads)
        assert others[0] == payloads
        np.testing.assert_array_equal(others[1], pixels)
        np.testing.assert_array_equal(others[2], window)


def test_the_same_latents_whatever_the_threads_of_numpy(case: Case, photo: np.ndarray) -> None:
    payload = case.payload(photo, 6000)
    decoded = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            decoded.append(case.latents(payload, 13, 15, 6000))
    np.testing.assert_array_equal(*decoded)


def test_pixels_are_asked_for_and_progress_told_in_the_callers_thread(case: Case, photo: np.ndarray) -> None:
    threads = set()
    asked = 0

    class Source(ArraySource):
        def __call__(self, top: int, left: int, height: int, width: int) -> np.ndarray:
            nonlocal asked
            asked += 1
            threads.add(threading.get_ident())
            return super().__call__(top, left, height, width)

    def progress(done: int, count: int) -> None:
        # Two in work and one that waits, beside those that are done.
        assert asked <= done + 3
        threads.add(threading.get_ident())

    for _ in case.small.encode_tiles(case.at(3000, 2), Source(photo), progress=progress):
        pass
    assert asked == 16
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("threads", [1, 3])
def test_a_damaged_tile_among_many_ends_the_work(case: Case, encoded: Encoded, threads: int) -> None:
    payloads = encoded(3000)
    payloads[9] = payloads[9][:-8]
    setting, grid = case.at(3000, threads), Grid(240, 200, 64)
    before = threading.active_count()
    rows = case.small.decode_rows(setting, payloads.__getitem__, grid)
    assert next(rows)[0] == 0  # tiles 0 to 7 alone
    with pytest.raises(CorruptError):
        next(rows)
    with pytest.raises(CorruptError):
        case.small.check_tiles(setting, payloads.__getitem__, grid)
    assert threading.active_count() == before


def test_tiles_leave_no_seam(case: Case, encoded: Encoded, photo: np.ndarray) -> None:
    """Latents analysed and pixels synthesised tile by tile equal those of the whole picture at once."""
    setting, source, coder = case.at(6000), ArraySource(photo), case.small
    grid, small = Grid(source.width, source.height), Grid(source.width, source.height, 64)
    assert small.count == 16
    everything = Box(0, 0, grid.latent_height, grid.latent_width)
    at_once = case.analysis.latents_to_code(setting, pixels_of(source, everything))
    pieces = np.empty_like(at_once)
    for index in range(small.count):
        box = small.latent_box(index)
        pieces[box.slices] = case.analysis.latents_to_code(setting, pixels_of(source, box))
    np.testing.assert_allclose(pieces, at_once, atol=2e-3)
    payloads = encoded(6000)
    rows = coder.decode_rows(setting, payloads.__getitem__, small)
    by_tiles = np.concatenate([strip for _, strip in rows])
    synthesis = case.synthesis(setting, payloads.__getitem__, small)
    around = synthesis.around(grid.box)
    pixels = synthesis.pixels(DecodedTiles(synthesis.tile, small, Crew(1)).window(around)(), around, grid.box)
    assert np.abs(by_tiles.astype(int) - pixels).max() <= 1
    rng = np.random.default_rng(0)
    boxes = [grid.box, Box(60, 50, 1, 1), Box(10, 63, 129, 70)]
    boxes += [Box(int(rng.integers(0, 150)), int(rng.integers(0, 200)), 50, 40) for _ in range(3)]
    for box in boxes:
        window = coder.decode_window(setting, payloads.__getitem__, small, box)
        assert np.abs(window.astype(int) - by_tiles[box.slices]).max() <= 1


def test_what_no_quality_takes_away_is_told_of_a_box_alone(case: Case, rng: np.random.Generator) -> None:
    """Dots of one pixel in some blocks, of a picture that ends within blocks."""
    rgb = np.full((125, 140, 3), 90, np.uint8)
    rgb[64:, 64:][rng.random((61, 76)) < 0.05] = 255

    def error(box: Box, quality: int = 6000, pixels: np.ndarray = rgb) -> float:
        return float(case.whole.least_error(case.at(quality), ArraySource(pixels), box))

    dotted = error(Box(4, 4, 4, 5))
    assert error(Box(0, 0, 2, 9)) < 1e-3 < error(Box(0, 0, 8, 9)) < dotted
    blocks = [error(Box(top, left, 1, 1)) for top in range(4, 8) for left in range(4, 9)]
    assert np.mean(blocks) == pytest.approx(dotted, rel=1e-4)
    # Beyond the edges stand the mirrored pixels.
    whole = np.pad(rgb, [(0, 3), (0, 4), (0, 0)], "symmetric")
    assert error(Box(7, 8, 1, 1), 100, whole) == pytest.approx(blocks[-1])


def test_latents_too_large_for_16_bits_come_back(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """No photograph has them; a file may."""
    grid = Grid(64, 48, 64)
    for most in (2047.9375, 2048.0, 8e5):
        latents = np.zeros((3, 4, case.model.latents))
        latents[1, 2, :3] = (most, -most, 0.0625)
        decoded = (latents * case.step).astype(case.step.dtype)
        monkeypatch.setattr(case.module, "decode_tile", lambda *_, found=decoded: found.copy())
        synthesis = case.synthesis(case.at(3000), lambda index: b"", grid)
        window = DecodedTiles(synthesis.tile, grid, Crew(1)).window(Box(0, 0, 3, 4))()
        np.testing.assert_array_equal(window.latents[:, :, : case.model.latents], 16 * latents)


def test_a_window_decodes_only_the_tiles_that_it_needs(case: Case, encoded: Encoded) -> None:
    payloads = encoded(3000)
    asked = []

    def payload(index: int) -> bytes:
        asked.append(index)
        return payloads[index]

    case.small.decode_window(case.at(3000), payload, Grid(240, 200, 64), Box(10, 10, 1, 1))
    assert asked
    assert set(asked) <= {0, 1, 4, 5}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("box", [Box(0, 0, 200, 240), Box(70, 70, 60, 100)], ids=["whole", "window"])
def test_each_tile_is_decoded_once_and_few_are_kept(
    case: Case, encoded: Encoded, box: Box, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = encoded(1000)
    asked: list[int] = []
    kept: list[int] = []
    window = DecodedTiles.window

    def payload(index: int) -> bytes:
        asked.append(index)
        return payloads[index]

    def watched(self: DecodedTiles, place: Box) -> Callable[[], Window]:
        found = window(self, place)
        kept.append(len(self))
        return found

    monkeypatch.setattr(DecodedTiles, "window", watched)
    grid = Grid(240, 200, 64)
    case.small.decode_window(case.at(1000, threads), payload, grid, box)
    assert len(asked) == len(set(asked))
    columns = min(grid.columns, box.width // 64 + 3)
    # Side by side, tiles are decoded in advance: one more for each place, two for the first of a row.
    assert max(kept) <= 2 * columns + 3 + (0 if threads == 1 else 2 * threads)


def test_the_bits_map_adds_up_to_the_payload(case: Case, photo: np.ndarray) -> None:
    bits = case.whole.bits_map(case.at(5000), photo)
    assert bits.shape == (13, 15)
    assert 8 * len(case.payload(photo, 5000)) == pytest.approx(float(bits.sum()), rel=0.02, abs=128)


def test_every_damaged_byte_is_noticed(case: Case, photo: np.ndarray, rng: np.random.Generator) -> None:
    payload = case.payload(photo[:48, :48], 4000)
    intact = case.latents(payload, 3, 3, 4000)
    noticed = 0
    for at in range(len(payload)):
        damaged = bytearray(payload)
        damaged[at] ^= 1 << int(rng.integers(0, 8))
        try:
            latents = case.latents(bytes(damaged), 3, 3, 4000)
        except CorruptError:
            noticed += 1
        else:
            # Elsewhere a flipped bit is an error.
            assert at >= len(payload) - LAST
            np.testing.assert_array_equal(latents, intact)
    assert noticed >= len(payload) - LAST
    for length in range(len(payload)):
        with pytest.raises(CorruptError):
            case.latents(payload[:length], 3, 3, 4000)
    with pytest.raises(CorruptError):
        case.latents(payload + bytes(12), 3, 3, 4000)
