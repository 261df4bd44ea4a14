"""isthmus itself as one more codec of the bench, and where its bits go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus import Codec, __version__
from isthmus.bench.metrics import Picture
from isthmus.bench.rivals import OWN, Asked, Dial, Rival
from isthmus.effort import Effort
from isthmus.image.coders.table import coder_of
from isthmus.media import DEFAULT as PICTURES
from isthmus.media import MEDIA
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import DEFAULT, model_named
from isthmus.quality import Quality
from isthmus.tune import EYE, Tune

QUALITIES = (0.0, 8.0, 16.0, 24.0, 32.0, 40.0, 48.0, 56.0, 64.0, 72.0, 80.0, 88.0, 95.0, 100.0)
"""Points of a curve of isthmus, each with about the same share of bytes more."""


@dataclass(frozen=True)
class Weights:
    """Which weights to run, and how.

    Attributes:
        spec: an installed model's name or a model file; None for the default.
        asked: effort and tune.
    """

    spec: str | None = None
    asked: Asked = OWN["isthmus"]

    def load(self) -> Model:
        """The model; raises UnknownModelError for a name that is none, ModelError for a file that is none."""
        return model_named(self.spec or DEFAULT)

    @property
    def has_tune(self) -> bool:
        """Whether they have a second dial; raises as `load`."""
        return MEDIA[PICTURES]().has_tune(self.load())

    @property
    def tune(self) -> Tune | None:
        """Where their second dial stands, if they have one; raises InputError where they lack one that is asked for,
        else as `load`."""
        return Codec(self.load()).tune_for(MEDIA[PICTURES](), self.asked.tune)


Build = Callable[[Weights, str], Rival]
"""build(weights, name) -> a codec of the bench."""


@lru_cache(maxsize=4)
def _codec(spec: str | None, effort: Effort, threads: int) -> Codec:
    return Codec(Weights(spec).load(), threads=threads, effort=effort)


def _encode(picture: Picture, quality: float, threads: int, weights: Weights) -> bytes:
    asked = weights.asked
    return _codec(weights.spec, asked.effort, threads).encode(picture, quality, tune=asked.tune)


def _decode(data: bytes, threads: int, weights: Weights) -> Picture:
    return np.asarray(_codec(weights.spec, weights.asked.effort, threads).decode(data))


def _layers(data: bytes) -> str:
    from isthmus.image.container import parse
    from isthmus.image.info import info_of

    return info_of(parse(data)).layers


def isthmus_codec(weights: Weights, name: str = "isthmus") -> Rival:
    """isthmus with these weights, in the shape of a rival; raises as `Weights.tune`."""
    model, asked, tune = weights.load(), weights.asked, weights.tune
    version = f"isthmus {__version__}"
    harder = "" if asked.effort == 1 else f" effort {asked.effort}"
    # A name that says which weights: several are compared.
    label = "isthmus" if name in OWN else f"isthmus {model.name}"
    # The default is no news on a plot; in the settings, by which measured points are kept, it stands.
    tuned = "" if asked.tune in (None, EYE) else f" tune {asked.tune.text}"
    settings = f" tune {tune.text}" if tune else ""
    return Rival(
        name,
        label + tuned + harder,
        f"model {model.name} {model.id.hex()}{settings}{harder}",
        partial(_encode, weights=weights),
        partial(_decode, weights=weights),
        partial(str, version),
        QUALITIES,
        Dial(0, 100, 0.25),
        says=_layers,
    )


def isthmus_codecs(
    models: Sequence[str], names: Iterable[str] | None = None, codec: Build = isthmus_codec
) -> list[Rival]:
    """isthmus in the ways `names`, with each of several models; a model's name is told where there are several.

    Args:
        models: names or files; none for the default.
        names: of `OWN`; None for all that the weights have a dial for.
        codec: what makes each.

    Raises as `Weights.tune`.
    """
    several = len(models) > 1
    return [
        codec(Weights(model, OWN[name]), f"{name}-{Path(model).stem}" if several and model else name)
        for name in (OWN if names is None else names)
        for model in (models or (None,))
        if names is not None or OWN[name].tune is None or Weights(model).has_tune
    ]


def bits_map(weights: Weights, picture: Picture, quality: float) -> NDArray[np.float32]:
    """The bits that go to each 16x16 block: (ceil(H/16), ceil(W/16)) float32.

    Those of networks are as the entropy model spends them; those of the sharp layer, which no block has alone, are
    shared alike by the blocks of a tile that show it.
    """
    from isthmus.image.container import parse
    from isthmus.image.layering import Beneath
    from isthmus.image.picture import as_picture
    from isthmus.image.sharp_layer import SharpLayer

    model = weights.load()
    setting, coder = Setting(model, Quality.of(quality), tune=weights.tune or EYE), coder_of(model)
    parsed = parse(_encode(picture, quality, 1, weights))
    if not parsed.header.sharp:
        return np.asarray(coder.bits_map(setting, picture))
    grid = parsed.header.grid
    layer = SharpLayer(parsed.sharp, grid)
    bits: NDArray[np.float32] = np.zeros(layer.mask.shape, np.float32)
    if not layer.is_everywhere:
        bits += coder.bits_map(setting, Beneath(as_picture(picture), layer.mask)(*grid.box))
    for index, payload in enumerate(parsed.sharp):
        at = grid.latent_box(index).slices
        bits[at][layer.mask[at]] += 8 * len(payload) / max(layer.mask[at].sum(), 1)
    return bits


@dataclass(frozen=True)
class Own:
    """What the bench's commands measure as isthmus; whoever calls them may give something else.

    Attributes:
        codec: the codec of weights, under a name.
        bits_map: where its bits go.
    """

    codec: Build = isthmus_codec
    bits_map: Callable[[Weights, Picture, float], NDArray[np.float32]] = bits_map
