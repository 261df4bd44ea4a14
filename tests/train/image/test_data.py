"""Rounds of windows and batches of crops: by their step alone, from pictures that are there and whole."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from isthmus.train.image.catalogue import look_through
from isthmus.train.image.data import Batches, held_out_pictures, load_round, make_batch
from tiny_training import tiny_config, tiny_transform


def test_damage_and_depth_show_when_pixels_are_read(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(folder, root)
    photo = root / "torn.jpg"
    Image.fromarray(data.coffee()).save(photo)
    photo.write_bytes(photo.read_bytes()[:9000])
    Image.fromarray(data.camera()[:99, :99].astype(np.uint16) * 257).save(root / "deep.png")
    config = tiny_config()
    found = look_through(root, None, config)
    pictures, broken = load_round(found, config, 0)
    assert len(pictures) == 12
    assert sorted([*broken, *found.skipped.get("broken", ())]) == ["deep.png", "torn.jpg"]


def test_held_out_pictures_are_not_trained_on(folder: Path) -> None:
    config = tiny_config()
    found = look_through(folder, None, config)
    assert len(found.held_out) == 1
    trained_on = {folder / name for name, _, _ in found.training}
    assert not trained_on & set(found.held_out)
    assert look_through(folder, None, config) == found
    assert held_out_pictures(found, config)[0].shape == (3, 128, 128)


def test_small_pictures_are_mirrored(tmp_path: Path) -> None:
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (17, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    config = tiny_config()
    (picture,), broken = load_round(look_through(tmp_path, None, config), config, 0)
    assert picture.shape == (3, 80, 80)
    assert not broken
    np.testing.assert_array_equal(picture[:, 17:34], picture[:, 16::-1])


def test_windows_of_large_pictures_change_from_round_to_round(tmp_path: Path) -> None:
    for name in ("astronaut", "coffee"):
        Image.fromarray(getattr(data, name)()).save(tmp_path / f"{name}.png")
    config = replace(tiny_config(), window=128)
    found = look_through(tmp_path, None, config)
    (first, *_), _ = load_round(found, config, 0)
    (again, *_), _ = load_round(found, config, 0)
    (second, *_), _ = load_round(found, config, 1)
    assert first.shape == second.shape == (3, 128, 128)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()


def test_a_large_picture_gives_as_many_windows_as_it_holds(tmp_path: Path) -> None:
    for name in ("astronaut", "coffee", "page"):
        Image.fromarray(getattr(data, name)()).save(tmp_path / f"{name}.png")
    config = replace(tiny_config(), window=128)
    found = look_through(tmp_path, None, config)
    assert len(found.training) == 2
    held = sum(width * height // 128**2 for _, width, height in found.training)
    windows, _ = load_round(found, config, 0)
    assert len(windows) == held
    assert len({window.tobytes() for window in windows}) == held
    # 512 KiB hold ten of them.
    assert len(load_round(found, replace(config, memory_mb=1), 0)[0]) == 10


def test_a_folder_larger_than_memory_is_worked_through_in_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (300, 300, 3), np.uint8)).save(tmp_path / f"{number}.png")
    config = replace(tiny_config(), memory_mb=1)
    pictures, _ = load_round(look_through(tmp_path, None, config), config, 0)
    assert len(pictures) == 1


def test_what_later_rounds_find_broken_is_told_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (150, 150, 3), np.uint8)).save(tmp_path / f"{number}.png")
    # 512 KiB hold seven of them.
    config = replace(tiny_config(), memory_mb=1, round_steps=1)
    found = look_through(tmp_path, None, config)
    torn = [name for name, _, _ in found.training[:2]]
    for name in torn:
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:9000])
    batches, told = Batches(found, config), []
    for step in range(20):
        batches.batch(step, tiny_transform())
        told.append(batches.newly_broken())
    batches.close()
    assert sorted(name for names in told for name in names) == sorted(torn)


def test_a_batch_depends_on_its_step_and_worker_alone(folder: Path) -> None:
    config = replace(tiny_config(), round_steps=3, window=100)
    found = look_through(folder, None, config)
    batches, other = Batches(found, config), Batches(found, config)
    assert batches.rounds
    transform = tiny_transform()
    in_order = [batches.batch(step, transform) for step in range(8)]
    for step in (7, 2, 3):
        for values, expected in zip(other.batch(step, transform), in_order[step], strict=True):
            assert torch.equal(values, expected)
    assert not torch.equal(in_order[0].pixels, in_order[1].pixels)
    pictures, _ = load_round(found, config, 0)
    assert not torch.equal(make_batch(pictures, transform, config, 0, 1).pixels, in_order[0].pixels)
    batches.close()
    other.close()


def test_making_batches_starts_no_thread_of_pytorch() -> None:
    script = """
import os, threading, time, numpy, torch
from isthmus.image.coders.separable.transform import LappedTransform
from isthmus.train.config import TrainConfig
from isthmus.train.image.data import make_batch
torch.set_num_threads(2)
windows = numpy.ones((16, 32), numpy.float32)
transform = LappedTransform(windows, windows, numpy.eye(3, dtype=numpy.float32), numpy.zeros((1, 3), int))
pictures = [numpy.zeros((3, 512, 512), numpy.uint8)] * 8
def make():
    for step in range(2):
        make_batch(pictures, transform, TrainConfig(), step, 0)
    # A thread that was joined is gone a moment later; one of PyTorch's stays.
    for _ in range(100):
        if len(os.listdir("/proc/self/task")) <= left[0] + 1:
            break
        time.sleep(0.05)
    left.append(len(os.listdir("/proc/self/task")))
left = [len(os.listdir("/proc/self/task"))]
thread = threading.Thread(target=make)
thread.start()
thread.join()
print(left[1] - left[0])
"""
    # NumPy's own threads for matrix products are another matter.
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True, env=alone)
    assert done.stdout.strip() == "1"


def test_qualities_are_spread_over_the_dial(folder: Path) -> None:
    config = replace(tiny_config(), batch=8)
    pictures, _ = load_round(look_through(folder, None, config), config, 0)
    batch = make_batch(pictures, tiny_transform(), config, 5, 0)
    assert batch.pixels.shape == (8, 3, 80, 80)
    assert batch.pixels.dtype == torch.uint8
    assert [int(8 * q) for q in batch.quality] == list(range(8))


def test_tunes_are_either_end_or_anything_between(folder: Path) -> None:
    config = replace(tiny_config(), batch=60)
    pictures, _ = load_round(look_through(folder, None, config), config, 0)
    tune = make_batch(pictures, tiny_transform(), config, 5, 0).tune
    assert 10 < int((tune == 0).sum()) < 30
    assert 10 < int((tune == 1).sum()) < 30
    between = tune[(tune > 0) & (tune < 1)]
    assert len(between) > 5
    # As a file's header has it.
    torch.testing.assert_close(100 * between, torch.round(100 * between))


def test_coefficients_are_those_of_the_pixels(folder: Path) -> None:
    config = tiny_config()
    pictures, _ = load_round(look_through(folder, None, config), config, 0)
    transform = tiny_transform()
    batch = make_batch(pictures, transform, config, 0, 0)
    assert batch.coefficients.shape == (2, 24, 4, 4)
    for crop, coefficients in zip(batch.pixels.numpy(), batch.coefficients.numpy(), strict=True):
        expected = transform.analyse(np.ascontiguousarray(crop.transpose(1, 2, 0)))
        np.testing.assert_array_equal(coefficients.transpose(1, 2, 0), expected)
