"""isthmus itself as one more codec of the bench, and where its bits go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import Codec, __version__
from isthmus.bench.metrics import Picture
from isthmus.bench.rivals import OWN, Asked, Dial, Rival
from isthmus.bench.sound.clip import Clip
from isthmus.bench.subject import PICTURES, Subject
from isthmus.effort import Effort
from isthmus.image.coders.table import coder_of
from isthmus.media import MEDIA
from isthmus.medium.protocol import Medium
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.model.registry import model_named
from isthmus.quality import Quality
from isthmus.tune import EYE, Tune

QUALITIES = (0.0, 8.0, 16.0, 24.0, 32.0, 40.0, 48.0, 56.0, 64.0, 72.0, 80.0, 88.0, 95.0, 100.0)
"""Points of a curve of pictures, each with about the same share of bytes more."""
SOUND_QUALITIES = (0.0, 15.0, 30.0, 45.0, 60.0)
"""Points of a curve of sounds: from some 15 to some 160 kbit/s of stereo."""


@dataclass(frozen=True)
class Weights:
    """Which weights to run, and how.

    Attributes:
        spec: an installed model's name or a model file; None for the default.
        asked: effort and tune.
        subject: what they encode.
    """

    spec: str | None = None
    asked: Asked = OWN["isthmus"]
    subject: Subject = PICTURES

    @property
    def medium(self) -> Medium:
        """The medium of what they encode."""
        return MEDIA[self.subject.medium]()

    def load(self) -> Model:
        """The model; raises UnknownModelError for a name that is none, ModelError for a file that is none, or a model
        of something else."""
        model = model_named(self.spec or self.medium.default_model)
        self.medium.check_model(model)
        return model

    @property
    def has_tune(self) -> bool:
        """Whether they have a second dial; raises as `load`."""
        return self.medium.has_tune(self.load())

    @property
    def tune(self) -> Tune | None:
        """Where their second dial stands, if they have one; raises InputError where they lack one that is asked for,
        else as `load`."""
        return Codec(self.load()).tune_for(self.medium, self.asked.tune)


Build = Callable[[Weights, str], Rival]
"""build(weights, name) -> a codec of the bench."""


@lru_cache(maxsize=4)
def _loaded(spec: str | None, medium: int, effort: Effort, threads: int) -> Codec:
    return Codec(model_named(spec or MEDIA[medium]().default_model), threads=threads, effort=effort)


def _codec(weights: Weights, threads: int) -> Codec:
    return _loaded(weights.spec, weights.subject.medium, weights.asked.effort, threads)


def _encode(picture: Picture, quality: float, threads: int, weights: Weights) -> bytes:
    return _codec(weights, threads).encode(picture, quality, tune=weights.asked.tune)


def _decode(data: bytes, threads: int, weights: Weights) -> Picture:
    return np.asarray(_codec(weights, threads).decode(data))


def _encode_sound(clip: Clip, quality: float, threads: int, weights: Weights) -> bytes:
    return _codec(weights, threads).encode(clip.samples, quality, rate=clip.rate)


def _decode_sound(data: bytes, threads: int, weights: Weights) -> Clip:
    codec = _codec(weights, threads)
    facts = codec.inspect(data).as_dict()
    return Clip(codec.decode(data), facts["rate"])


def _nothing(data: bytes) -> str:
    return ""


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
    encode: Callable[..., bytes] = _encode
    decode: Callable[..., Any] = _decode
    qualities: tuple[float, ...] = QUALITIES
    says = _layers
    if weights.subject.medium != PICTURES.medium:
        encode, decode, qualities, says = _encode_sound, _decode_sound, SOUND_QUALITIES, _nothing
    return Rival(
        name,
        label + tuned + harder,
        f"model {model.name} {model.id.hex()}{settings}{harder}",
        partial(encode, weights=weights),
        partial(decode, weights=weights),
        partial(str, version),
        qualities,
        Dial(0, 100, 0.25),
        says=says,
    )


def isthmus_codecs(
    models: Sequence[str],
    names: Iterable[str] | None = None,
    codec: Build = isthmus_codec,
    subject: Subject = PICTURES,
) -> list[Rival]:
    """isthmus in the ways `names`, with each of several models; a model's name is told where there are several.

    Args:
        models: names or files; none for the default.
        names: of `OWN`; None for all that the weights have a dial for.
        codec: what makes each.
        subject: what they encode.

    Raises as `Weights.tune`.
    """
    several = len(models) > 1
    return [
        codec(Weights(model, OWN[name], subject), f"{name}-{Path(model).stem}" if several and model else name)
        for name in (subject.own if names is None else names)
        for model in (models or (None,))
        if names is not None or OWN[name].tune is None or Weights(model, subject=subject).has_tune
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
