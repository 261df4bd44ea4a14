"""Seconds of the exported networks under ONNX Runtime and OpenVINO, and how far their outputs lie apart.

    pip install openvino
    python benchmarks/engines.py --output docs/results/engines.json

Both engines are given the same graphs and the same number of threads, in turn, in one process; the median counts.
"""

from __future__ import annotations

import platform
import statistics
import time
from typing import Any

import numpy as np

import figures
from isthmus.image.coders.separable.arrays import dial_weights, nominal_step_of
from isthmus.image.coders.separable.gains import STEPS
from isthmus.image.grid import BLOCK
from isthmus.medium.setting import Setting
from isthmus.model.engine import Engine
from isthmus.model.model import Model
from isthmus.model.registry import DEFAULT, model_named
from isthmus.quality import Quality

SIZES = ((512, 768), (1088, 1920))


class OpenVino:
    """The same interface as `isthmus.model.engine.Engine`, on OpenVINO."""

    def __init__(self, graph: bytes, threads: int, precision: str) -> None:
        import openvino

        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": 1}
        self._model = core.compile_model(core.read_model(graph), "CPU", options)

    def all(self, **inputs: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(output) for output in self._model(inputs).values()]


def inputs(model: Model, height: int, width: int) -> dict[str, dict[str, Any]]:
    """Noise of natural size for both networks, by graph."""
    rng = np.random.default_rng(0)
    setting = Setting(model, Quality(5000))
    h, w = height // BLOCK + 1, width // BLOCK + 1
    trunk = {
        "latents": np.rint(rng.laplace(0, 1, (h, w, model.latents))).astype(np.float32),
        "octaves": rng.integers(0, 8, (h, w, 1)).astype(np.float32) / STEPS,
        "weights": dial_weights(setting),
    }
    _, hidden = Engine(model.arrays["trunk.onnx"]).all(**trunk)
    planes = rng.uniform(-128, 128, (3, height, width)).astype(np.float32)
    return {
        "trunk.onnx": trunk,
        "grid.onnx": {"hidden": hidden, "planes": planes, "nominal": nominal_step_of(setting)},
    }


def measure(model: Model, threads: int, rounds: int) -> list[dict[str, Any]]:
    """One row an engine, graph and size."""
    rows = []
    for graph in ("trunk.onnx", "grid.onnx"):
        data = model.arrays[graph]
        engines: dict[str, Any] = {
            "onnxruntime f32": Engine(data, threads),
            "openvino f32": OpenVino(data.tobytes(), threads, "f32"),
            "openvino bf16": OpenVino(data.tobytes(), threads, "bf16"),
        }
        for height, width in SIZES:
            given = inputs(model, height, width)[graph]
            outputs = {name: engine.all(**given) for name, engine in engines.items()}
            seconds: dict[str, list[float]] = {name: [] for name in engines}
            for _ in range(rounds):
                for name, engine in engines.items():
                    begun = time.perf_counter()
                    engine.all(**given)
                    seconds[name].append(time.perf_counter() - begun)
            for name, values in seconds.items():
                pairs = zip(outputs[name], outputs["onnxruntime f32"], strict=True)
                error = np.concatenate([np.abs(one - other.astype(np.float64)).reshape(-1) for one, other in pairs])
                row = {
                    "graph": graph,
                    "size": f"{width}x{height}",
                    "threads": threads,
                    "engine": name,
                    "median_ms": round(1000 * statistics.median(values), 1),
                    "mean_difference": float(error.mean()),
                    "largest_difference": float(error.max()),
                }
                rows.append(row)
                print(row, flush=True)
    return rows


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    model = model_named(arguments.model)
    rows = [row for threads in (1, 2) for row in measure(model, threads, arguments.rounds)]
    record = {"command": "python benchmarks/engines.py", "processor": platform.processor(), "rows": rows}
    figures.write(record, arguments.output)


if __name__ == "__main__":
    main()
