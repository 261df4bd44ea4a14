"""A model in memory: its arrays, and what the codec takes from them. Its file and its training are not known here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import Definition, definition_of
from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import ContextModel
from isthmus.coding.formats import FORMATS, WORDS, Format
from isthmus.coding.tables import Tables
from isthmus.coding.weights import numbers
from isthmus.quality import Quality

CONTEXT = "context."
"""Before the names of the entropy model's arrays."""


def form_of(metadata: dict[str, Any]) -> Format:
    """The number format that a model's metadata names, `numbers`; raises KeyError for one that there is not."""
    return FORMATS[metadata.get("numbers", WORDS.name)]


def stored_definition(
    arrays: dict[str, npt.NDArray[Any]], groups: tuple[int, ...], points: int, form: Format
) -> Definition:
    """The definition of the networks whose arrays are stored, whole or not."""
    shapes = {key.removeprefix(CONTEXT): value.shape for key, value in arrays.items() if key.startswith(CONTEXT)}
    return definition_of(groups, points, shapes, form)


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

    def __getstate__(self) -> dict[str, Any]:
        # What is computed from the arrays does not travel: it is large, and the coder's tables cannot.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self  # nothing in it changes

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
    def definition(self) -> Definition:
        """What the entropy model's networks are."""
        groups, points = tuple(self.metadata["groups"]), int(self.metadata["points"])
        return stored_definition(self.arrays, groups, points, form_of(self.metadata))

    @cached_property
    def context(self) -> ContextModel:
        """The entropy model's fixed-point networks."""
        form = self.definition.form
        stored = {key.removeprefix(CONTEXT): value for key, value in self.arrays.items() if key.startswith(CONTEXT)}
        compand = (self.arrays["compand"] / float(1 << form.feature_bits)).astype(form.dtype)
        return ContextModel(self.definition, numbers(self.definition, stored), compand)

    def quality_weights(self, quality: int) -> npt.NDArray[np.float32]:
        """(points,) float32: how much each quality point counts at a quality in 0..10000; two of them at most do."""
        return Quality(quality).weights(int(self.metadata["points"]))

    def steps(self, quality: int) -> npt.NDArray[np.float32]:
        """(C,) float32: quantization step of every channel, in grey levels, at a quality in 0..10000."""
        return np.asarray(np.exp(self.quality_weights(quality) @ self.arrays["steps.log"]), np.float32)

    def nominal_step(self, quality: int) -> npt.NDArray[np.float32]:
        """(1,) float32: the step that the quality stands for, in grey levels."""
        return np.asarray(np.exp(self.quality_weights(quality) @ self.arrays["steps.nominal"]), np.float32).reshape(1)
