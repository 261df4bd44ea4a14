"""Rounds of windows and batches of crops: by their step alone, from pictures that are there and whole."""

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
from tiny_training import tiny_config


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
        batches.batch(step)
        told.append(batches.newly_broken())
    batches.close()
    assert sorted(name for names in told for name in names) == sorted(torn)


def test_a_batch_depends_on_its_step_and_worker_alone(folder: Path) -> None:
    config = replace(tiny_config(), round_steps=3, window=100)
    found = look_through(folder, None, config)
    batches, other = Batches(found, config), Batches(found, config)
    assert batches.rounds
    in_order = [batches.batch(step) for step in range(8)]
    for step in (7, 2, 3):
        pixels, quality = other.batch(step)
        assert torch.equal(pixels, in_order[step][0])
        assert torch.equal(quality, in_order[step][1])
    assert not torch.equal(in_order[0][0], in_order[1][0])
    pictures, _ = load_round(found, config, 0)
    assert not torch.equal(make_batch(pictures, config, 0, 1)[0], in_order[0][0])
    batches.close()
    other.close()


def test_making_batches_starts_no_thread_of_pytorch() -> None:
    script = """
import os, threading, numpy, torch
from isthmus.train.config import TrainConfig
from isthmus.train.image.data import make_batch
torch.set_num_threads(2)
pictures = [numpy.zeros((3, 512, 512), numpy.uint8)] * 8
def make():
    for step in range(2):
        make_batch(pictures, TrainConfig(), step, 0)
    left.append(len(os.listdir("/proc/self/task")))
left = [len(os.listdir("/proc/self/task"))]
thread = threading.Thread(target=make)
thread.start()
thread.join()
print(left[1] - left[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "1"


def test_qualities_are_spread_over_the_dial(folder: Path) -> None:
    config = replace(tiny_config(), batch=8)
    pictures, _ = load_round(look_through(folder, None, config), config, 0)
    pixels, quality = make_batch(pictures, config, 5, 0)
    assert pixels.shape == (8, 3, 80, 80)
    assert pixels.dtype == torch.uint8
    assert [int(8 * q) for q in quality] == list(range(8))
