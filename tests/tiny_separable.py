"""A model of the separable coder in miniature: 24 latents, networks of a few hundred weights that nobody has trained.

Its transform is a true one, orthonormal and lapped, so that pictures come back as far as so few frequencies carry them;
what its networks add is small, and felt everywhere.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from isthmus.coding.definition import Definition
from isthmus.coding.formats import BYTES, LATENT_LIMIT, MEAN_STEPS
from isthmus.coding.kinds import TUNED, lattices_and_boards
from isthmus.image.coders.separable.coder import SeparableCoder
from isthmus.image.coders.separable.networks import LARGEST, Shape
from isthmus.image.grid import BLOCK
from isthmus.model.file import FORMAT, save_model
from isthmus.model.model import Model
from isthmus.model.registry import release_model

GROUPS, POINTS = (3, 5, 16), 3
LATENTS = sum(GROUPS)
SHAPE = Shape(LATENTS, POINTS, width=6, hidden=9, blocks=1, corrected=12, grid_width=4, grid_hidden=5, grid_blocks=1)
GAINS = (500, 40)
"""The floor, and hundredths of the power: stronger than a trained model's, so that small pictures have some."""
EXPONENT = -6

Arrays = dict[str, np.ndarray[Any, Any]]


def windows() -> np.ndarray:
    """(16, 32) float64: a filter across each edge between blocks, then a DCT; both orthonormal, and so is all."""
    half, n = BLOCK // 2, np.arange(BLOCK)
    dct = np.cos(np.pi * (n + 0.5) * n[:, None] / BLOCK) * np.sqrt(2 / BLOCK)
    dct[0] /= np.sqrt(2)
    eye, flip = np.eye(half), np.eye(half)[::-1]
    turn = np.diag(np.full(half - 1, 0.4), 1)
    turn -= turn.T
    core = np.linalg.solve(eye + turn, eye - turn)
    butterfly = np.block([[eye, flip], [flip, -eye]])
    edge = butterfly @ np.block([[eye, 0 * eye], [0 * eye, core]]) @ butterfly / 2
    return np.asarray(dct @ np.block([[edge[half:], np.zeros((half, BLOCK))], [np.zeros((half, BLOCK)), edge[:half]]]))


def channels() -> np.ndarray:
    """(24, 3): three DC coefficients, the next frequencies of luma, then what follows, some of it colour."""
    low = [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 2), (0, 2, 0)]
    luma = [(0, u, v) for u in range(5) for v in range(5) if u + v > 1 and (0, u, v) not in low]
    colour = [(c, u, v) for c in (1, 2) for u, v in ((0, 1), (1, 0))]
    rest = sorted(luma, key=lambda place: place[1] + place[2])[: GROUPS[2] - len(colour)]
    return np.array([(0, 0, 0), (1, 0, 0), (2, 0, 0), *low, *rest, *colour])


def context_arrays(definition: Definition, rng: np.random.Generator) -> Arrays:
    """Weights within what is exact; scale indices that suit the transform's latents."""
    # Down to those whose symbols are skipped.
    usual = {0: [40] * 3, 1: [28] * 5, 2: np.linspace(26, 2, GROUPS[2])}
    out: Arrays = {}
    for array in definition.arrays():
        most = {"exponent": 0, "linear": 60, "bias": 200, "quality": 200}.get(array.kind, 4)
        out[array.name] = rng.integers(-most, most + 1, array.shape).astype(array.dtype)
        if array.kind == "exponent":
            out[array.name][:] = EXPONENT
        if array.kind == "fixed":
            out[array.name] = np.array([1, 2, 3, 2, 1])[:, None].repeat(5, 1).reshape(-1).astype(array.dtype)
    for one in definition.passes:
        scales = out[f"{one.name}.last.bias"][one.channels :]
        scales += np.rint(np.ldexp(usual[one.group], BYTES.activation_bits - EXPONENT)).astype(np.int32)
    return definition.stored(out)


def synthesis_arrays(rng: np.random.Generator) -> Arrays:
    """Networks that add little, everywhere."""
    out: Arrays = {}
    for name, (dtype, shape) in SHAPE.spec().items():
        sides = [side or 0 for side in shape]
        if dtype == "int8":
            out[name] = rng.integers(-LARGEST, LARGEST + 1, sides).astype(np.int8)
        elif name.endswith(".unit"):
            inputs = out[name.replace(".unit", ".weight")].shape[0]
            out[name] = rng.uniform(0.5, 1, sides).astype(np.float32) / np.float32(LARGEST * np.sqrt(inputs))
        elif name.endswith(".steps"):
            out[name] = rng.uniform(0.02, 0.04, sides).astype(np.float32)
        else:
            out[name] = rng.normal(0, 0.1, sides).astype(np.float32)
    return out


def arrays_of(definition: Definition) -> Arrays:
    """All arrays of the model."""
    rng = np.random.default_rng(0)
    forward = windows().astype(np.float32)
    colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    x = np.arange(LATENT_LIMIT + 1) / MEAN_STEPS
    compand = np.minimum(np.round(np.log2(1 + x) * (1 << BYTES.feature_bits)), BYTES.feature_limit)
    return {
        **synthesis_arrays(rng),
        "transform.forward": forward,
        "transform.inverse": forward,
        "transform.colour": colour.astype(np.float32),
        "transform.channels": channels().astype(np.uint8),
        "transform.signs": rng.choice((-1, 1), LATENTS).astype(np.int8),
        "steps.nominal": np.log([60, 20, 6]).astype(np.float32),
        "steps.eye": np.linspace(-0.3, 0.3, LATENTS).astype(np.float32),
        "gains": np.array(GAINS, np.int32),
        # Of scale indices, not of a coder.
        "tables": release_model().arrays["tables"],
        "compand": compand.astype(np.int32),
        **context_arrays(definition, rng),
    }


def write_tiny_separable(path: Path) -> Model:
    """A model file of it."""
    definition = lattices_and_boards(GROUPS, POINTS, 8, 16, BYTES, TUNED)
    metadata = {"groups": list(GROUPS), "points": POINTS, "definition": TUNED, "numbers": BYTES.name}
    metadata |= {"format": FORMAT, "name": "tiny", "medium": 1, "coder": SeparableCoder.id}
    return save_model(path, arrays_of(definition), metadata)


@cache
def tiny_separable_model() -> Model:
    """The model in memory; the same one each time."""
    with TemporaryDirectory() as folder:
        return write_tiny_separable(Path(folder) / "tiny.isthmodel")
