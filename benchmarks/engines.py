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
from isthmus.image.coders.lapped.arrays import nominal_step_of, steps_of
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

    def __call__(self, **inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self._model(inputs)[0])


def inputs(model: Model, height: int, width: int) -> dict[str, dict[str, Any]]:
    """Noise of natural size for both networks, by graph."""
    rng = np.random.default_rng(0)
    setting = Setting(model, Quality(5000))
    steps = steps_of(setting)
    latents = np.rint(rng.laplace(0, 1, (height // 16 + 1, width // 16 + 1, model.latents))).astype(np.float32)
    pixels = rng.integers(0, 256, (height + 16, width + 16, 3), dtype=np.uint8)
    return {
        "analysis.onnx": {"pixels": pixels, "steps": steps},
        "synthesis.onnx": {
            "latents": latents,
            "steps": steps,
            "nominal": nominal_step_of(setting),
            "weights": setting.quality_weights,
        },
    }


def measure(model: Model, threads: int, rounds: int) -> list[dict[str, Any]]:
    """One row an engine, graph and size."""
    rows = []
    for graph in ("analysis.onnx", "synthesis.onnx"):
        data = model.arrays[graph]
        engines: dict[str, Any] = {
            "onnxruntime f32": Engine(data, threads),
            "openvino f32": OpenVino(data.tobytes(), threads, "f32"),
            "openvino bf16": OpenVino(data.tobytes(), threads, "bf16"),
        }
        for height, width in SIZES:
            given = inputs(model, height, width)[graph]
            outputs = {name: engine(**given).astype(np.float64) for name, engine in engines.items()}
            seconds: dict[str, list[float]] = {name: [] for name in engines}
            for _ in range(rounds):
                for name, engine in engines.items():
                    begun = time.perf_counter()
                    engine(**given)
                    seconds[name].append(time.perf_counter() - begun)
            for name, values in seconds.items():
                error = np.abs(outputs[name] - outputs["onnxruntime f32"])
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
