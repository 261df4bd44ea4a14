"""The neural part: what one engine writes another reads; tiles leave no seam; damage is noticed."""

import numpy as np
import pytest
import skimage.data

from isthmus.coding.payload import decode_latents, encode_latents
from isthmus.errors import CorruptError
from isthmus.image.coders import lapped as tiles
from isthmus.image.coders.lapped import ArraySource, Grid
from isthmus.model.engine import _controller, limit_threads
from isthmus.model.model import Model
from isthmus.model.registry import release_model


@pytest.fixture(scope="module")
def model() -> Model:
    return release_model()


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:340])


def encode(model: Model, rgb: np.ndarray, quality: int, threads: int | None = 1, effort: int = 1) -> list[bytes]:
    return list(tiles.encode_tiles(model, ArraySource(rgb), quality, threads, effort=effort))


def decode(model: Model, payloads: list[bytes], rgb: np.ndarray, quality: int, threads: int | None = 1) -> np.ndarray:
    height, width = rgb.shape[:2]
    strips = list(tiles.decode_rows(model, payloads.__getitem__, width, height, quality, threads))
    assert [top for top, _ in strips] == list(range(0, height, tiles.TILE))
    return np.concatenate([strip for _, strip in strips])


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, ((a.astype(float) - b) ** 2).mean())))


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
    return bits + 7.5 * 3 * error / float(model.nominal_step(quality)[0]) ** 2


@pytest.mark.parametrize("quality", [3000, 5000, 7500])
def test_a_second_look_pays(model: Model, photo: np.ndarray, quality: int) -> None:
    assert cost(model, photo, quality, 2) < cost(model, photo, quality, 1)


def test_a_second_look_pays_where_tiles_meet(model: Model) -> None:
    wide = np.ascontiguousarray(np.tile(skimage.data.astronaut()[200:264], (1, 3, 1))[:, :1200])
    seam = np.s_[:, tiles.TILE - 8 : tiles.TILE + 8]
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


def test_the_same_latents_whatever_the_threads(model: Model, photo: np.ndarray) -> None:
    one, two = encode(model, photo, 6000, threads=1), encode(model, photo, 6000, threads=2)
    # An engine may round a value at the edge between two symbols either way, so the bytes may differ a little;
    # what is written decodes to the same latents everywhere.
    for payload in (one[0], two[0]):
        decoded = []
        for threads in (1, 2):
            with limit_threads(threads):
                decoded.append(decode_latents(model.entropy, payload, 13, 15, 6000))
        np.testing.assert_array_equal(*decoded)
    first = decode(model, one, photo, 6000, threads=1)
    second = decode(model, one, photo, 6000, threads=2)
    assert np.abs(first.astype(int) - second).max() <= 1


def test_a_limit_of_threads_ends_with_the_last_who_needs_it() -> None:
    def threads() -> set[int]:
        return {found["num_threads"] for found in _controller().info() if found["user_api"] == "blas"}

    with _controller().limit(limits=2, user_api="blas"):
        before = threads()
        first, second = limit_threads(1), limit_threads(1)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == before == {2}


def test_pytorch_decodes_the_same_latents_and_pixels(model: Model, photo: np.ndarray) -> None:
    """The graph run by PyTorch, operator by operator, on latents decoded from the engine's bytes."""
    from torch_engine import run_graph

    payload = encode(model, photo, 6000)[0]
    latents = decode_latents(model.entropy, payload, 13, 15, 6000)
    rounded = np.rint(latents * 16)
    np.testing.assert_array_equal(rounded, latents * 16)
    halo = tiles.HALO
    padded = np.pad(latents, ((halo, halo), (halo, halo), (0, 0)))
    ours = tiles.synthesise(model, padded, 6000, threads=1)
    theirs = run_graph(
        model.arrays["synthesis.onnx"].tobytes(),
        latents=padded,
        steps=model.steps(6000),
        nominal=model.nominal_step(6000),
        weights=model.quality_weights(6000),
    )
    cut = halo * tiles.BLOCK - tiles.BLOCK // 2
    assert np.abs(ours.astype(int) - theirs[cut:-cut, cut:-cut]).max() <= 1
    # And the other way round: latents analysed by PyTorch, coded, decoded by the product.
    y = run_graph(
        model.arrays["analysis.onnx"].tobytes(),
        pixels=np.pad(photo, ((8, 16), (8, 8), (0, 0)), mode="symmetric"),
        steps=model.steps(6000),
    )
    foreign = encode_latents(model.entropy, y, 6000, np.full(y.shape[:2], 28.0))
    decoded = decode_latents(model.entropy, foreign, 13, 15, 6000)
    assert np.abs(decoded - y).mean() < 0.5


def test_tiles_leave_no_seam(model: Model, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Latents analysed and pixels synthesised tile by tile equal those of the whole picture at once."""
    quality = 6000
    source = ArraySource(photo)
    grid = Grid(source.width, source.height)
    whole = tiles.analyse(model, source, (0, 0, grid.latent_height, grid.latent_width), quality, 1)
    rng = np.random.default_rng(0)
    monkeypatch.setattr(tiles, "TILE", 64)
    small = Grid(source.width, source.height)
    assert small.count == 16
    pieces = np.empty_like(whole)
    for index in range(small.count):
        top, left, h, w = small.latent_box(index)
        pieces[top : top + h, left : left + w] = tiles.analyse(model, source, (top, left, h, w), quality, 1)
    np.testing.assert_allclose(pieces, whole, atol=2e-3)
    payloads = encode(model, photo, quality)
    by_tiles = decode(model, payloads, photo, quality)
    boxes = [(0, 0, 240, 200), (50, 60, 1, 1), (63, 10, 70, 129)]
    boxes += [(int(rng.integers(0, 200)), int(rng.integers(0, 150)), 40, 50) for _ in range(3)]
    latents = tiles._Latents(model, payloads.__getitem__, small, quality, threads=1)
    halo = tiles.HALO
    around = latents.window(-halo, -halo, grid.latent_height + 2 * halo, grid.latent_width + 2 * halo)
    at_once = tiles.synthesise(model, around, quality, 1)[: source.height, : source.width]
    assert np.abs(by_tiles.astype(int) - at_once).max() <= 1
    for x, y, w, h in boxes:
        window = tiles.decode_window(model, payloads.__getitem__, 240, 200, quality, (x, y, w, h), 1)
        assert np.abs(window.astype(int) - by_tiles[y : y + h, x : x + w]).max() <= 1


def test_a_window_decodes_only_the_tiles_that_it_needs(
    model: Model, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "TILE", 64)
    payloads = encode(model, photo, 3000)
    asked = []

    def payload(index: int) -> bytes:
        asked.append(index)
        return payloads[index]

    tiles.decode_window(model, payload, 240, 200, 3000, (10, 10, 1, 1), 1)
    assert set(asked) <= {0, 1, 4, 5}


@pytest.mark.parametrize("box", [(0, 0, 240, 200), (70, 70, 100, 60)], ids=["whole", "window"])
def test_each_tile_is_decoded_once_and_few_are_kept(
    model: Model, photo: np.ndarray, box: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "TILE", 64)
    payloads = encode(model, photo, 1000)
    asked: list[int] = []
    kept: list[int] = []
    window = tiles._Latents.window

    def payload(index: int) -> bytes:
        asked.append(index)
        return payloads[index]

    def watched(self: tiles._Latents, *place: int) -> np.ndarray:
        found = window(self, *place)
        kept.append(len(self._kept))
        return found

    monkeypatch.setattr(tiles._Latents, "window", watched)
    tiles.decode_window(model, payload, 240, 200, 1000, box, 1)
    assert len(asked) == len(set(asked))
    columns = min(Grid(240, 200).columns, box[2] // 64 + 3)
    assert max(kept) <= 2 * columns + 3


def test_the_bits_map_adds_up_to_the_payload(model: Model, photo: np.ndarray) -> None:
    bits = tiles.bits_map(model, photo, 5000, threads=1)
    assert bits.shape == (13, 15)
    payload = encode(model, photo, 5000)[0]
    assert 8 * len(payload) == pytest.approx(float(bits.sum()), rel=0.02, abs=128)


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
