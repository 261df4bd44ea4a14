"""Measures the textbook autoencoders on MNIST and Fashion-MNIST and writes docs/results/autoencoders/.

    python benchmarks/autoencoder_results.py --mnist FOLDER [--fashion-mnist FOLDER] [--part NAME ...]

Every part adds its figures to results.json; the page README.md is written from that file alone (``--part page``).
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import nn

from autoencoder_page import page
from isthmus.autoencoder import Autoencoder, Compressor, Data, load_data, plots
from isthmus.autoencoder.checks import compare_with_pca
from isthmus.autoencoder.compare import (
    LAYOUTS,
    mean_squared_error,
    measure_compressor,
    measure_rival,
    rivals,
)
from isthmus.autoencoder.results import point_to_json
from isthmus.autoencoder.study import curve, untrained
from isthmus.autoencoder.uses import denoise, find_anomalies, novelty
from isthmus.likeness import psnr_of_mse

OUT = Path(__file__).parent.parent / "docs" / "results" / "autoencoders"
TUTORIAL: dict[str, Any] = {"kind": "dense", "code_size": 128, "hidden": (256,), "epochs": 10, "batch_size": 256}
ALONE = 1000  # test pictures for the layout "each"
PCA_SIZES = (4, 8, 16, 32, 64)
PCA_SAMPLES, PCA_EPOCHS = 10_000, 38
CURVE_SIZES = (8, 16, 32, 64)
SUBSET = 20_000  # training pictures of the curve, of denoising and of generation
SMALL_BATCHES = {"batch_size": 64}  # there: as many steps on a third of the pictures, in less time
NOISE = 50.0  # 8-bit levels
PAIRS, PAIR_EPOCHS = 3, 1


def tutorial(data: Data, threads: int) -> dict[str, Any]:
    """The tutorial's training, once with ReLU on the code as there, once with a linear code; files and rivals."""
    result: dict[str, Any] = {"runs": []}
    for activation in ("relu", "linear"):
        model = Autoencoder(code_activation=activation, random_state=0, threads=threads, **TUTORIAL)
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(data.train)
        seconds = (time.perf_counter() - wall, time.process_time() - cpu)
        compressor = Compressor.fit(model, data.train)
        mse = mean_squared_error(model.inverse_transform(model.transform(data.test)), data.test)
        points = [
            measure_compressor(compressor, data.test[:ALONE], "each"),
            measure_compressor(compressor, data.test, "together"),
        ]
        result["runs"].append(
            {
                "code_activation": activation,
                "train_loss": model.history_.loss[-1],
                "test_mse": mse,
                "test_psnr_db": psnr_of_mse(mse),
                "wall_seconds": seconds[0],
                "cpu_seconds": seconds[1],
                "points": [point_to_json(point) for point in points],
            }
        )
        if activation == "relu":
            (OUT / f"{data.name}-reconstructions.png").write_bytes(
                plots.to_png(plots.reconstructions(model, data.test))
            )
    result["rivals"] = [
        point_to_json(measure_rival(rival, data.test[:ALONE] if layout == "each" else data.test, layout))
        for rival in rivals((5, 10, 30, 50, 75, 90))
        for layout in LAYOUTS
    ]
    return result


def rate_distortion(data: Data, threads: int) -> dict[str, Any]:
    """Code sizes by quantizer steps against the standard codecs, all pictures of a set together."""
    subset = Data(data.name, data.train[:SUBSET], data.test)
    settings = {**TUTORIAL, **SMALL_BATCHES, "random_state": 0, "threads": threads}
    points = curve(subset, settings, CURVE_SIZES, ("together",))
    (OUT / f"{data.name}-curve.png").write_bytes(plots.to_png(plots.rate_distortion(points, "together")))
    return {"train_samples": SUBSET, "points": [point_to_json(point) for point in points]}


def pca(data: Data, threads: int) -> dict[str, Any]:
    """Linear autoencoders trained by gradient descent against PCA."""
    found = compare_with_pca(data.train[:PCA_SAMPLES], PCA_SIZES, threads=threads, epochs=PCA_EPOCHS)
    return {
        "samples": PCA_SAMPLES,
        "epochs": PCA_EPOCHS,
        "sizes": [{**asdict(result), "excess": result.excess} for result in found],
    }


def anomalies(data: Data, threads: int) -> dict[str, Any]:
    """Every class once as the normal one."""
    assert data.train_labels is not None
    assert data.test_labels is not None
    settings = {"code_size": 32, "random_state": 0, "threads": threads}
    results = []
    for label in range(10):
        model = untrained(int(np.sum(data.train_labels == label)), settings)
        found = find_anomalies(data.train, data.train_labels, data.test, data.test_labels, label, model)
        results.append(asdict(found))
    return {"code_size": 32, "classes": results}


def denoising(data: Data, threads: int) -> dict[str, Any]:
    """PSNR on noisy test pictures."""
    settings = {**TUTORIAL, **SMALL_BATCHES, "kind": "denoising", "noise": NOISE / 255}
    model = Autoencoder(random_state=0, threads=threads, **settings).fit(data.train[:SUBSET])
    return {"train_samples": SUBSET, **asdict(denoise(model, data.test, NOISE))}


def generation(data: Data, threads: int) -> dict[str, Any]:
    """A variational autoencoder's samples and their nearest training pictures."""
    settings = {**TUTORIAL, **SMALL_BATCHES, "kind": "variational", "code_size": 16, "loss": "bce"}
    model = Autoencoder(random_state=0, threads=threads, **settings).fit(data.train[:SUBSET])
    (OUT / f"{data.name}-samples.png").write_bytes(plots.to_png(plots.samples(model)))
    invented = model.sample(1000, random_state=0)
    return {"train_samples": SUBSET, **asdict(novelty(invented, data.train[:SUBSET], data.test[:1000]))}


def timing(data: Data, threads: int) -> dict[str, Any]:
    """Training seconds beside the same network in a plain PyTorch loop, in turns because machines are shared."""
    torch.set_num_threads(threads)
    pairs = []
    for turn in range(PAIRS + 1):
        ours = _timed(lambda: _fit(data, threads))
        plain = _timed(lambda: _plain_loop(data))
        if turn:  # the first turn warms up
            pairs.append({"isthmus": ours, "plain": plain})
    ratios = {
        clock: statistics.median(pair["isthmus"][clock] / pair["plain"][clock] for pair in pairs)
        for clock in ("wall_seconds", "cpu_seconds")
    }
    return {"threads": threads, "epochs": PAIR_EPOCHS, "pairs": pairs, "median_ratio": ratios}


def _fit(data: Data, threads: int) -> float:
    settings = {**TUTORIAL, "epochs": PAIR_EPOCHS, "code_activation": "relu"}
    return float(Autoencoder(random_state=0, threads=threads, **settings).fit(data.train).history_.loss[-1])


def _plain_loop(data: Data) -> float:
    """What a tutorial would write: the same network, loss, optimizer and batches, and nothing else."""
    torch.manual_seed(0)
    x = torch.from_numpy(data.train.reshape(len(data.train), -1).astype(np.float32) / 255)
    network = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
        nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 784), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(PAIR_EPOCHS):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 256):
            batch = x[order[start : start + 256]]
            loss = nn.functional.mse_loss(network(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return float(loss.detach())


def _timed(work: Callable[[], float]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    loss = work()
    return {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "loss": loss}


PARTS: dict[str, Callable[[Data, int], dict[str, Any]]] = {
    "tutorial": tutorial,
    "curve": rate_distortion,
    "pca": pca,
    "anomalies": anomalies,
    "denoising": denoising,
    "generation": generation,
    "timing": timing,
}


def _machine() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


@click.command()
@click.option("--mnist", type=click.Path(exists=True, file_okay=False), help="Folder of MNIST's idx files.")
@click.option("--fashion-mnist", type=click.Path(file_okay=False), help="Default: Debian's dataset-fashion-mnist.")
@click.option("--part", "parts", multiple=True, type=click.Choice([*PARTS, "page"]), help="Default: all.")
@click.option("--threads", type=int, default=1, show_default=True)
def main(mnist: str | None, fashion_mnist: str | None, parts: tuple[str, ...], threads: int) -> None:
    """Measure, add to results.json, and write the page."""
    OUT.mkdir(parents=True, exist_ok=True)
    record = OUT / "results.json"
    results = json.loads(record.read_text()) if record.exists() else {}
    chosen = [part for part in parts or PARTS if part != "page"]
    torch.set_num_threads(threads)
    data: dict[str, Data] = {}
    for part in chosen:
        for name, folder in (("mnist", mnist), ("fashion-mnist", fashion_mnist)):
            if part == "timing" and name != "mnist":
                continue  # the same sizes: the same seconds
            data.setdefault(name, load_data(name, folder))
            start = time.process_time()
            found = PARTS[part](data[name], threads)
            about = {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": _machine(),
                "torch": torch.__version__,
                "threads": threads,
                "cpu_seconds": time.process_time() - start,
            }
            results.setdefault(part, {})[name] = found | {"about": about}
            record.write_text(json.dumps(results, indent=1) + "\n")
            click.echo(f"{part} {name}: {about['cpu_seconds']:.0f} CPU seconds")
    (OUT / "README.md").write_text(page(results))


if __name__ == "__main__":
    main()
