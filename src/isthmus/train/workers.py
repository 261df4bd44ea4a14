"""Where training runs: the processor, one GPU, or several GPUs with a process each through accelerate."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import InputError
from isthmus.extras import require
from isthmus.memory import mallopt
from isthmus.train.threads import ThreadChoice

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's mallopt."""


def _bfloat16(device: torch.device) -> bool:
    """Whether the hardware computes in it; emulated it would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def keep_freed_memory() -> None:
    """Tells glibc, where that is the C library, to keep what this process frees.

    By default it gives large tensors back to the system and takes them again in every step: 16,000 page faults, 8 % of
    the time of a step on one core (Zen 5, batch of 8).
    """
    # Older versions take thresholds up to 32 MB only. Where none is taken, the others would make it worse.
    if mallopt(M_MMAP_THRESHOLD, 1 << 30) or mallopt(M_MMAP_THRESHOLD, 1 << 25):
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(M_TOP_PAD, 256 << 20)


def _tf32() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


class Workers:
    """This process and those that train together with it.

    Started alone it is the only one. `accelerate launch` starts several, which average their gradients. On a processor
    the process keeps the memory that it frees from then on.

    Args:
        device: `cpu` or `cuda`; by default a GPU if there is one.
        threads: of the processor; by default one or all, whichever is quicker (`isthmus.train.threads`).
        exact: float32 where bfloat16 is available too.

    Raises:
        InputError: there is no such device.
        MissingExtraError: there are several processes and accelerate is not installed.
    """

    def __init__(self, device: str | None = None, threads: int | None = None, exact: bool = False):
        if device not in (None, "cpu", "cuda"):
            raise InputError("the device", expected="cpu or cuda", got=device)
        if device == "cuda" and not torch.cuda.is_available():
            raise InputError("PyTorch finds no GPU", expected="cuda", got="cpu", hint="Leave --device out.")
        # Put back at the end: a run that a program started leaves its settings as they were.
        self._before = torch.get_num_threads(), _tf32()
        if threads is not None:
            torch.set_num_threads(threads)
        self._accelerator: Any = None
        self.count, self.rank = int(os.environ.get("WORLD_SIZE", "1")), 0
        on_gpu = torch.cuda.is_available() and device != "cpu"
        self.device = torch.device("cuda" if on_gpu else "cpu")
        if self.count > 1:
            require("multi-gpu", ("accelerate",), "training in several processes needs")
            from accelerate import Accelerator

            self._accelerator = Accelerator(cpu=not on_gpu)
            self.device, self.rank = self._accelerator.device, self._accelerator.process_index
        self._threads: ThreadChoice | None = None
        if threads is None and not on_gpu and self.count == 1:
            self._threads = ThreadChoice(torch.get_num_threads(), torch.set_num_threads)
        self.dtype = torch.bfloat16 if not exact and _bfloat16(self.device) else torch.float32
        if not on_gpu:
            keep_freed_memory()
        else:
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.backends.cudnn.allow_tf32 = True

    @property
    def first(self) -> bool:
        """Whether this process writes the files and speaks."""
        return self.rank == 0

    def took(self, seconds: float) -> None:
        """Hears how long a step took, which may change the number of threads."""
        if self._threads is not None:
            self._threads.took(seconds)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network to call in training: compiled on a GPU, its gradients averaged over all processes."""
        if self.device.type == "cuda":
            network.compile(dynamic=False)
        if self._accelerator is None:
            return network
        wrapped: nn.Module = self._accelerator.prepare(network)
        return wrapped

    def mean(self, values: Tensor) -> Tensor:
        """Mean of a tensor over all processes, on the processor."""
        if self._accelerator is not None:
            values = self._accelerator.reduce(values, "mean")
        return values.cpu()

    def agree(self, *values: float) -> list[float]:
        """The first process's values, in all."""
        if self._accelerator is None:
            return list(values)
        from accelerate.utils import broadcast

        numbers: Tensor = broadcast(torch.tensor(values, dtype=torch.float64, device=self.device))
        return [float(value) for value in numbers]

    def close(self) -> None:
        """Takes leave of the others, and puts PyTorch's settings back."""
        if self._accelerator is not None:
            self._accelerator.end_training()
        threads, tf32 = self._before
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32

    def describe(self) -> str:
        """For people."""
        kind = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        precision = "bfloat16" if self.dtype == torch.bfloat16 else "float32"
        return f"{self.count} x {kind}, {precision}" if self.count > 1 else f"{kind}, {precision}"
