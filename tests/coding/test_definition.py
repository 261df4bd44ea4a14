"""The definition of the entropy model: what is read off it, and that a layer added to it is added everywhere."""

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import series
from isthmus.coding.boards import Board
from isthmus.coding.definition import Block, Definition, Input, Pass
from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import ContextModel, _Dial
from isthmus.coding.formats import BYTES, LATENT_LIMIT, MEAN_STEPS, WORDS, Format
from isthmus.coding.kinds import FIRST, KINDS, TUNED, Kind, definition_of, lattices_and_boards
from isthmus.coding.payload import decode_first_groups, decode_latents, encode_latents
from isthmus.coding.symbols import Importance
from isthmus.coding.weights import check_exact, numbers
from isthmus.errors import CorruptError, ModelError
from isthmus.model.check import check_arrays
from isthmus.model.file import parse_model
from isthmus.model.model import Model
from isthmus.model.registry import packaged_bytes, release_model
from isthmus.train.context import ContextModel as TrainedContext
from isthmus.train.context_arrays import compand_table, context_arrays, context_state
from isthmus.train.tables import laplace_tables

TINY = lattices_and_boards((3, 5, 8), points=3, lattice_width=8, width=16)


@pytest.fixture(scope="module")
def model() -> Model:
    return release_model()


def deeper(definition: Definition) -> Definition:
    """With one layer more, that sees a window, in every pass over a checkerboard."""
    more = (Block("again", (3, 5)),)
    passes = [one if one.neighbours else replace(one, blocks=one.blocks + more) for one in definition.passes]
    return replace(definition, passes=tuple(passes))


def runner(definition: Definition, trained: TrainedContext) -> ContextModel:
    """The fixed-point networks as a reader of a model file builds them."""
    arrays, form = context_arrays(trained), definition.form
    check_exact(definition, arrays)
    compand = (compand_table(form) / float(1 << form.feature_bits)).astype(form.dtype)
    return ContextModel(definition, numbers(definition, arrays), compand)


def test_a_released_model_is_as_defined(model: Model) -> None:
    stored = model.definition.own(model.arrays)
    assert {array.name: (array.shape, array.dtype) for array in model.definition.arrays()} == {
        name: (value.shape, value.dtype.name) for name, value in stored.items()
    }
    shapes = {name: value.shape for name, value in model.arrays.items()}
    kind, groups, points = model.definition.name, model.definition.groups, model.definition.points
    assert definition_of(kind, groups, points, shapes, model.definition.form) == model.definition


def test_channels_are_coded_once_and_in_order() -> None:
    seen: list[tuple[int, int]] = []
    for one in TINY.passes:
        seen += [(channel, one.phase) for channel in range(one.slice.start, one.slice.stop)]
    assert sorted(seen) == [(c, p) for c in range(3) for p in range(5)] + [(c, p) for c in range(3, 16) for p in (0, 1)]
    assert [one.group for one in TINY.passes] == sorted(one.group for one in TINY.passes)


def test_multiplications_by_hand() -> None:
    """On 4x4 positions: 1, 1, 2, 4 and 8 of them on the lattices, 8 in each half of the board."""
    lattices = 16 * (25 * 4 * 8 + 8 * 8 + 8 * 6 + 25 * 3 * 3)
    boards = 0
    for before, n in ((3, 5), (8, 8)):
        boards += 2 * 16 * (2 * before * 16) + 16 * (2 * n * 16)  # the first layer, everywhere
        boards += 16 * (9 * 16 * 16 + 16 * 16 + 16 * 2 * n)
    assert TINY.macs(4, 4) == lattices + boards
    extra = 2 * 16 * 15 * 16 * 16  # two groups, whose second window needs the first two layers everywhere as well
    assert deeper(TINY).macs(4, 4) == TINY.macs(4, 4) + extra + 2 * 16 * (9 * 16 * 16 + 16 * 16)


IN_BYTES = replace(TINY, form=BYTES)
TWO_DIALS = lattices_and_boards((3, 5, 8), points=3, lattice_width=8, width=16, form=BYTES, name=TUNED)
SERIES = series.definition((2, 3, 4), 3, (8, 16), WORDS)
"""Of another kind: other groups, boards of three and four phases in a row, windows in a row, names and prefix."""


def with_blocks(*blocks: Block) -> Definition:
    """With these layers instead, in every pass over a checkerboard."""
    passes = [one if one.neighbours else replace(one, blocks=blocks) for one in TINY.passes]
    return replace(TINY, passes=tuple(passes))


@pytest.mark.parametrize(
    "definition",
    [
        TINY,
        deeper(TINY),
        IN_BYTES,
        deeper(IN_BYTES),
        with_blocks(),
        with_blocks(Block("mix"), Block("again")),
        with_blocks(Block("mix"), Block("spatial", (3, 3))),
        with_blocks(Block("wide", (1, 5)), Block("mix"), Block("spatial", (3, 3)), Block("again")),
        SERIES,
        replace(SERIES, form=BYTES),
        TWO_DIALS,
        replace(TWO_DIALS, form=WORDS),
    ],
    ids=[
        *("as it is", "a layer more", "bytes", "bytes, a layer more", "none", "no window", "window last", "windows"),
        *("a series", "a series in bytes", "two dials", "two dials in words"),
    ],
)
def test_training_export_import_and_runner_follow_the_definition(definition: Definition) -> None:
    torch.manual_seed(0)
    trained = TrainedContext(definition)
    with torch.no_grad():
        for one in definition.passes:
            trained.network(one).last.weight[: one.channels].normal_(std=0.02)
            trained.network(one).last.weight[one.channels :].normal_(std=1.0)
            for table in trained.network(one).parameters():
                if table.shape == (definition.points, one.width):  # of quality, and of tune
                    table.normal_(std=0.2)
    # Whole numbers, and means near zero: no symbol lies near the edge between two.
    height, width = (6, 8) if definition.latents == TINY.latents else (1, 24)
    shape = (1, definition.latents, height, width)
    y = torch.round(torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3)
    seen: list[np.ndarray] = []
    weights = torch.tensor([[0.0, 0.4, 0.6, *([0.37] if definition.tuned else [])]])
    with torch.no_grad():
        decoded, _ = trained(y, weights, None, lambda symbols, scales: seen.append(scales.numpy().astype(int).ravel()))

    found: list[np.ndarray] = []
    flat = y[0].flatten(1).T.numpy().astype(np.float64)

    def code(channels: slice, at: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        found.append(scales.T.astype(int).ravel())
        return means + np.rint(flat[at, channels] - means / MEAN_STEPS).astype(np.int32) * MEAN_STEPS

    walked = runner(definition, trained).walk(height, width, 8000, code, tune=37 if definition.tuned else 0)
    np.testing.assert_allclose(walked / MEAN_STEPS, decoded[0].flatten(1).T.numpy(), atol=1 / 16 + 1e-6)
    # Training visits the positions of a half board in another order.
    assert len(seen) == len(found) == len(definition.passes)
    for trained_scales, walked_scales in zip(seen, found, strict=True):
        np.testing.assert_allclose(np.sort(walked_scales), np.sort(trained_scales), atol=1)
    assert len(np.unique(np.concatenate(found))) > 10

    again = context_state(definition, context_arrays(trained))
    own = trained.state_dict()
    assert again.keys() == own.keys() - {"costs"}
    for key, value in again.items():
        torch.testing.assert_close(value, own[key], rtol=0, atol=tolerance(key, value, definition.form))


@pytest.mark.parametrize("form", [WORDS, BYTES])
def test_a_second_kind_codes_symbols_both_ways(form: Format, rng: np.random.Generator) -> None:
    definition = replace(SERIES, form=form)
    torch.manual_seed(0)
    trained = TrainedContext(definition)
    for one in definition.passes:
        torch.nn.init.normal_(trained.network(one).last.weight, std=0.3)
        torch.nn.init.normal_(trained.network(one).quality)
    entropy = EntropyModel(runner(definition, trained), laplace_tables())
    y = rng.normal(0, 5, (1, 50, definition.latents)).astype(np.float32)
    payload = encode_latents(entropy, y, 4321, Importance(np.full((1, 50), 1e6)))
    decoded = decode_latents(entropy, payload, 1, 50, 4321)
    assert np.abs(decoded - y).max() <= 0.5
    np.testing.assert_array_equal(decode_first_groups(entropy, payload, 1, 50, 4321, 1), decoded[:, :, :2])
    with pytest.raises(CorruptError):
        decode_latents(entropy, payload, 1, 50, 8321)


def test_the_sizes_of_a_second_kind_are_read_off_its_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "series", series.KIND)
    arrays = SERIES.stored(context_arrays(TrainedContext(SERIES)))
    assert all(name.startswith("series.") for name in arrays)
    shapes = {name: array.shape for name, array in arrays.items()}
    assert definition_of("series", SERIES.groups, SERIES.points, shapes, WORDS) == SERIES
    assert SERIES.own(arrays).keys() == {array.name for array in SERIES.arrays()}


def test_the_kind_with_two_dials() -> None:
    """It has the arrays of the first, and one more a pass."""
    first = {array.name: array for array in IN_BYTES.arrays()}
    more = {array.name: array for array in TWO_DIALS.arrays()}
    assert more.keys() - first.keys() == {f"{one.name}.tuned" for one in TWO_DIALS.passes}
    assert all(more[name] == array for name, array in first.items())
    for one in TWO_DIALS.passes:
        quality, tuned = (more[f"{one.name}.{name}"] for name in ("quality", "tuned"))
        assert replace(tuned, name=quality.name) == quality
    shapes = {name: array.shape for name, array in TWO_DIALS.stored(more).items()}
    assert definition_of(TUNED, TWO_DIALS.groups, 3, shapes, BYTES) == TWO_DIALS
    assert definition_of(FIRST, TWO_DIALS.groups, 3, shapes, BYTES) == IN_BYTES
    assert TWO_DIALS.macs(9, 7) == IN_BYTES.macs(9, 7)


@pytest.mark.parametrize("form", [WORDS, BYTES])
@pytest.mark.parametrize(("quality", "tune"), [(0, 0), (0, 100), (10_000, 100), (4321, 0), (4321, 37), (7777, 99)])
def test_a_bias_of_two_dials_is_what_fractions_say(
    form: Format, quality: int, tune: int, rng: np.random.Generator
) -> None:
    """Interpolated between quality points in both tables, the second as far as tune is turned, rounded once."""
    definition = replace(TWO_DIALS, form=form)
    torch.manual_seed(0)
    arrays = context_arrays(TrainedContext(definition))
    most = 2000 if form == BYTES else 30_000
    for one in definition.passes:
        for name in ("quality", "tuned"):
            array = arrays[f"{one.name}.{name}"]
            arrays[f"{one.name}.{name}"] = rng.integers(-most, most, array.shape).astype(array.dtype)
    weights = numbers(definition, arrays)
    model = ContextModel(definition, weights, np.zeros(LATENT_LIMIT + 1))
    index, share = (0, 2 * quality) if quality < 5000 else (1, 2 * quality - 10_000)
    for one in definition.passes:
        tables = [arrays[f"{one.name}.{name}"].tolist() for name in ("quality", "tuned")]
        mixed = [
            [Fraction(a * (10_000 - share) + b * share, 10_000) for a, b in zip(*table[index : index + 2], strict=True)]
            for table in tables
        ]
        exact = [a + b * tune / 100 for a, b in zip(*mixed, strict=True)]
        found = model._quality_bias(one, _Dial(quality, tune))
        if form == BYTES:  # whole units, halves to even, as Python rounds
            unit = weights[f"{one.name}.{one.enter}.unit"]
            assert (found / unit).tolist() == [round(value) for value in exact]
        else:  # multiples of 1/256 of what counts 1/4096
            assert (found * 256).tolist() == [math.floor(value / 16 + Fraction(1, 2)) for value in exact]


def test_two_dials_code_symbols_both_ways(rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    trained = TrainedContext(TWO_DIALS)
    for one in TWO_DIALS.passes:
        torch.nn.init.normal_(trained.network(one).last.weight, std=0.3)
        for table in trained.network(one).parameters():
            if table.shape == (TWO_DIALS.points, one.width):
                torch.nn.init.normal_(table)
    entropy = EntropyModel(runner(TWO_DIALS, trained), laplace_tables())
    y = rng.normal(0, 5, (4, 6, TWO_DIALS.latents)).astype(np.float32)
    always = Importance(np.full((4, 6), 1e6))
    payload = encode_latents(entropy, y, 4321, always, 37)
    decoded = decode_latents(entropy, payload, 4, 6, 4321, 37)
    assert np.abs(decoded - y).max() <= 0.5
    np.testing.assert_array_equal(decode_first_groups(entropy, payload, 4, 6, 4321, 2, 37), decoded[:, :, :8])
    for tune in (0, 100):
        with pytest.raises(CorruptError):
            decode_latents(entropy, payload, 4, 6, 4321, tune)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda passes: passes[:-1], "a pass for each phase"),
        (lambda passes: passes[::-1], "groups in turn"),
        (lambda passes: (replace(passes[0], channels=3), *passes[1:]), "expected 2 channels from 0"),
        (lambda passes: (*passes[:-1], replace(passes[-1], inputs=(Input("known", 4),))), "features, found 4"),
    ],
)
def test_passes_that_do_not_fit_are_refused(change: Callable[..., tuple[Pass, ...]], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        replace(SERIES, passes=change(SERIES.passes))


@pytest.mark.parametrize("pattern", [(), ((0, 1), (0,)), ((0, 2),), ((1, 1),)])
def test_boards_that_are_none_are_refused(pattern: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="a board: expected"):
        Board(pattern)


def tolerance(key: str, value: torch.Tensor, form: Format) -> float:
    """Half of what a weight counts: fixed, or in proportion to the largest of its output."""
    if form == WORDS or "linear" in key or value.ndim < 4:
        return 2.0**-13 + 1e-6 if form == WORDS or "linear" in key else 2.0**-7
    return float(value.abs().max()) / 63 + 1e-6


def test_a_part_of_the_groups_is_the_beginning_of_the_whole(model: Model, rng: np.random.Generator) -> None:
    y = np.round(rng.laplace(0, 60.0 / (1 + np.arange(model.latents)) ** 0.7, (30, model.latents)))

    def code(channels: slice, at: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        return means + np.rint(y[at, channels] - means / MEAN_STEPS).astype(np.int32) * MEAN_STEPS

    whole = model.context.walk(5, 6, 4000, code)
    for groups in range(1, len(model.definition.groups)):
        part = model.context.walk(5, 6, 4000, code, groups)
        np.testing.assert_array_equal(part, whole[:, : part.shape[1]])
        assert part.shape[1] == sum(model.definition.groups[:groups])


def test_bytes_are_exact_in_any_order_with_the_largest_operands(rng: np.random.Generator) -> None:
    """Sums just below the bound, with operands at their limits, in float32: the same in every order."""
    form = BYTES
    inputs = 1152
    weights = rng.choice((-form.weight_limit, form.weight_limit), (inputs, 16)).astype(np.float32)
    activations = rng.choice((form.activation_low, form.activation_high), (8, inputs)).astype(np.float32)
    activations[0] = np.where(weights[:, 0] > 0, form.activation_high, form.activation_low)  # the largest sum there is
    exact = activations.astype(np.int64) @ weights.astype(np.int64)
    assert np.abs(exact).max() > 0.98 * form.weight_limit * -form.activation_low * inputs
    for _ in range(5):
        order = rng.permutation(inputs)
        np.testing.assert_array_equal(activations[:, order] @ weights[order], exact)
    # Powers of two change nothing, nor does the unit of a bias.
    scaled = (activations / 8) @ np.ldexp(weights, -9)
    np.testing.assert_array_equal(scaled, np.ldexp(exact.astype(np.float64), -12))


def test_sums_that_are_not_exact_are_refused() -> None:
    torch.manual_seed(0)
    arrays = context_arrays(TrainedContext(TWO_DIALS))
    check_exact(TWO_DIALS, arrays)
    for name, value, message in (
        ("ac.1.0.spatial.bias", 1 << 24, "sums below 16777216"),
        ("ac.1.0.spatial.weight", 64, "within"),
        ("ac.1.0.spatial.exponent", 9, "within"),
        ("ac.2.1.quality", 1 << 24, "sums below"),
        ("ac.2.1.tuned", 1 << 24, "sums below"),
    ):
        changed = dict(arrays)
        changed[name] = arrays[name].copy()
        changed[name].flat[3] = value
        with pytest.raises(ValueError, match=message):
            check_exact(TWO_DIALS, changed)
    changed = {name: array.copy() for name, array in arrays.items()}
    changed["ac.1.0.last.exponent"][0], changed["ac.1.0.last.bias"][0] = 8, 1 << 22
    with pytest.raises(ValueError, match=r"ac\.1\.0\.last: expected means within"):
        check_exact(TWO_DIALS, changed)
    # Each is exact, and the two together are not.
    for name in ("quality", "tuned"):
        arrays[f"ac.1.0.{name}"][0, 0] = 1 << 23
    with pytest.raises(ValueError, match=r"ac\.1\.0\.project: expected sums below"):
        check_exact(TWO_DIALS, arrays)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((Block("last"),), "names"),
        ((Block("mix"), Block("mix")), "names"),
        ((Block("project"),), "names"),
        ((Block("spatial", (2, 3)),), "odd"),
    ],
)
def test_layers_that_cannot_be_are_refused(blocks: tuple[Block, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_blocks(*blocks)


def test_a_window_where_only_what_is_coded_is_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="1x1"):
        replace(TINY.passes[0], blocks=(Block("spatial", (3, 3)),))


def test_another_kind_stands_beside_the_first(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models name their kind; those that name none are of the first, and are read whatever is added."""

    def deep(groups: tuple[int, ...], points: int, widths: tuple[int, ...], form: Format) -> Definition:
        return replace(deeper(KINDS[FIRST].build(groups, points, widths, form)), name="deep")

    monkeypatch.setitem(KINDS, "deep", Kind(deep, KINDS[FIRST].widths, least_groups=2))
    assert parse_model(packaged_bytes(model.id.hex())).definition == model.definition
    with pytest.raises(ModelError, match=r"incomplete.*again"):
        check_arrays(model.arrays, {**model.metadata, "definition": "deep"}, "x")
    with pytest.raises(ModelError, match=r"another entropy model.*got deeper still.*Update"):
        check_arrays(model.arrays, {**model.metadata, "definition": "deeper still"}, "x")


def test_one_position_is_coded_in_every_group(model: Model) -> None:
    """It is the only one on a lattice: the passes of the others have none, and the group's features are there still."""
    seen: list[tuple[int, int]] = []

    def code(channels: slice, at: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
        seen.append((channels.start, len(at)))
        return np.asarray(means + 1)

    decoded = model.context.walk(1, 1, 5000, code)
    assert seen == [(one.first, 1) for one in model.definition.passes if one.phase == 0]
    assert decoded.shape == (1, model.latents)
