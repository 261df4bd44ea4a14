"""Train a small classifier on .isth files, and beside it on the same pictures as JPEG and PNG.

    python benchmarks/train_classifier.py PHOTOGRAPHS -o docs/results/everyday/classifier.json

A class is a photograph, a picture one of its windows, side by side in a grid: which window belongs to which photograph
is told by texture and colour, and that is what compression may take. A third of the windows of each, chosen once,
are for testing alone. The sets: .isth at its usual quality; JPEG at the quality that comes nearest to the same bytes;
JPEG at 75, which is usual there; and PNG, which loses nothing. Network, schedule and seeds are the same for each, and
a network is tested on pictures stored as those that it learned from. Needs `isthmus[train]`.
"""

import functools
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.utils.data import Dataset

import figures
import isthmus
from isthmus.bench.timing import machine
from isthmus.datasets import IsthFolder

MODEL = "fast"
QUALITY = 50
JPEG_USUAL = 75
PARTS = ("train", "test")
BATCH = 64
RATE = 3e-3

Pixels = NDArray[np.uint8]
Pictures = Sequence[tuple[str, Image.Image]]
"""By the names of their files without a suffix: part/class/number."""
Samples = tuple[torch.Tensor, torch.Tensor]
"""Pictures (n, 3, side, side) uint8, and their classes (n,) int64."""


class PillowFolder(Dataset[tuple[Pixels, int]]):
    """What `IsthFolder` is, of files that Pillow opens: classes by folders."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self.classes = sorted({path.parent.name for path in self._paths})

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> tuple[Pixels, int]:
        path = self._paths[index]
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB")), self.classes.index(path.parent.name)


def windows(photographs: Sequence[Path], side: int) -> Iterator[tuple[str, Image.Image]]:
    """Every window of every photograph, with its name."""
    rng = np.random.default_rng(0)
    for number, path in enumerate(photographs):
        with Image.open(path) as image:
            photo = image.convert("RGB")
        corners = [
            (x, y) for y in range(0, photo.height - side + 1, side) for x in range(0, photo.width - side + 1, side)
        ]
        tested = set(rng.permutation(len(corners))[: len(corners) // 3].tolist())
        for index, (x, y) in enumerate(corners):
            part = PARTS[index in tested]
            yield f"{part}/{number:03}/{index:03}", photo.crop((x, y, x + side, y + side))


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """A picture in a format: ISTH, or one of Pillow's."""
    if form == "ISTH":
        return isthmus.encode(picture, **options)
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def store(pictures: Pictures, folder: Path, form: str, **options: Any) -> int:
    """The pictures as files of a format; their bytes."""
    total = 0
    for name, picture in pictures:
        path = folder / f"{name}.{form.lower()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        total += path.write_bytes(encoded(picture, form, **options))
    return total


def jpeg_quality(pictures: Pictures, size: int) -> int:
    """The quality whose bytes are nearest to so many; bytes grow with it."""

    @functools.cache
    def made(quality: int) -> int:
        return sum(len(encoded(picture, "JPEG", quality=quality, optimize=True)) for _, picture in pictures)

    low, high = 1, 95
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if made(middle) <= size else (low, middle)
    return min((low, high), key=lambda quality: abs(made(quality) - size))


def read(data: Any) -> tuple[Samples, float]:
    """All of a set, and the seconds of processor time that a picture took."""
    data[0]  # Weights are loaded once.
    begun = time.process_time()
    pairs = [data[index] for index in range(len(data))]
    seconds = (time.process_time() - begun) / len(data)
    pixels = torch.from_numpy(np.stack([pixels for pixels, _ in pairs])).permute(0, 3, 1, 2).contiguous()
    return (pixels, torch.tensor([label for _, label in pairs])), seconds


def network(classes: int) -> nn.Module:
    """Four convolutions with stride 2, the mean over the picture, and a linear layer."""
    layers: list[nn.Module] = []
    for before, after in ((3, 8), (8, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def prepared(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.float() / 127.5 - 1


def accuracy(train: Samples, test: Samples, epochs: int, seed: int) -> float:
    """The part of the tested pictures that a network trained on the others names rightly."""
    torch.manual_seed(seed)
    (pixels, labels), (tested, right) = train, test
    net = network(int(labels.max()) + 1)
    steps = epochs * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    net.train()
    for _ in range(epochs):
        for some in torch.randperm(len(labels)).split(BATCH):
            batch = prepared(pixels[some])
            # Mirrored by chance, which costs nothing and makes twice as many.
            batch = torch.where(torch.rand(len(some), 1, 1, 1) < 0.5, batch.flip(3), batch)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(batch), labels[some]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(prepared(some)).argmax(1) for some in tested.split(256)])
    return (found == right).float().mean().item()


def measured(folder: Path, opened: Callable[[Path], Any], epochs: int, seeds: int) -> dict[str, Any]:
    """What comes of a set: how fast it is read, and the accuracy for every seed."""
    (train, seconds), (test, _) = (read(opened(folder / part)) for part in PARTS)
    found = [accuracy(train, test, epochs, seed) for seed in range(seeds)]
    return {"pictures_per_processor_second": 1 / seconds, "accuracy": statistics.mean(found), "accuracies": found}


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--classes", type=int, default=40)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = sorted(path for path in options.photographs.rglob("*") if path.suffix in (".avif", ".png", ".jpg"))
    pictures = list(windows(found[:: len(found) // options.classes][: options.classes], options.side))
    tested = sum(name.startswith("test/") for name, _ in pictures)
    with tempfile.TemporaryDirectory() as temporary:
        root, sets = Path(temporary), {}

        def add(name: str, opened: Callable[[Path], Any], form: str, **how: Any) -> int:
            size = store(pictures, root / name, form, **how)
            ran = measured(root / name, opened, options.epochs, options.seeds)
            sets[name] = {**how, "bytes_per_picture": size / len(pictures), **ran}
            return size

        def isth(folder: Path) -> IsthFolder:
            return IsthFolder(str(folder))

        load = round(os.getloadavg()[0], 2)
        size = add("isth", isth, "ISTH", quality=QUALITY, model=MODEL)
        equal = jpeg_quality(pictures, size)
        add("jpeg_of_equal_bytes", PillowFolder, "JPEG", quality=equal, optimize=True)
        add("jpeg", PillowFolder, "JPEG", quality=JPEG_USUAL, optimize=True)
        add("png", PillowFolder, "PNG")
    record = {
        "machine": machine(),
        "load_of_others_before": load,
        "classes": options.classes,
        "pixels": f"{options.side}x{options.side}",
        "pictures": {"train": len(pictures) - tested, "test": tested},
        "epochs": options.epochs,
        "seeds": options.seeds,
        "sets": sets,
    }
    figures.show(record, options.output)


if __name__ == "__main__":
    main()
