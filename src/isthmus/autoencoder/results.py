"""What a study measured, as one record and as JSON's types."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from isthmus.autoencoder.compare import Point


@dataclass(frozen=True)
class Study:
    """What one training measured; errors are over all test samples, in squared units of the data."""

    data: str
    train_samples: int
    test_samples: int
    shape: tuple[int, ...]
    network: str
    weights: int
    epochs: int
    train_seconds: float
    final_loss: float
    test_mse: float
    test_psnr_db: float | None  # for 8-bit pictures
    codes_bytes: int  # of the file with all test samples
    model_bytes: int
    raw_bytes: int
    points: list[Point]

    @property
    def rate(self) -> float:
        """Raw bytes of the test samples over the bytes of their file."""
        return self.raw_bytes / self.codes_bytes


def to_json(result: Study) -> dict[str, Any]:
    """The study as JSON's types; an infinite PSNR is null."""
    plain = asdict(result)
    plain["points"] = [point_to_json(point) for point in result.points]
    return plain


def point_to_json(point: Point) -> dict[str, Any]:
    """A point with what follows from it."""
    found = {field.name: getattr(point, field.name) for field in fields(point)}
    found |= {"rate": point.rate, "rate_with_model": point.rate_with_model}
    return found | {"psnr_db": point.psnr_db if isfinite(point.psnr_db) else None}
