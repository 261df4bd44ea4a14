"""What a run is asked for, and what it counts."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.batch.job import Item, Job, Result, Summary
from isthmus.errors import InputError
from isthmus.tune import Tune


def test_the_summary() -> None:
    summary = Summary()
    for state in ("done", "done", "kept", "skipped", "failed"):
        summary.add(Result(Item("a", 100, "b"), state, 40))  # type: ignore[arg-type]
    assert summary == Summary(2, 1, 1, 1, 300, 120)
    assert summary.total == 5


def test_dials_are_plain() -> None:
    job = Job("encode", "a", "b", quality=np.float32(30), tune=np.float32(0.5))
    assert (type(job.quality), job.tune) == (float, Tune(50))
    assert replace(job, force=True).tune == Tune(50)
    assert Job("encode", "a", "b").tune is None
    with pytest.raises(InputError, match="the tune: expected psnr or eye"):
        Job("encode", "a", "b", tune="ssim")
