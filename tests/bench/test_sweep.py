"""Sweeps: several processes, what is cached is not measured again, what stopped goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.helpers import dying, photo
from isthmus.bench.cache import Cache, Entry, default_directory, digest, key_of
from isthmus.bench.metrics import measure
from isthmus.bench.pictures import load_rgb
from isthmus.bench.rivals import RIVALS, Rival
from isthmus.bench.sweep import sources_in, sweep
from isthmus.errors import InputError, IsthmusError

METRICS = ("mse", "psnr")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("chelsea", "coffee"):
        Image.fromarray(photo(name, 64, 80)).save(pictures / f"{name}.png")
    (pictures / "notes.txt").write_text("not a picture")
    return pictures


def few(name: str, *qualities: float) -> Rival:
    return replace(RIVALS[name], qualities=qualities)


def run(folder: Path, cache: Path, *codecs: Rival) -> tuple[list[tuple[str, str, float, int]], list[tuple[int, int]]]:
    progress: list[tuple[int, int]] = []
    points = sweep(sources_in(folder), codecs, Cache(cache), METRICS, 1, lambda *step: progress.append(step))
    return [(p.codec, p.source, p.quality, p.data_bytes) for p in points], progress


def test_points_are_what_the_codec_gives(folder: Path, tmp_path: Path) -> None:
    jpeg = few("jpeg", 20.0, 80.0)
    points = sweep(sources_in(folder), [jpeg, RIVALS["png"]], Cache(tmp_path / "cache"), METRICS, 2)
    assert [(p.codec, p.quality, p.source) for p in points] == [
        ("jpeg", 20.0, "chelsea.png"),
        ("jpeg", 20.0, "coffee.png"),
        ("jpeg", 80.0, "chelsea.png"),
        ("jpeg", 80.0, "coffee.png"),
        ("png", 100.0, "chelsea.png"),
        ("png", 100.0, "coffee.png"),
    ]
    original = photo("coffee", 64, 80)
    data = jpeg.encode(original, 80.0, 1)
    assert points[3].data_bytes == len(data)
    assert points[3].rate == 8 * len(data) / (64 * 80)
    assert points[3].metrics == pytest.approx(measure(original, jpeg.decode(data, 1), METRICS))
    assert points[4].metrics["mse"] == 0


def test_a_worker_that_dies_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(IsthmusError, match=r"a worker process died.*goes on"):
        run(folder, tmp_path / "cache", replace(few("jpeg", 20.0), encode=dying))


@pytest.mark.usefixtures("sweeps_in_threads")
def test_a_second_run_measures_nothing_and_says_the_same(folder: Path, tmp_path: Path) -> None:
    first, steps = run(folder, tmp_path / "cache", few("jpeg", 20.0, 80.0))
    assert steps[0] == (0, 4)
    assert steps[-1] == (4, 4)
    second, steps = run(folder, tmp_path / "cache", few("jpeg", 20.0, 80.0))
    assert steps == [(4, 4)]
    assert first == second


@pytest.mark.usefixtures("sweeps_in_threads")
def test_only_what_is_new_is_measured(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "cache", few("jpeg", 20.0))
    Image.fromarray(photo("astronaut", 64, 80)).save(folder / "astronaut.png")
    _, steps = run(folder, tmp_path / "cache", few("jpeg", 20.0, 50.0))
    assert steps[0] == (2, 6)


@pytest.mark.usefixtures("sweeps_in_threads")
def test_a_renamed_picture_is_known_by_its_pixels(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "cache", few("jpeg", 20.0))
    (folder / "coffee.png").rename(folder / "espresso.png")
    points, steps = run(folder, tmp_path / "cache", few("jpeg", 20.0))
    assert steps == [(2, 2)]
    assert [point[1] for point in points] == ["chelsea.png", "espresso.png"]


@pytest.mark.usefixtures("sweeps_in_threads")
def test_a_damaged_entry_is_measured_again(folder: Path, tmp_path: Path) -> None:
    first, _ = run(folder, tmp_path / "cache", few("jpeg", 20.0))
    next((tmp_path / "cache").rglob("*.json")).write_text("{")
    second, steps = run(folder, tmp_path / "cache", few("jpeg", 20.0))
    assert steps[0] == (1, 2)
    assert first == second


def test_a_key_changes_with_all_it_depends_on() -> None:
    base = ("abc", "jpeg", "4:2:0", "1.0", 50.0)
    changed = [(*base[:i], value, *base[i + 1 :]) for i, value in enumerate(("abd", "webp", "4:4:4", "1.1", 51.0))]
    assert len({key_of(*base), *(key_of(*one) for one in changed)}) == 6


def test_a_digest_knows_the_shape() -> None:
    flat = np.zeros((4, 6, 3), np.uint8)
    assert digest(flat) != digest(flat.reshape(6, 4, 3))


def test_metrics_add_up_in_an_entry(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("ab12", Entry(10, {"psnr": 30.0}))
    cache.put("ab12", Entry(10, {"mse": float("inf")}))
    assert cache.get("ab12") == Entry(10, {"psnr": 30.0, "mse": float("inf")})
    assert cache.get("cd34") is None


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_directory() == tmp_path / "isthmus" / "bench"


def test_transparent_pictures_are_laid_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (10, 20, 30, 255)
    rgba[0, 1] = (0, 0, 0, 128)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert load_rgb(tmp_path / "a.png").tolist() == [
        [[10, 20, 30], [127, 127, 127]],
        [[255, 255, 255], [255, 255, 255]],
    ]


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(InputError, match=r"no pictures.*1 other file"):
        sources_in(tmp_path)
