"""A small picture in files, and a job done item by item in this process."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from isthmus.batch.job import Job, Result
from isthmus.batch.plan import items
from isthmus.batch.steps import process

CUP = data.coffee()[60:124, 200:296]


def picture(path: Path, step: int = 0) -> None:
    """The cup as a file, moved by so many columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.roll(CUP, step, axis=1)).save(path)


def all_of(job: Job) -> dict[str, Result]:
    """The result of every item by its name."""
    return {item.name: process(job, item) for item in items(job)[0]}


def states(job: Job) -> dict[str, str]:
    """What became of every item."""
    return {name: result.state for name, result in all_of(job).items()}
