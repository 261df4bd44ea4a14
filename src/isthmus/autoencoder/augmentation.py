"""Augmentation: small random changes of training pictures that leave their meaning alone."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional

from isthmus.autoencoder.choices import Augmentation

AUGMENTATIONS: tuple[str, ...] = get_args(Augmentation)
SHIFT = 0.08  # of the picture's side, to each direction
ROTATE = 0.17  # radians, 10 degrees
ZOOM = 0.1


def augment(rows: Tensor, shape: tuple[int, ...], names: tuple[str, ...]) -> Tensor:
    """Change every picture of ``rows (n, H*W*C)`` by its own random affine map; same shape and dtype back.

    ``shape`` is ``(H, W)`` or ``(H, W, C)``. What moves in from outside repeats the picture's edge.
    """
    height, width, channels = (*shape, 1)[:3]
    planes = rows.view(-1, height, width, channels).permute(0, 3, 1, 2)
    count = len(rows)

    def draw(limit: float, name: str) -> Tensor:
        if name not in names:
            return torch.zeros(count, dtype=rows.dtype)
        return (torch.rand(count, dtype=rows.dtype) * 2 - 1) * limit

    angle, zoom = draw(ROTATE, "rotate"), 1 + draw(ZOOM, "zoom")
    mirror = torch.where(draw(1.0, "flip") < 0, -1.0, 1.0)
    # affine_grid counts in half sides, so a shift of a part of the side is twice that here
    left, down = 2 * draw(SHIFT, "shift"), 2 * draw(SHIFT, "shift")
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    upper = torch.stack([cosine * mirror, -sine * height / width, left], dim=1)
    lower = torch.stack([sine * mirror * width / height, cosine, down], dim=1)
    grid = functional.affine_grid(torch.stack([upper, lower], dim=1), list(planes.shape), align_corners=False)
    moved = functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return moved.permute(0, 2, 3, 1).reshape(count, -1)
