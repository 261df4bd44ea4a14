"""Entropy coding: integer probability tables and a range coder that maps symbols and table rows to bytes."""

from isthmus.entropy.coder import SymbolDecoder, SymbolEncoder
from isthmus.entropy.tables import Tables

__all__ = ["SymbolDecoder", "SymbolEncoder", "Tables"]
