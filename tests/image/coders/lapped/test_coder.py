"""The neural part: what one engine writes another reads; tiles leave no seam; damage is noticed."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from threadpoolctl import threadpool_limits

from isthmus.coding.payload import decode_latents, encode_latents
from isthmus.errors import CorruptError, ModelError
from isthmus.image.box import Box
from isthmus.image.coders.lapped import synthesis
from isthmus.image.coders.lapped.analysis import analyse, bits_map
from isthmus.image.coders.lapped.arrays import nominal_step_of, steps_of
from isthmus.image.coders.lapped.coder import LappedCoder
from isthmus.image.coders.lapped.halo import halo_of
from isthmus.image.coders.lapped.synthesis import DecodedLatents, synthesise
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.table import coder_of
from isthmus.image.grid import BLOCK, TILE, Grid
from isthmus.likeness import psnr_db
from isthmus.medium.crew import Crew
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.quality import Quality

CODER = LappedCoder()
SMALL = LappedCoder(tile=64)


@pytest.fixture(scope="module")
def model() -> Model:
    """The smaller of two that differ in widths alone; the golden photographs try both."""
    return release_model("fast")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:340])


def encode(model: Model, rgb: np.ndarray, quality: int, effort: int = 1) -> list[bytes]:
    return list(CODER.encode_tiles(Setting(model, Quality(quality), 1), ArraySource(rgb), effort))


def decode(model: Model, payloads: list[bytes], rgb: np.ndarray, quality: int) -> np.ndarray:
    height, width = rgb.shape[:2]
    setting = Setting(model, Quality(quality), 1)
    strips = list(CODER.decode_rows(setting, payloads.__getitem__, Grid(width, height)))
    assert [top for top, _ in strips] == list(range(0, height, TILE))
    return np.concatenate([strip for _, strip in strips])


def test_quality_buys_fidelity_with_bytes(model: Model, photo: np.ndarray) -> None:
    sizes, fidelity = [], []
    for quality in (0, 2500, 5000, 7500, 10000):
        payloads = encode(model, photo, quality)
        sizes.append(len(payloads[0]))
        fidelity.append(psnr_db(decode(model, payloads, photo, quality), photo))
    assert sizes == sorted(sizes)
    assert fidelity == sorted(fidelity)
    assert fidelity[0] > 20
    assert fidelity[-1] > 38


def cost(model: Model, picture: np.ndarray, quality: int, effort: int) -> float:
    """Bits a pixel, and the squared error that is worth as many at this quality."""
    payloads = encode(model, picture, quality, effort=effort)
    error = ((decode(model, payloads, picture, quality).astype(float) - picture) ** 2).mean()
    bits = 8 * sum(map(len, payloads)) / (picture.shape[0] * picture.shape[1])
    return bits + 7.5 * 3 * error / float(nominal_step_of(Setting(model, Quality(quality)))[0]) ** 2


@pytest.mark.parametrize("quality", [3000, 5000, 7500])
def test_refining_pays(model: Model, photo: np.ndarray, quality: int) -> None:
    assert cost(model, photo, quality, 2) < cost(model, photo, quality, 1)


def test_refining_pays_where_tiles_meet(model: Model) -> None:
    wide = np.ascontiguousarray(np.tile(skimage.data.astronaut()[200:264], (1, 3, 1))[:, :1200])
    seam = np.s_[:, TILE - 8 : TILE + 8]
    errors = []
    for effort in (1, 2):
        decoded = decode(model, encode(model, wide, 6000, effort=effort), wide, 6000)
        errors.append(((decoded.astype(float) - wide) ** 2)[seam].mean())
    assert errors[1] < errors[0]
    assert cost(model, wide, 6000, 2) < cost(model, wide, 6000, 1)


@pytest.mark.parametrize("effort", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 1), (15, 16), (33, 47)])
def test_any_size(model: Model, photo: np.ndarray, shape: tuple[int, int], effort: int) -> None:
    picture = np.ascontiguousarray(photo[60 : 60 + shape[0], 60 : 60 + shape[1]])
    decoded = decode(model, encode(model, picture, 9000, effort=effort), picture, 9000)
    assert decoded.shape == picture.shape
    assert psnr_db(decoded, picture) > 30


@pytest.mark.parametrize("effort", [1, 2])
def test_the_same_bytes_and_pixels_whatever_the_threads(model: Model, photo: np.ndarray, effort: int) -> None:
    """Of tiles that are worked on side by side, the last of each row and column smaller."""
    rgb = photo[:140, :150]
    grid = Grid(150, 140, SMALL.tile)

    def both_ways(threads: int | None) -> tuple[list[bytes], np.ndarray, np.ndarray]:
        setting = Setting(model, Quality(6000), threads)
        counts: list[tuple[int, int]] = []
        payloads = list(SMALL.encode_tiles(setting, ArraySource(rgb), effort, lambda *at: counts.append(at)))
        strips = list(SMALL.decode_rows(setting, payloads.__getitem__, grid, lambda *at: counts.append(at)))
        assert counts == 2 * [(done, 9) for done in range(1, 10)]
        assert [top for top, _ in strips] == [0, 64, 128]
        window = SMALL.decode_window(setting, payloads.__getitem__, grid, Box(50, 60, 70, 80))
        return payloads, np.concatenate([strip for _, strip in strips]), window

    payloads, pixels, window = both_ways(1)
    for threads in (3, None):
        others = both_ways(threads)
        assert others[0] == payloads
        np.testing.assert_array_equal(others[1], pixels)
        np.testing.assert_array_equal(others[2], window)


def test_the_same_latents_whatever_the_threads_of_numpy(model: Model, photo: np.ndarray) -> None:
    payload = encode(model, photo, 6000)[0]
    decoded = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            decoded.append(decode_latents(model.entropy, payload, 13, 15, 6000))
    np.testing.assert_array_equal(*decoded)


def test_pixels_are_asked_for_and_progress_told_in_the_callers_thread(model: Model, photo: np.ndarray) -> None:
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

    for _ in SMALL.encode_tiles(Setting(model, Quality(3000), 2), Source(photo), progress=progress):
        pass
    assert asked == 16
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("threads", [1, 3])
def test_a_damaged_tile_among_many_ends_the_work(model: Model, photo: np.ndarray, threads: int) -> None:
    payloads = encode_small(model, photo, 3000)
    payloads[9] = payloads[9][:-4]
    setting, grid = Setting(model, Quality(3000), threads), Grid(240, 200, SMALL.tile)
    before = threading.active_count()
    rows = SMALL.decode_rows(setting, payloads.__getitem__, grid)
    assert next(rows)[0] == 0  # tiles 0 to 7 alone
    with pytest.raises(CorruptError):
        next(rows)
    with pytest.raises(CorruptError):
        SMALL.check_tiles(setting, payloads.__getitem__, grid)
    assert threading.active_count() == before


def test_pytorch_decodes_the_same_latents_and_pixels(model: Model, photo: np.ndarray) -> None:
    """The graph run by PyTorch, operator by operator, on latents decoded from the engine's bytes."""
    from torch_engine import run_graph

    payload = encode(model, photo, 6000)[0]
    latents = decode_latents(model.entropy, payload, 13, 15, 6000)
    rounded = np.rint(latents * 16)
    np.testing.assert_array_equal(rounded, latents * 16)
    halo = halo_of(model)
    padded = np.pad(latents, ((halo, halo), (halo, halo), (0, 0)))
    setting = Setting(model, Quality(6000), 1)
    ours = synthesise(setting, padded)
    theirs = run_graph(
        model.arrays["synthesis.onnx"].tobytes(),
        latents=padded,
        steps=steps_of(setting),
        nominal=nominal_step_of(setting),
        weights=setting.quality_weights,
    )
    cut = halo * BLOCK - BLOCK // 2
    assert np.abs(ours.astype(int) - theirs[cut:-cut, cut:-cut]).max() <= 1
    # And the other way round: latents analysed by PyTorch, coded, decoded by the product.
    y = run_graph(
        model.arrays["analysis.onnx"].tobytes(),
        pixels=np.pad(photo, ((8, 16), (8, 8), (0, 0)), mode="symmetric"),
        steps=steps_of(setting),
    )
    foreign = encode_latents(model.entropy, y, 6000, np.full(y.shape[:2], 28.0))
    decoded = decode_latents(model.entropy, foreign, 13, 15, 6000)
    assert np.abs(decoded - y).mean() < 0.5


def encode_small(model: Model, rgb: np.ndarray, quality: int) -> list[bytes]:
    """Payloads of tiles of 64 pixels."""
    return list(SMALL.encode_tiles(Setting(model, Quality(quality), 1), ArraySource(rgb)))


def test_tiles_leave_no_seam(model: Model, photo: np.ndarray) -> None:
    """Latents analysed and pixels synthesised tile by tile equal those of the whole picture at once."""
    setting = Setting(model, Quality(6000), 1)
    source = ArraySource(photo)
    grid = Grid(source.width, source.height)
    at_once = analyse(setting, source, Box(0, 0, grid.latent_height, grid.latent_width))
    small = Grid(source.width, source.height, SMALL.tile)
    assert small.count == 16
    pieces = np.empty_like(at_once)
    for index in range(small.count):
        box = small.latent_box(index)
        pieces[box.slices] = analyse(setting, source, box)
    np.testing.assert_allclose(pieces, at_once, atol=2e-3)
    payloads = encode_small(model, photo, 6000)
    rows = SMALL.decode_rows(setting, payloads.__getitem__, small)
    by_tiles = np.concatenate([strip for _, strip in rows])
    latents = DecodedLatents(setting, payloads.__getitem__, small, Crew(1))
    around = latents.window(Box(0, 0, grid.latent_height, grid.latent_width).grown(halo_of(model)))()
    pixels = synthesise(setting, around)[grid.box.slices]
    assert np.abs(by_tiles.astype(int) - pixels).max() <= 1
    rng = np.random.default_rng(0)
    boxes = [grid.box, Box(60, 50, 1, 1), Box(10, 63, 129, 70)]
    boxes += [Box(int(rng.integers(0, 150)), int(rng.integers(0, 200)), 50, 40) for _ in range(3)]
    for box in boxes:
        window = SMALL.decode_window(setting, payloads.__getitem__, small, box)
        assert np.abs(window.astype(int) - by_tiles[box.slices]).max() <= 1


def test_latents_too_large_for_16_bits_come_back(
    model: Model, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No photograph has them; a file may."""
    grid = Grid(64, 48, SMALL.tile)
    for most in (2047.9375, 2048.0, 8e5):
        latents = np.zeros((3, 4, model.latents), np.float32)
        latents[1, 2, :3] = (most, -most, 0.0625)
        monkeypatch.setattr(synthesis, "decode_tile", lambda *_, found=latents: found.copy())
        kept = DecodedLatents(Setting(model, Quality(3000), 1), lambda index: b"", grid, Crew(1))
        np.testing.assert_array_equal(kept.window(Box(0, 0, 3, 4))(), latents)


def test_a_window_decodes_only_the_tiles_that_it_needs(model: Model, photo: np.ndarray) -> None:
    payloads = encode_small(model, photo, 3000)
    asked = []

    def payload(index: int) -> bytes:
        asked.append(index)
        return payloads[index]

    SMALL.decode_window(Setting(model, Quality(3000), 1), payload, Grid(240, 200, 64), Box(10, 10, 1, 1))
    assert asked
    assert set(asked) <= {0, 1, 4, 5}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("box", [Box(0, 0, 200, 240), Box(70, 70, 60, 100)], ids=["whole", "window"])
def test_each_tile_is_decoded_once_and_few_are_kept(
    model: Model, photo: np.ndarray, box: Box, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = encode_small(model, photo, 1000)
    asked: list[int] = []
    kept: list[int] = []
    window = DecodedLatents.window

    def payload(index: int) -> bytes:
        asked.append(index)
        return payloads[index]

    def watched(self: DecodedLatents, place: Box) -> Callable[[], np.ndarray]:
        found = window(self, place)
        kept.append(len(self))
        return found

    monkeypatch.setattr(DecodedLatents, "window", watched)
    grid = Grid(240, 200, 64)
    SMALL.decode_window(Setting(model, Quality(1000), threads), payload, grid, box)
    assert len(asked) == len(set(asked))
    columns = min(grid.columns, box.width // 64 + 3)
    # Side by side, tiles are decoded in advance: one more for each place, two for the first of a row.
    assert max(kept) <= 2 * columns + 3 + (0 if threads == 1 else 2 * threads)


def test_the_bits_map_adds_up_to_the_payload(model: Model, photo: np.ndarray) -> None:
    bits = bits_map(Setting(model, Quality(5000), 1), photo)
    assert bits.shape == (13, 15)
    payload = encode(model, photo, 5000)[0]
    assert 8 * len(payload) == pytest.approx(float(bits.sum()), rel=0.02, abs=128)


def test_a_coder_refuses_a_model_that_lacks_its_networks(model: Model) -> None:
    assert coder_of(model).name == "lapped"
    arrays = {name: array for name, array in model.arrays.items() if name != "synthesis.onnx"}
    with pytest.raises(ModelError, match=r"is incomplete: expected synthesis\.onnx .*got nothing"):
        coder_of(replace(model, arrays=arrays))


def test_every_damaged_byte_is_noticed(model: Model, photo: np.ndarray, rng: np.random.Generator) -> None:
    payload = encode(model, photo[:48, :48], 4000)[0]
    intact = decode_latents(model.entropy, payload, 3, 3, 4000)
    noticed = 0
    for at in range(len(payload)):
        damaged = bytearray(payload)
        damaged[at] ^= 1 << int(rng.integers(0, 8))
        try:
            latents = decode_latents(model.entropy, bytes(damaged), 3, 3, 4000)
        except CorruptError:
            noticed += 1
        else:
            # The last word ends in bits that mean nothing; elsewhere a flipped bit is an error.
            assert at >= len(payload) - 4
            np.testing.assert_array_equal(latents, intact)
    assert noticed >= len(payload) - 4
    for length in range(len(payload)):
        with pytest.raises(CorruptError):
            decode_latents(model.entropy, payload[:length], 3, 3, 4000)
    with pytest.raises(CorruptError):
        decode_latents(model.entropy, payload + bytes(12), 3, 3, 4000)
