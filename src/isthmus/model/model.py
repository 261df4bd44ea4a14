"""A model in memory: its arrays, and what the codec takes from them. Its file and its training are not known here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import ACTIVATION_BITS, QUALITY_UNITS, SCALES, WEIGHT_BITS, ContextModel
from isthmus.coding.quality import between_points
from isthmus.coding.tables import Tables


@dataclass(frozen=True, eq=False)
class Model:
    """The contents of one model file.

    Attributes:
        id: the 8 bytes that name it in a stream.
        name: its name for people.
        metadata: licence, training record and whatever else the trainer stored.
        arrays: everything else, by name; `docs/format.md` lists them with shapes and dtypes.
    """

    id: bytes
    name: str
    metadata: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]

    @property
    def latents(self) -> int:
        """Latent channels per position."""
        return int(self.arrays["parity"].shape[0])

    @property
    def training(self) -> dict[str, Any]:
        """The record of its training, as far as the trainer left one."""
        record = self.metadata.get("training")
        return record if isinstance(record, dict) else {}

    @cached_property
    def entropy(self) -> EntropyModel:
        """What turns latents into bytes and back."""
        return EntropyModel(self.context, self.tables)

    @cached_property
    def tables(self) -> Tables:
        """The probability tables."""
        return Tables.unpack(self.arrays["tables"].astype(np.int64))

    @cached_property
    def context(self) -> ContextModel:
        """The entropy model's fixed-point networks."""
        fraction = float(1 << WEIGHT_BITS)
        weights = {
            key.removeprefix("context."): value / fraction
            for key, value in self.arrays.items()
            if key.startswith("context.")
        }
        weights["dc.near"] = weights["dc.near"] * fraction
        for key, value in weights.items():
            if key.endswith(".last.bias"):
                value[len(value) // 2 :] += SCALES / 2
        return ContextModel(
            groups=tuple(self.metadata["groups"]),
            points=int(self.metadata["points"]),
            weights=weights,
            compand=self.arrays["compand"] / float(1 << ACTIVATION_BITS),
        )

    def quality_weights(self, quality: int) -> npt.NDArray[np.float32]:
        """(points,) float32: how much each quality point counts at a quality in 0..10000; two of them at most do."""
        index, share = between_points(quality, int(self.metadata["points"]))
        weights = np.zeros(int(self.metadata["points"]), np.float32)
        weights[index : index + 2] = (QUALITY_UNITS - share) / QUALITY_UNITS, share / QUALITY_UNITS
        return weights

    def steps(self, quality: int) -> npt.NDArray[np.float32]:
        """(C,) float32: quantization step of every channel, in grey levels, at a quality in 0..10000."""
        return np.asarray(np.exp(self.quality_weights(quality) @ self.arrays["steps.log"]), np.float32)

    def nominal_step(self, quality: int) -> npt.NDArray[np.float32]:
        """(1,) float32: the step that the quality stands for, in grey levels."""
        return np.asarray(np.exp(self.quality_weights(quality) @ self.arrays["steps.nominal"]), np.float32).reshape(1)
