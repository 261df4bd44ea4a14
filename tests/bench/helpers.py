"""Pictures that scikit-image ships, and codecs that stand in for isthmus, of pictures and of sounds."""

import os
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from skimage import data

from isthmus.bench.rivals import RIVALS, Dial, Rival
from isthmus.bench.sound.clip import Clip
from isthmus.bench.sound.libraries import flac, flac_decode

PHOTOS = {
    "astronaut": data.astronaut,
    "chelsea": data.chelsea,
    "coffee": data.coffee,
}


def photo(name: str, height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
    """The middle (height, width, 3) uint8 of a photograph; all of it by default."""
    whole: NDArray[np.uint8] = PHOTOS[name]()
    top = (whole.shape[0] - (height or whole.shape[0])) // 2
    left = (whole.shape[1] - (width or whole.shape[1])) // 2
    return np.ascontiguousarray(whole[top : whole.shape[0] - top, left : whole.shape[1] - left][:height, :width])


def dying(*_: object) -> bytes:
    """Encodes like a process that is killed."""
    os._exit(9)


def isthmus_double(rival: str, name: str = "isthmus", label: str = "isthmus") -> Rival:
    """A rival that passes for isthmus."""
    return replace(RIVALS[rival], name=name, label=label)


def coarse_encode(clip: Clip, quality: float, threads: int, factor: float = 1.0) -> bytes:
    """FLAC of samples in coarse steps of 16-bit levels, larger by a factor: a lossy codec that is always here.

    Steps are powers of two, for a quality in tens: FLAC gains nothing from others.
    """
    step = max(1, round(factor * 2 ** (11 - quality / 10)))
    samples = np.asarray(np.rint(clip.samples * 2**15 / step) * step / 2**15, np.float32)
    return flac(replace(clip, samples=samples), 0, threads)


def coarse(name: str, label: str, factor: float = 1.0) -> Rival:
    """A rival of sounds that is always here; its steps, and so its noise, are larger by the factor."""
    encode = partial(coarse_encode, factor=factor)
    qualities = (20.0, 40.0, 60.0, 80.0)
    return Rival(name, label, "fewer bits", encode, flac_decode, partial(str, "1.0"), qualities, Dial(0, 100, 10))
