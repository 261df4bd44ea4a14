"""A model in memory: its arrays, and what the codec takes from them. Its file and its training are not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.coding.definition import Definition
from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.fixed_point import ContextModel
from isthmus.coding.formats import FORMATS, SCALES, WORDS, Format
from isthmus.coding.kinds import FIRST, definition_of
from isthmus.coding.tables import Tables
from isthmus.coding.trellis import FIRST_SCALE
from isthmus.coding.weights import numbers
from isthmus.model.pass_engines import PassEngines


def form_of(metadata: Mapping[str, Any]) -> Format:
    """The number format that a model's metadata names, `numbers`; raises KeyError for one that there is not."""
    return FORMATS[metadata.get("numbers", WORDS.name)]


def kind_of(metadata: Mapping[str, Any]) -> str:
    """The kind of entropy model that a model's metadata names, `definition`."""
    return str(metadata.get("definition", FIRST))


def stored_definition(
    arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, Any], groups: tuple[int, ...], points: int
) -> Definition:
    """The definition of the networks whose arrays are stored, whole or not.

    Raises:
        KeyError: the metadata names a kind or a number format that there is not.
    """
    shapes = {key: value.shape for key, value in arrays.items()}
    return definition_of(kind_of(metadata), groups, points, shapes, form_of(metadata))


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
    def medium(self) -> int:
        """The permanent number of the medium that it codes, see `isthmus.media`."""
        return int(self.metadata.get("medium", 1))

    @property
    def coder(self) -> int:
        """The permanent number, within the medium, of the coder whose networks it holds."""
        return int(self.metadata.get("coder", 1))

    @property
    def latents(self) -> int:
        """Latent channels per position."""
        return self.definition.latents

    @property
    def training(self) -> dict[str, Any]:
        """The record of its training, as far as the trainer left one."""
        record = self.metadata.get("training")
        return record if isinstance(record, dict) else {}

    @cached_property
    def entropy(self) -> EntropyModel:
        """What turns latents into bytes and back."""
        return EntropyModel(self.context, self.tables, self.trellis)

    @cached_property
    def _all_tables(self) -> Tables:
        return Tables.unpack(self.arrays["tables"].astype(np.int64))

    @property
    def table_count(self) -> int:
        """How many probability tables there are."""
        return len(self._all_tables)

    @cached_property
    def tables(self) -> Tables:
        """The probability tables of symbols that are no trellis's, one a scale index."""
        return Tables(self._all_tables.counts[:SCALES])

    @cached_property
    def trellis(self) -> Tables | None:
        """The tables, one a scale index, where symbols are of a trellis; None if the model has none of these."""
        counts = self._all_tables.counts
        return Tables(counts[:FIRST_SCALE] + counts[SCALES:]) if len(counts) > SCALES else None

    @cached_property
    def definition(self) -> Definition:
        """What the entropy model's networks are."""
        groups, points = tuple(self.metadata["groups"]), int(self.metadata["points"])
        return stored_definition(self.arrays, self.metadata, groups, points)

    @cached_property
    def context(self) -> ContextModel:
        """The entropy model's fixed-point networks."""
        form = self.definition.form
        compand = (self.arrays["compand"] / float(1 << form.feature_bits)).astype(form.dtype)
        stored = self.definition.own(self.arrays)
        found = numbers(self.definition, stored)
        return ContextModel(self.definition, found, compand, PassEngines(self.definition, stored, found))
