"""`isthmus.encode` with targets and sizes, and `isthmus.preview`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import isthmus
from isthmus.likeness import psnr_db

PHOTO = np.ascontiguousarray(data.astronaut()[100:180, 180:301])


def test_targets_are_kept(tmp_path: Path) -> None:
    assert 1400 < len(isthmus.encode(PHOTO, target_bytes=1500)) <= 1500
    reached = psnr_db(PHOTO, isthmus.decode(isthmus.encode(PHOTO, target_psnr=30)))
    assert 30 <= reached <= 30.2
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    path = isthmus.encode_file(tmp_path / "a.png", target_bytes=1500)
    assert path.read_bytes() == isthmus.encode(PHOTO, target_bytes=1500)


def test_one_target_at_a_time() -> None:
    with pytest.raises(isthmus.InputError, match="got target_bytes and target_psnr"):
        isthmus.encode(PHOTO, target_bytes=1500, target_psnr=30)
    with pytest.raises(isthmus.InputError, match="got target_bytes and quality"):
        isthmus.encode(PHOTO, 40, target_bytes=1500)


def test_the_longest_side() -> None:
    assert isthmus.decode(isthmus.encode(PHOTO, max_side=60)).shape == (40, 60, 3)
    assert isthmus.encode(PHOTO, max_side=500) == isthmus.encode(PHOTO)


def test_a_preview_is_a_function() -> None:
    assert isthmus.preview(isthmus.encode(PHOTO)).size == (8, 5)


def test_targets_are_kept_wherever_the_second_dial_stands(tmp_path: Path, tuned_model: Path) -> None:
    small = {tune: isthmus.encode(PHOTO, target_bytes=900, tune=tune, model=tuned_model) for tune in ("psnr", "eye")}
    assert all(700 < len(data) <= 900 for data in small.values())
    assert {tune: isthmus.inspect(data).tune for tune, data in small.items()} == {"psnr": 0, "eye": 1}
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    path = isthmus.encode_file(tmp_path / "a.png", target_bytes=900, tune="psnr", model=tuned_model)
    assert path.read_bytes() == small["psnr"]
    plain = isthmus.encode(PHOTO, 30, tune=0.25, model=tuned_model)
    assert plain == isthmus.Codec(tuned_model).encode(PHOTO, 30, tune=0.25)


@pytest.mark.usefixtures("no_tune")
def test_a_tune_without_the_dial_is_refused() -> None:
    for wanted in ({"target_bytes": 900}, {"quality": 30}):
        with pytest.raises(isthmus.InputError, match="has no second dial"):
            isthmus.encode(PHOTO, **wanted, tune="psnr")
