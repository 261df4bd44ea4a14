"""How far the synthesis network looks: what a window needs around itself, so that its pixels are those of the whole."""

from __future__ import annotations

from functools import lru_cache

from isthmus.errors import ModelError
from isthmus.image.grid import BLOCK
from isthmus.model.graph import Operation, operations
from isthmus.model.model import Model

MAX_HALO = 32
"""Latent positions. Half a tile: more than a neighbouring tile is never looked at, and what a model may cost has an
end."""
_SLIDING = ("Conv", "AveragePool", "MaxPool")


@lru_cache(maxsize=8)
def halo_of(model: Model) -> int:
    """Latent positions around a window within which the zeros that the network pads with can be felt.

    Raises:
        ModelError: the network is none of which that can be said, or looks too far.
    """
    halo = -(-reach(operations(model.arrays["synthesis.onnx"].tobytes())) // BLOCK)
    if halo > MAX_HALO:
        raise ModelError(
            "the model's synthesis network looks too far around", expected=f"at most {MAX_HALO} blocks", got=halo
        )
    return max(halo, 1)


def reach(network: list[Operation]) -> int:
    """Pixels between a pixel of the output and the farthest one whose block has a say in it.

    Of every array it is known how many pixels apart its samples are and how far they have looked; operations that slide
    a window look half of it farther, those that make depth to space put samples nearer together.
    """
    spacing: dict[str, int] = {}
    seen: dict[str, int] = {}
    farthest = 0
    for operation in network:
        apart = min((spacing[name] for name in operation.inputs if name in spacing), default=BLOCK)
        looked = max((seen.get(name, 0) for name in operation.inputs), default=0)
        if operation.kind in _SLIDING:
            if any(stride != 1 for stride in operation.numbers.get("strides", ())):
                raise ModelError(
                    "the model's synthesis network has an operation that this version cannot decode with",
                    expected="windows that move by 1",
                    got="strides",
                )
            sides = operation.numbers.get("kernel_shape", ())
            if not sides:
                raise ModelError(
                    "the model's synthesis network has an operation that this version cannot decode with",
                    expected="windows of known size",
                    got=operation.kind,
                )
            dilations = operation.numbers.get("dilations", (1,) * len(sides))
            widest = max(dilation * (side - 1) for side, dilation in zip(sides, dilations, strict=True))
            # To one side; a window of two reaches half a sample to each.
            looked += -(-apart * widest // 2)
        elif operation.kind == "DepthToSpace":
            apart = max(1, apart // operation.numbers["blocksize"][0])
        elif operation.kind in ("ConvTranspose", "Resize", "Upsample", "Gemm", "GlobalAveragePool"):
            raise ModelError(
                "the model's synthesis network has an operation that this version cannot decode with",
                expected="windows of known size",
                got=operation.kind,
            )
        for name in operation.outputs:
            spacing[name], seen[name] = apart, looked
        farthest = max(farthest, looked)
    return farthest
