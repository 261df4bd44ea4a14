"""What the verbs of `isthmus learn` read and write: data, models, pictures of plots, samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.errors import InputError
from isthmus.files import atomic_output, write_atomic

if TYPE_CHECKING:
    from isthmus.autoencoder.compress import Compressor
    from isthmus.autoencoder.data import Data


def load_data(name: str, data_dir: str | None, download: bool, seed: int) -> Data:
    """The data of --data, --data-dir and --seed, fetched first where --download asks for it."""
    from isthmus.autoencoder import data

    if download:
        if name not in data.IDX_SETS or data_dir is None:
            raise InputError("nothing to download", expected=f"--data {' or '.join(data.IDX_SETS)} and --data-dir")
        data.download(name, data_dir)
    return data.load_data(name, data_dir, seed=seed)


def compressor(path: Path) -> Compressor:
    """The trained model of a file, or of the folder of a study."""
    from isthmus.autoencoder.compress import Compressor
    from isthmus.autoencoder.study import MODEL_FILE

    return Compressor.load(path / MODEL_FILE if path.is_dir() else path)


def write_plot(path: Path, data: bytes) -> None:
    """Write a plot's PNG and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, force=True)
    click.echo(f"wrote {path}")


def write_samples(samples: Any, output: str) -> None:
    """Samples ``(n, ...)`` as one .npy array, or pictures as PNG files where ``output`` ends with a slash."""
    import numpy as np
    from PIL import Image

    if not output.endswith("/"):
        with atomic_output(Path(output), force=True) as stream:
            np.save(stream, samples)
        return
    if samples.dtype != np.uint8 or samples.ndim < 3:
        raise InputError("only 8-bit pictures can be written as PNG", got=f"{samples.shape} {samples.dtype}")
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(samples):
        with atomic_output(folder / f"{index:05d}.png", force=True) as stream:
            Image.fromarray(picture).save(stream, "PNG")
