"""Trains the second generation's networks on one core, a budget of minutes at a time; README.md has the commands."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bjontegaard
import numpy as np
import numpy.typing as npt
import torch
from narrow import begin
from network import PRESETS, Config, Network
from torch import Tensor

from isthmus.bench.ssimulacra2 import ssimulacra2
from isthmus.likeness import psnr_of_mse
from isthmus.train.config import TrainConfig
from isthmus.train.image.catalogue import look_through
from isthmus.train.image.windows import MIDDLE, read_windows
from isthmus.train.muon import Muon
from isthmus.train.workers import keep_freed_memory

HERE = Path(__file__).parent
SIDE = 512
QUALITIES = (15, 35, 55, 75)
SAVE_SECONDS, CHECK_SECONDS = 180.0, 900.0
UInt8 = npt.NDArray[np.uint8]
Code = Callable[[UInt8, Tensor], tuple[Tensor, Tensor]]
"""code(picture, quality): RGB around 0 (1, 3, H, W) of a picture (H + 16, W + 16, 3), and the bits of its latents."""


def pictures(folder: Path, without: Path | None) -> tuple[UInt8, UInt8]:
    """(N, 512, 512, 3) to train on and (M, 512, 512, 3) held out: the middles of pictures."""
    catalogue = look_through(folder, None, TrainConfig())
    banned = set(without.read_text().split()) if without else set()
    names = [folder / name for name, *_ in catalogue.training if name not in banned]
    return _load(names), _load(list(catalogue.held_out))


def _load(paths: list[Path]) -> UInt8:
    found = []
    for path in paths:
        windows = read_windows(path, SIDE, [MIDDLE])
        if isinstance(windows, list) and windows[0].shape == (3, SIDE, SIDE):
            found.append(windows[0].transpose(1, 2, 0))
    return np.stack(found)


def batch(network: Network, data: UInt8, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Coefficients (B, C, h, w), pixels (B, 3, H, W) around 0, qualities and tunes (B,); of its step alone."""
    random = np.random.default_rng([5, step])
    config = network.config
    size = config.crop + 16
    crops = []
    for index in random.integers(0, len(data), config.batch):
        top, left = random.integers(0, SIDE - size + 1, 2)
        crop = data[index, top : top + size, left : left + size]
        crop = crop[::-1] if random.random() < 0.5 else crop
        crop = crop[:, ::-1] if random.random() < 0.5 else crop
        crop = crop.swapaxes(0, 1) if random.random() < 0.5 else crop
        crops.append(np.ascontiguousarray(crop))
    quality = (random.random(config.batch) + random.permutation(config.batch)) / config.batch
    tune = np.array([(0.0, 1.0, random.random())[k] for k in random.integers(0, 3, config.batch)])
    coefficients = np.stack([network.transform.analyse(crop) for crop in crops]).transpose(0, 3, 1, 2)
    pixels = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32) - 128
    found = (coefficients, pixels, quality.astype(np.float32), tune.astype(np.float32))
    a, b, c, d = (torch.from_numpy(np.ascontiguousarray(values)) for values in found)
    return a, b, c, d


@dataclass
class Curve:
    """Means over pictures at each of `QUALITIES`."""

    bpp: list[float]
    psnr: list[float]
    ssimulacra2: list[float]


@torch.no_grad()
def measure(code: Code, held_out: UInt8) -> Curve:
    """The curve of what `code` makes of pictures."""
    rows = []
    for quality in QUALITIES:
        points = []
        for picture in held_out:
            padded = np.pad(picture, ((24, 24), (24, 24), (0, 0)), mode="symmetric")
            output, bits = code(padded, torch.tensor([quality / 100]))
            pixels = torch.floor((output[0, :, 8 : 8 + SIDE, 8 : 8 + SIDE] + 128.5).clamp(0, 255)).numpy()
            decoded = pixels.transpose(1, 2, 0).astype(np.uint8)
            error = float(((decoded.astype(np.float32) - picture) ** 2).mean())
            points.append(
                (
                    float(bits[:, :, 1:33, 1:33].sum()) / SIDE**2,
                    psnr_of_mse(error),
                    ssimulacra2(picture, np.ascontiguousarray(decoded)),
                )
            )
        rows.append(np.mean(points, 0).tolist())
    return Curve(*map(list, zip(*rows, strict=True)))


def tuned(network: Network, tune: float) -> Code:
    """How a network codes a picture (H, W, 3)."""

    def code(picture: UInt8, quality: Tensor) -> tuple[Tensor, Tensor]:
        coefficients = torch.from_numpy(network.transform.analyse(picture).transpose(2, 0, 1)[None].copy())
        output, bits, _ = network(coefficients, quality, torch.tensor([tune]), lambda *_: None)
        return output, bits

    return code


def first(network: Network) -> Code:
    """How the model of the first generation does that training began from."""
    (old,) = network.old

    def code(picture: UInt8, quality: Tensor) -> tuple[Tensor, Tensor]:
        pixels = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32)) - 128
        dial = old.at(quality)
        decoded, bits = old.quantized(old.analysis(pixels, dial.steps), dial, 28.0, lambda *_: None)
        return old.synthesis(decoded, dial.steps, dial.nominal, dial.weights), bits

    return code


def check(network: Network, held_out: UInt8, said: str, count: int, anchor: Curve) -> None:
    """Prints the curves of both tunes, and their bytes at equal likeness against the first generation's."""
    for tune in (1.0, 0.0):
        found = measure(tuned(network, tune), held_out[:count])
        rates = [
            bjontegaard.bd_rate(anchor.bpp, getattr(anchor, name), found.bpp, getattr(found, name), method="pchip")
            for name in ("psnr", "ssimulacra2")
        ]
        points = "  ".join(f"{b:.4f} {p:.2f} {e:.1f}" for b, p, e in zip(*vars(found).values(), strict=True))
        print(f"{said} tune {tune:g}: PSNR {rates[0]:+.2f} %, SSIMULACRA2 {rates[1]:+.2f} %; {points}", flush=True)


def optimizers(network: Network) -> list[torch.optim.Optimizer]:
    """Muon for matrices, AdamW for the rest; the context model at a rate of its own."""
    groups: list[dict[str, Any]] = []
    for is_context in (True, False):
        scale = network.config.context_rate if is_context else 1.0
        for is_matrix in (True, False):
            chosen = [
                parameter
                for name, parameter in network.named_parameters()
                if name.startswith("context") == is_context and _is_matrix(name, parameter) == is_matrix
            ]
            groups.append({"params": chosen, "scale": scale, "matrix": is_matrix})
    rate = network.config.rate
    rest = [{k: g[k] for k in ("params", "scale")} for g in groups if not g["matrix"]]
    matrices = [{k: g[k] for k in ("params", "scale")} for g in groups if g["matrix"]]
    return [
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
        Muon(matrices, torch.float32, rate),
    ]


def _is_matrix(name: str, parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and parameter.shape[1] > 1 and "quality" not in name and "tuned" not in name


class Run:
    """Network, moving average and optimizers of one name."""

    def __init__(self, name: str, config: Config, data: UInt8):
        torch.manual_seed(0)
        self.name, self.config = name, config
        self.network, self.average = Network(config), Network(config)
        self.optimizers = optimizers(self.network)
        self.step, self.seconds = 0, 0.0
        self.path = HERE / f"{name}.pt"
        weights = HERE / "weights" / f"{name}.npz"
        if self.path.exists():
            self._restore(torch.load(self.path))
        elif weights.exists():
            with np.load(weights) as stored:
                state = {key: torch.from_numpy(value.astype(np.float32)) for key, value in stored.items()}
            self.network.load_state_dict({**self.network.state_dict(), **state})
            self.average.load_state_dict(self.network.state_dict())
        else:
            begin(self.network, list(data[:: max(1, len(data) // 24)][:24]))
            self.average.load_state_dict(self.network.state_dict())
        self.average.requires_grad_(False)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.step, self.seconds = saved["step"], saved["spent"]

    def save(self) -> None:
        """The checkpoint, whole or not at all."""
        saved = {
            "config": asdict(self.config),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "spent": self.seconds,
        }
        torch.save(saved, f"{self.path}.new")
        os.replace(f"{self.path}.new", self.path)

    def release(self) -> Path:
        """The averaged weights in float16; what the first generation's model gives is left out."""
        path = HERE / "weights" / f"{self.name}.npz"
        path.parent.mkdir(exist_ok=True)
        trained = {name for name, _ in self.average.named_parameters()} | {"context.costs"}
        state = self.average.state_dict()
        np.savez_compressed(path, **{key: state[key].numpy().astype(np.float16) for key in sorted(trained)})
        return path

    def rate(self, minutes: float) -> float:
        """Warm-up, then level, then a cosine to zero over the last half of all minutes."""
        part = self.seconds / (60 * minutes)
        fall = 1.0 if part < 0.5 else 0.5 * (1 + math.cos(math.pi * min(1.0, 2 * part - 1)))
        return self.config.rate * min(1.0, (self.step + 1) / 100) * fall

    def train_step(self, data: UInt8, minutes: float) -> float:
        """One step; the loss."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate(minutes) * group["scale"]
        coefficients, pixels, quality, tune = batch(self.network, data, self.step)
        with torch.autocast("cpu", torch.bfloat16):
            output, bits, nominal = self.network(coefficients, quality, tune)
        mse = ((output - pixels[:, :, 16:-16, 16:-16]) ** 2).mean((1, 2, 3))
        bpp = bits.sum((1, 2, 3)) / (bits.shape[2] * bits.shape[3] * 256)
        loss = ((bpp + self.config.distortion * 3 * mse / nominal**2) / (bpp.detach() + 0.1)).mean()
        self.network.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        self.step += 1
        decay = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            averaged: list[Tensor] = list(self.average.parameters())
            torch._foreach_lerp_(averaged, list(self.network.parameters()), 1 - decay)
        return float(loss.detach())

    def go(self, data: UInt8, minutes: float, all_minutes: float) -> Iterator[tuple[int, float]]:
        """Trains for so many minutes of the processor, of all that the schedule has; (step, loss) of each step."""
        begun, before = time.process_time(), self.seconds
        while self.seconds - before < 60 * minutes and self.seconds < 60 * all_minutes:
            yield self.step, self.train_step(data, all_minutes)
            self.seconds = before + time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True, help="of the checkpoint")
    parser.add_argument("--preset", choices=PRESETS, help="default: the name")
    parser.add_argument("--minutes", type=float, default=40.0, help="of this call")
    parser.add_argument("--all-minutes", type=float, default=600.0, help="of the schedule, over all calls")
    parser.add_argument("--without", type=Path, help="a file of names that are not trained on")
    parser.add_argument("--held-out", type=int, default=6, help="pictures of a check")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--release", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    data, held_out = pictures(asked.folder, asked.without)
    run = Run(asked.name, PRESETS[asked.preset or asked.name], data)
    if asked.release:
        print(run.release())
        return
    anchor = measure(first(run.network), held_out[: asked.held_out])
    print(f"{len(data)} pictures, {len(held_out)} held out; step {run.step}, {run.seconds:.0f} s", flush=True)
    if not asked.check:
        saved = checked = time.time()
        mean = None
        for step, loss in run.go(data, asked.minutes, asked.all_minutes):
            mean = loss if mean is None else 0.98 * mean + 0.02 * loss
            if step % 50 == 0:
                print(f"step {step}, {run.seconds:.0f} s, loss {mean:.4f}", flush=True)
            if time.time() - saved > SAVE_SECONDS:
                saved = time.time()
                run.save()
            if time.time() - checked > CHECK_SECONDS:
                checked = time.time()
                check(run.average, held_out, f"step {run.step}", asked.held_out, anchor)
        run.save()
    check(run.average, held_out, f"{run.name}, step {run.step}, {run.seconds:.0f} s,", asked.held_out, anchor)


if __name__ == "__main__":
    main()
