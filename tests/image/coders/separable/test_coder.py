"""The separable coder: both dials, gains, edges that are mirrors, and pixels as docs/format.md describes them."""

import numpy as np
import pytest
import skimage.data

from isthmus.coding.payload import decode_latents, decode_sixteenths, encode_latents
from isthmus.coding.symbols import Importance
from isthmus.coding.trellis import SYMBOL_STEP
from isthmus.errors import CorruptError
from isthmus.image.box import Box
from isthmus.image.coders.protocol import ArraySource
from isthmus.image.coders.separable import synthesis
from isthmus.image.coders.separable.analysis import importance_of, latents_of
from isthmus.image.coders.separable.arrays import mirror_signs, nominal_step_of, steps_of
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.separable.gains import as_factors, gain_exponents, gains_of, staged
from isthmus.image.coders.separable.graphs import grid_graph
from isthmus.image.coders.separable.synthesis import halo_of, with_gains
from isthmus.image.coders.windows import pixels_of
from isthmus.image.grid import Grid
from isthmus.likeness import psnr_db
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.quality import Quality
from isthmus.tune import EYE, PSNR, Tune
from synthesis_reference import Networks
from tiny_separable import GROUPS, tiny_separable_model

CODER = SeparableCoder()
SMALL = SeparableCoder(tile=64)
HALF = Tune(50)


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_separable_model()


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:340])


def smooth(height: int, width: int) -> np.ndarray:
    """What low frequencies carry."""
    i, j = np.mgrid[0:height, 0:width]
    waves = 40 * np.sin(i / 23) * np.cos(j / 31)
    return np.stack([120 + waves, 130 - waves + j / 8, 100 + i / 6], 2).clip(0, 255).astype(np.uint8)


def at(model: Model, quality: int = 6000, tune: Tune = EYE, threads: int | None = 1) -> Setting:
    return Setting(model, Quality(quality), threads, tune)


def encode(setting: Setting, rgb: np.ndarray, effort: int = 1, coder: SeparableCoder = CODER) -> list[bytes]:
    return list(coder.encode_tiles(setting, ArraySource(rgb), effort))


def decode(setting: Setting, payloads: list[bytes], rgb: np.ndarray, coder: SeparableCoder = CODER) -> np.ndarray:
    height, width = rgb.shape[:2]
    strips = list(coder.decode_rows(setting, payloads.__getitem__, Grid(width, height, coder.tile)))
    assert [top for top, _ in strips] == list(range(0, height, coder.tile))
    return np.concatenate([strip for _, strip in strips])


@pytest.mark.parametrize("tune", [PSNR, EYE])
def test_quality_buys_fidelity_with_bytes(model: Model, tune: Tune) -> None:
    picture = smooth(128, 160)
    sizes, fidelity = [], []
    for quality in (0, 5000, 10000):
        payloads = encode(at(model, quality, tune), picture)
        sizes.append(len(payloads[0]))
        fidelity.append(psnr_db(decode(at(model, quality, tune), payloads, picture), picture))
    assert sizes == sorted(sizes)
    assert fidelity == sorted(fidelity)
    assert fidelity[-1] > 35


def test_the_dials_are_those_of_the_file(model: Model, photo: np.ndarray) -> None:
    """Quality and tune turn steps, biases and gains: a payload decodes where it was coded and nowhere else."""
    payload = encode(at(model, 6000, HALF), photo[:64, :64])[0]
    decode_latents(model.entropy, payload, 4, 4, 6000, 50)
    for quality, tune in ((6000, 100), (6000, 0), (2000, 50)):
        with pytest.raises(CorruptError):
            decode_latents(model.entropy, payload, 4, 4, quality, tune)
    assert len({bytes(encode(at(model, 6000, tune), photo[:64, :64])[0]) for tune in (PSNR, HALF, EYE)}) == 3


def test_under_psnr_no_error_hides(model: Model, photo: np.ndarray) -> None:
    y = latents_of(at(model), pixels_of(ArraySource(photo), Box(0, 0, 12, 14)))
    plain, seen = importance_of(at(model, tune=PSNR), y).places, importance_of(at(model), y).places
    assert len(np.unique(plain)) == 1
    assert seen.max() > 2 * seen.min()
    between = importance_of(at(model, tune=HALF), y).places.mean()
    np.testing.assert_allclose(between, (plain.mean() + seen.mean()) / 2, rtol=0.1)
    assert gains_of(at(model, tune=PSNR), 12, 14) is None


def seen_error(setting: Setting, rgb: np.ndarray, effort: int) -> np.ndarray:
    """(h, w): mean squared error, in steps, of the decoded picture's latents."""
    decoded = decode(setting, encode(setting, rgb, effort, SMALL), rgb, SMALL)
    box = Grid(rgb.shape[1], rgb.shape[0]).latent_box(0)
    before, after = (latents_of(setting, pixels_of(ArraySource(one), box)) for one in (rgb, decoded))
    return ((after - before) ** 2).mean(2)


def test_refining_pays_also_where_tiles_meet(model: Model, photo: np.ndarray) -> None:
    """Some of what networks add that nobody has trained is taken off, in each round more."""
    setting, rgb = at(model, 9000, PSNR), photo[:100, :150]
    first, second, last = (seen_error(setting, rgb, effort) for effort in (1, 2, 4))
    assert last.mean() < second.mean() < first.mean()
    assert last[:, 3:5].mean() < 0.8 * first[:, 3:5].mean()


@pytest.mark.parametrize("effort", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 1), (15, 16), (33, 47)])
def test_any_size(model: Model, shape: tuple[int, int], effort: int) -> None:
    picture = smooth(*shape)
    decoded = decode(at(model, 9000), encode(at(model, 9000), picture, effort), picture)
    assert decoded.shape == picture.shape
    assert psnr_db(decoded, picture) > 30


def test_less_than_the_halo_would_be_felt(model: Model, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it says something when tiles leave no seam."""
    setting, small = at(model), Grid(240, 200, SMALL.tile)
    payloads = encode(setting, photo, coder=SMALL)
    whole = decode(setting, payloads, photo, SMALL)
    assert halo_of(model) == 3
    monkeypatch.setattr(synthesis, "halo_of", lambda _: 1)
    window = SMALL.decode_window(setting, payloads.__getitem__, small, Box(70, 70, 40, 40))
    assert np.abs(window.astype(int) - whole[70:110, 70:110]).max() > 1


def test_graphs_are_made_for_the_quality_of_a_file(model: Model) -> None:
    low, same, high = (at(model, quality).network(grid_graph) for quality in (2000, 2000, 8000))
    assert low is same
    assert low is not high


def test_beyond_the_edges_stands_a_mirror(model: Model, photo: np.ndarray) -> None:
    """What the decoder puts there is what an analysis of the mirrored picture would find there."""
    setting, rgb = at(model, tune=PSNR), photo[:96, :128]
    y = latents_of(setting, pixels_of(ArraySource(rgb), Box(-1, -1, 8, 10)))
    for axis, beyond, inside in ((0, np.s_[0], np.s_[1]), (0, np.s_[-1], np.s_[-2])):
        np.testing.assert_allclose(y[beyond], y[inside] * mirror_signs(model, axis), atol=1e-3)
    for beyond, inside in ((0, 1), (-1, -2)):
        np.testing.assert_allclose(y[:, beyond], y[:, inside] * mirror_signs(model, 1), atol=1e-3)
    assert {tuple(mirror_signs(model, axis)[:5]) for axis in (0, 1)} == {(1, 1, 1, 1, -1), (1, 1, 1, -1, 1)}


def test_the_decoder_mirrors_so(model: Model, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    setting, rgb, grid = at(model), photo[:40, :64], Grid(64, 40)
    payload = encode(setting, rgb)[0]
    shown: list[np.ndarray] = []
    original = synthesis.synthesise

    def watched(setting: Setting, whole: np.ndarray) -> np.ndarray:
        shown.append(whole.copy())
        return original(setting, whole)

    monkeypatch.setattr(synthesis, "synthesise", watched)
    assert CODER.decode_window(setting, lambda _: payload, grid, grid.box).shape == (40, 64, 3)
    inner = with_gains(setting, decode_sixteenths(model.entropy, payload, 3, 4, 6000, 100))
    signs = [np.append(mirror_signs(model, axis), 1) for axis in (0, 1)]
    expected = np.concatenate([inner[:1] * signs[0], inner, inner[-1:] * signs[0]])
    expected = np.concatenate([expected[:, :1] * signs[1], expected, expected[:, -1:] * signs[1]], 1)
    np.testing.assert_array_equal(shown[0], expected)


@pytest.mark.parametrize("tune", [PSNR, HALF, EYE])
def test_pixels_are_those_that_the_format_describes(model: Model, photo: np.ndarray, tune: Tune) -> None:
    """docs/format.md, "Coder 2", step by step, one coefficient after another."""
    setting, rgb, arrays = at(model, 6500, tune), photo[:40, 60:112], model.arrays
    payload, first = encode(setting, rgb)[0], GROUPS[0] + GROUPS[1]
    sixteenths = decode_sixteenths(model.entropy, payload, 3, 4, 6500, tune.hundredths)
    exponents, coded = gain_exponents(setting, sixteenths[:, :, GROUPS[0] : first]), sixteenths / 16
    channels = arrays["transform.channels"].astype(int)
    odd = channels[:, 1:] % 2
    latents = np.concatenate([coded[:1] * (1 - 2 * odd[:, 0]), coded, coded[-1:] * (1 - 2 * odd[:, 0])])
    beside = [latents[:, at : at + 1] * (1 - 2 * odd[:, 1]) for at in (0, 3)]
    latents = np.concatenate([beside[0], latents, beside[1]], 1).astype(np.float32)
    exponents = np.pad(exponents, 1, mode="edge")
    weights = np.array([0, 0.7, 0.3], np.float32)
    networks, nominal = Networks(arrays, weights), np.exp(arrays["steps.nominal"] @ weights)
    corrections, hidden = networks.trunk(networks.features(16 * latents, exponents), tune.share)
    coefficients = latents * arrays["transform.signs"] * np.exp(tune.share * arrays["steps.eye"])
    coefficients[:, :, : corrections.shape[2]] += corrections
    coefficients[:, :, first:] *= 2 ** (exponents[:, :, None] / 4)
    inverse, samples = arrays["transform.inverse"], np.zeros((3, 112, 128))
    for i, row in enumerate(coefficients):
        for j, position in enumerate(row):
            for value, (q, u, v) in zip(position, channels, strict=True):
                # Position 0 of the array is -1 in the picture, whose sample -24 is the first here.
                samples[q, 16 * i : 16 * i + 32, 16 * j : 16 * j + 32] += value * np.outer(inverse[u], inverse[v])
    colours = np.einsum("dc,chw->dhw", np.linalg.inv(arrays["transform.colour"].astype(np.float64)), samples)
    planes = colours[:, 16:-32, 16:-32].transpose(1, 2, 0)
    assert planes.shape == (16 * 4, 16 * 5, 3)
    pixels = np.clip(np.floor(nominal * networks.grid(hidden, planes) + 128.5), 0, 255)
    decoded = decode(setting, [payload], rgb)
    assert np.abs(pixels[8:48, 8:60] - decoded).max() <= 1


def test_latents_are_coded_relative_to_their_gains(model: Model, photo: np.ndarray) -> None:
    """Decoded times the gain that the decoder finds is what was analysed, but for errors of a coarser step."""
    setting = at(model, 10000)
    y = latents_of(setting, pixels_of(ArraySource(photo), Box(2, 2, 6, 7)))
    always = Importance(np.full((6, 7), 1e9))
    payload = encode_latents(model.entropy, staged(y, gains_of(setting, 6, 7)), 10000, always, 100)
    sixteenths = decode_sixteenths(model.entropy, payload, 6, 7, 10000, 100)
    decoded, first = sixteenths / 16, GROUPS[0] + GROUPS[1]
    exponents = gain_exponents(setting, sixteenths[:, :, GROUPS[0] : first])
    assert exponents.max() > 4
    factors = as_factors(exponents)[:, :, None]
    # Of a trellis the best symbol is not always the nearest.
    for errors in (decoded[:, :, :first] - y[:, :, :first], decoded[:, :, first:] - y[:, :, first:] / factors):
        assert np.abs(errors).max() <= SYMBOL_STEP
        assert np.sqrt((errors**2).mean()) < 0.35
    kept = with_gains(setting, sixteenths)
    np.testing.assert_array_equal(kept[:, :, -1], exponents)
    np.testing.assert_array_equal(kept[:, :, :-1], sixteenths)


@pytest.mark.parametrize("scale", [2, 4, 8, 16])
@pytest.mark.parametrize("tune", [PSNR, EYE])
def test_a_smaller_picture_of_a_plain_colour_is_that(model: Model, tune: Tune, scale: int) -> None:
    for colour in ((0, 0, 0), (255, 255, 255), (200, 40, 90)):
        setting, rgb = at(model, 8000, tune), np.full((33, 70, 3), colour, np.uint8)
        payloads = encode(setting, rgb)
        small = CODER.decode_scaled(setting, payloads.__getitem__, Grid(70, 33), scale)
        assert small.shape == (-(-33 // scale), -(-70 // scale), 3)
        assert np.abs(small.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("scale", [2, 4, 8, 16])
def test_a_smaller_picture_is_the_picture_and_runs_no_network(
    model: Model, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    """Of what low frequencies carry; over tiles without a seam."""
    setting, rgb = at(model, 8000), smooth(192, 240)
    payloads = encode(setting, rgb, coder=SMALL)
    monkeypatch.setattr(synthesis, "synthesise", None)
    monkeypatch.setattr(Setting, "network", None)
    small = SMALL.decode_scaled(setting, payloads.__getitem__, Grid(240, 192, 64), scale)
    means = rgb.reshape(192 // scale, scale, 240 // scale, scale, 3).mean((1, 3))
    assert small.shape == means.shape
    assert np.abs(small - means).mean() < 3
    assert np.abs(small - means).max() < 12


def test_steps(model: Model) -> None:
    nominal = np.concatenate([nominal_step_of(at(model, quality)) for quality in range(0, 10_001, 250)])
    assert (np.diff(nominal) < 0).all()
    np.testing.assert_allclose(nominal[[0, -1]], [60, 6], rtol=1e-6)
    plain, eye, half = (steps_of(at(model, 0, tune)) for tune in (PSNR, EYE, HALF))
    np.testing.assert_array_equal(np.sign(plain), model.arrays["transform.signs"])
    np.testing.assert_allclose(np.abs(plain), 60, rtol=1e-6)
    np.testing.assert_allclose(np.abs(eye[[0, -1]]), 60 * np.exp([-0.3, 0.3]), rtol=1e-6)
    np.testing.assert_allclose(half, np.sign(plain) * np.sqrt(plain * eye), rtol=1e-6)
