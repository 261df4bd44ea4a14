"""How far a network looks, read off its operations."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.errors import ModelError
from isthmus.image.grid import BLOCK
from isthmus.model.graph import Operation

_SLIDING = ("Conv", "AveragePool", "MaxPool")
_OF_UNKNOWN_REACH = ("Resize", "Upsample", "Gemm", "GlobalAveragePool")


def reach(network: Sequence[Operation], apart: int = BLOCK) -> int:
    """Pixels between a pixel of the output and the farthest one whose block has a say in it.

    Of every array it is known how many pixels apart its samples are and how far they have looked; operations that slide
    a window look half of it farther, those that make depth to space put samples nearer together, and those whose window
    moves by its own size put them farther apart.

    Args:
        network: its operations in order.
        apart: how many pixels apart the samples of its inputs are, the farthest ones of several.

    Raises:
        ModelError: that cannot be said of one of the operations.
    """
    spacing: dict[str, int] = {}
    seen: dict[str, int] = {}
    farthest = 0
    for operation in network:
        spaced = min((spacing[name] for name in operation.inputs if name in spacing), default=apart)
        looked = max((seen.get(name, 0) for name in operation.inputs), default=0)
        sides = operation.numbers.get("kernel_shape", ())
        strides = operation.numbers.get("strides", (1,) * len(sides))
        if operation.kind in (*_SLIDING, "ConvTranspose") and not sides:
            raise _unknown("windows of known size", operation.kind)
        if operation.kind == "ConvTranspose":
            if strides != sides:
                raise _unknown("windows that move by their own size", "others")
            spaced = max(1, spaced // max(sides))
        elif operation.kind in _SLIDING and strides == sides and max(sides) > 1:
            looked += spaced * (max(sides) - 1)
            spaced *= max(sides)
        elif operation.kind in _SLIDING:
            if any(stride != 1 for stride in strides):
                raise _unknown("windows that move by 1, or by their own size", "strides")
            dilations = operation.numbers.get("dilations", (1,) * len(sides))
            widest = max(dilation * (side - 1) for side, dilation in zip(sides, dilations, strict=True))
            # To one side; a window of two reaches half a sample to each.
            looked += -(-spaced * widest // 2)
        elif operation.kind == "DepthToSpace":
            spaced = max(1, spaced // operation.numbers["blocksize"][0])
        elif operation.kind in _OF_UNKNOWN_REACH:
            raise _unknown("windows of known size", operation.kind)
        for name in operation.outputs:
            spacing[name], seen[name] = spaced, looked
        farthest = max(farthest, looked)
    return farthest


def _unknown(expected: str, got: str) -> ModelError:
    what = "the model's synthesis network has an operation that this version cannot decode with"
    return ModelError(what, expected=expected, got=got)
