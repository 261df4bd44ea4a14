"""What the beginning of a plane's coded symbols says for certain.

The bits that are missing are something between zeros only and ones only. A range decoder's symbols follow the order of
the numbers that it reads: what it decodes from both ends alike, it decodes from all that lie between them. Of a
trellis, symbols of the pass that breaks off are certain, but not their quantizers, for which parities are missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.coding.range_coder import Int32, SymbolDecoder
from isthmus.coding.tables import Tables

PIECE = 64
"""Symbols that are compared at once; those of the piece in which the ends part are lost."""
_WORDS = 8
"""Of padding: far more than is left of doubt when the ends part."""
_WORD = 4


class FrontDecoder(SymbolDecoder):
    """Reads what is certain of batches of which the beginning is there; all symbols and marks after that are zero.

    Args:
        tables: of the symbols.
        data: the first bytes of what a `SymbolEncoder` wrote.
    """

    def __init__(self, tables: Tables, data: bytes):
        whole = data[: len(data) // _WORD * _WORD]
        super().__init__(tables, whole + b"\0" * (_WORDS * _WORD))
        self._other = SymbolDecoder(tables, whole + b"\xff" * (_WORDS * _WORD))._decoder
        self.ended = not whole
        """Whether nothing more is certain."""

    def _next(self, model: Any, count: int) -> Int32:
        known: list[Int32] = [np.empty(0, np.int32)]
        for begin in range(0, count, PIECE):
            if not self.ended:
                known.append(self._piece(model, min(PIECE, count - begin)))
        return np.concatenate(known)

    def _piece(self, model: Any, count: int) -> Int32:
        """The next so many numbers where both ends agree on them; none where they part."""
        try:
            low, high = (one.decode(model, count) for one in (self._decoder, self._other))
            self.ended = not np.array_equal(low, high)
        except AssertionError:  # ones only may be no code at all
            self.ended = True
        return np.empty(0, np.int32) if self.ended else low
