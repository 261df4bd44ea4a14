"""A folder of small pictures, and one run on them that several tests share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from tiny_training import STEPS, Trained, tiny_request


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirteen pictures of 160x128 in several formats, below one root."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "below" / "deeper").mkdir(parents=True)
    sources = [data.astronaut(), data.coffee(), data.chelsea()]
    places = ["{}.png", "below/{}.webp", "below/deeper/{}.jpg"]
    for number in range(12):
        source = sources[number % 3]
        top, left = 40 * (number // 3), 60 * (number // 3)
        crop = source[top : top + 160, left : left + 128]
        Image.fromarray(crop).save(root / places[number % 3].format(f"p{number}"))
    Image.fromarray(data.camera()[:160, :128]).save(root / "grey.png")
    return root


@pytest.fixture(scope="session")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from isthmus.train.run import train

    torch.set_num_threads(1)
    output = tmp_path_factory.mktemp("trained") / "tiny.isthmodel"
    request = tiny_request(folder, output, steps=STEPS)
    said: list[str] = []
    assert train(request, said.append).finished
    return Trained(output, request.workspace, said)


@pytest.fixture
def photo() -> np.ndarray:
    """(192, 256, 3) uint8, of which the training has not seen most."""
    return np.ascontiguousarray(data.astronaut()[300:492, 200:456])
