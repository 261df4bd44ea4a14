"""What the bench measures on, pictures or sounds: how each is read and counted, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.bench.cache import digest
from isthmus.bench.metrics import OF_PICTURES, QUICK
from isthmus.bench.pictures import load_rgb
from isthmus.bench.rivals import OWN, RIVALS, Rival
from isthmus.bench.sound.clip import Clip, laid_on, load_clip
from isthmus.bench.sound.metrics import METRICS as SOUND_METRICS
from isthmus.bench.sound.rivals import RIVALS as SOUND_RIVALS
from isthmus.image.coders.protocol import MEDIUM as PICTURE_MEDIUM
from isthmus.sound.header import MEDIUM as SOUND_MEDIUM
from isthmus.sound.names import FORMATS as SOUND_FORMATS


@dataclass(frozen=True)
class Subject:
    """One kind of things that are measured on.

    Attributes:
        name: of one of them; in records as well.
        medium: its permanent number.
        suffixes: of the files of a folder that are taken.
        load: from a file; raises InputError, OSError and what else opening does.
        digest: of what was loaded, its identity.
        facts: what records say of one: size and the like.
        extent: of one: bits over it are its rate. Pixels, or milliseconds.
        raw_bytes: of one without any coding.
        sample: a small part, to load weights and libraries with.
        laid: what came back, laid on the original; as it is where decoders return what they were given.
        unit: of a rate, in records and over columns.
        rate: of a rate, in words.
        digits: of a rate behind the point, in tables.
        ticks: of an axis of rates.
        reach: lowest and highest rate of an axis.
        metrics: names of all that it is measured by.
        quick: names of those that anything here is measured by.
        own: names of isthmus itself, in all ways that it has.
        rivals: by name.
        anchor: the rival that BD-rates compare with.
        timed_at: the rate at which codecs are timed.
        size: how sizes are told beside timings: in what, and the extent of one.
        raw_rate: of one without any coding, where that is the same for all; None where it is not.
        shared: names of metrics that rivals may be set to share, instead of bytes.
    """

    name: str
    medium: int
    suffixes: Collection[str]
    load: Callable[[Path], Any]
    digest: Callable[[Any], str]
    facts: Callable[[Any], dict[str, Any]]
    extent: Callable[[Any], float]
    raw_bytes: Callable[[Any], int]
    sample: Callable[[Any], Any]
    laid: Callable[[Any, Any], Any]
    unit: str
    rate: str
    digits: int
    ticks: tuple[float, ...]
    reach: tuple[float, float]
    metrics: tuple[str, ...]
    quick: tuple[str, ...]
    own: tuple[str, ...]
    rivals: Mapping[str, Rival]
    anchor: str
    timed_at: float
    size: tuple[str, float]
    raw_rate: float | None = None
    shared: tuple[str, ...] = ()

    @property
    def plural(self) -> str:
        """Of several of them."""
        return f"{self.name}s"

    def rate_of(self, size: int, thing: Any) -> float:
        """Bits over the extent, of so many bytes."""
        return 8 * size / self.extent(thing)

    def setting(self, codec: str, quality: float) -> str:
        """A quality of the codec of that name, in its own words."""
        return self.rivals[codec].setting(quality) if codec in self.rivals else f"{quality:g}"


def _corner(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[:64, :64])


def _as_it_is(original: Any, decoded: Any) -> Any:
    return decoded


def _picture_facts(picture: np.ndarray) -> dict[str, Any]:
    return {"width": picture.shape[1], "height": picture.shape[0]}


def _clip_facts(clip: Clip) -> dict[str, Any]:
    return {"seconds": round(clip.seconds, 3), "rate": clip.rate, "channels": clip.samples.shape[1]}


def _pixels(picture: np.ndarray) -> float:
    return float(picture.shape[0] * picture.shape[1])


def _milliseconds(clip: Clip) -> float:
    return 1000 * clip.seconds


def _picture_bytes(picture: np.ndarray) -> int:
    return picture.size


def _clip_bytes(clip: Clip) -> int:
    """As 16-bit samples, whatever they were: what is compared is the same for all."""
    return 2 * clip.samples.size


def _second(clip: Clip) -> Clip:
    return clip.first(1.0)


def _digest(clip: Clip) -> str:
    return clip.digest


PICTURES = Subject(
    "picture",
    PICTURE_MEDIUM,
    frozenset({".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".jpg", ".jpeg"}),
    load_rgb,
    digest,
    _picture_facts,
    _pixels,
    _picture_bytes,
    _corner,
    _as_it_is,
    "bpp",
    "bits per pixel",
    3,
    (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4),
    (0.03, 6),
    OF_PICTURES,
    QUICK,
    tuple(OWN),
    RIVALS,
    "jpeg",
    0.75,
    ("megapixels", 1e6),
    24.0,
    ("psnr",),
)
"""Measured by pixels."""
SOUNDS = Subject(
    "sound",
    SOUND_MEDIUM,
    frozenset(SOUND_FORMATS),
    load_clip,
    _digest,
    _clip_facts,
    _milliseconds,
    _clip_bytes,
    _second,
    laid_on,
    "kbps",
    "kilobits a second",
    1,
    (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384),
    (4, 400),
    tuple(SOUND_METRICS),
    ("lsd_db", "snr_db"),
    ("isthmus",),
    SOUND_RIVALS,
    "opus",
    96.0,
    ("seconds", 1e3),
)
"""Measured by seconds."""
SUBJECTS = {subject.name: subject for subject in (PICTURES, SOUNDS)}
"""By the name that stands in records."""


@dataclass(frozen=True)
class FirstSeconds:
    """Loads the beginning of a sound: of an hour, a minute says as much in a sixtieth of the time."""

    seconds: float
    """So many of each sound."""

    def __call__(self, path: Path) -> Clip:
        return load_clip(path).first(self.seconds)


def beginnings(seconds: float) -> Subject:
    """Sounds, of which only the first seconds count."""
    return replace(SOUNDS, load=FirstSeconds(seconds))


def subject_of(record: Mapping[str, Any]) -> Subject:
    """What a record was measured on; those of earlier versions are all of pictures."""
    return SUBJECTS[record.get("subject", PICTURES.name)]
