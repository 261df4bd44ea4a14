"""A whole study, its folder, its report and its plots."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from isthmus.autoencoder import Autoencoder, Compressor, Data, plots
from isthmus.autoencoder.report import summary, table
from isthmus.autoencoder.results import Study
from isthmus.autoencoder.study import default_epochs, other_class, study
from isthmus.errors import InputError

PLOTS = {"reconstructions", "losses", "features", "codes", "walk", "samples"}


@pytest.fixture(scope="module")
def done(digits: Data, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    folder = tmp_path_factory.mktemp("study") / "new"
    small = Data("digits", digits.train, digits.test[:60], digits.train_labels, digits.test_labels[:60])
    return study(small, {"code_size": 4, "hidden": (16,), "epochs": 3, "random_state": 0}, folder), folder


def test_the_folder_holds_everything(done: tuple[Study, Path]) -> None:
    result, folder = done
    expected = {"model.safetensors", "test.codes", "report.html", "results.json", *(f"{name}.png" for name in PLOTS)}
    assert {path.name for path in folder.iterdir()} == expected
    assert (folder / "model.safetensors").stat().st_size == result.model_bytes
    assert (folder / "test.codes").stat().st_size == result.codes_bytes


def test_the_figures_are_those_of_the_files(done: tuple[Study, Path], digits: Data) -> None:
    result, folder = done
    compressor = Compressor.load(folder / "model.safetensors")
    pictures = compressor.expand_file(folder / "test.codes")
    together = next(p for p in result.points if p.layout == "together" and p.model_bytes)
    assert together.mse == pytest.approx(np.mean((pictures.astype(float) - digits.test[:60]) ** 2))
    assert together.file_bytes == result.codes_bytes
    rebuilt = compressor.model.reconstruct(digits.test[:60]).astype(float)
    assert result.test_mse == pytest.approx(np.mean((rebuilt - digits.test[:60]) ** 2))
    record = json.loads((folder / "results.json").read_text())
    assert record["test_mse"] == result.test_mse
    assert len(record["points"]) == len(result.points) == 14


def test_the_report_needs_nothing_beside_it(done: tuple[Study, Path]) -> None:
    _, folder = done
    page = (folder / "report.html").read_text()

    class Sources(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += [value or "" for name, value in attrs if name in ("src", "href")]

    parser = Sources()
    parser.feed(page)
    assert len(parser.found) == 6
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    inside = set()
    for source in parser.found:
        data = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
        Image.open(io.BytesIO(data)).verify()
        inside.add(data)
    assert inside == {(folder / f"{name}.png").read_bytes() for name in PLOTS}


def test_summary_and_table_show_the_figures(done: tuple[Study, Path]) -> None:
    result, _ = done
    assert f"PSNR {result.test_psnr_db:.2f} dB" in summary(result)
    assert "dense 64-16-4-16-64" in summary(result)
    lines = table(result.points).splitlines()
    assert len(lines) == 8
    assert lines[2].split()[0] == "PNG"
    assert lines[2].endswith("lossless")
    assert len({line.rstrip()[-2:] for line in lines if line.startswith("JPEG")}) == 1


def test_data_that_are_no_pictures_are_studied_without_picture_formats(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    rows = rng.normal(size=(60, 5))
    result = study(Data("rows", rows[:50], rows[50:]), {"kind": "linear", "code_size": 2, "epochs": 2}, tmp_path)
    assert result.points == []
    assert result.test_psnr_db is None
    assert "Against picture formats" not in (tmp_path / "report.html").read_text()


def test_small_data_get_as_many_steps_as_mnist() -> None:
    assert default_epochs(60_000, 256) == 10
    assert default_epochs(1438, 32) == 53
    assert default_epochs(10, None) == 2350


@pytest.mark.parametrize(("labels", "index"), [(None, -1), ([3, 3, 1, 3], 2), ([3, 3], -1)])
def test_walks_end_in_another_class(labels: list[int] | None, index: int) -> None:
    assert other_class(None if labels is None else np.array(labels)) == index


def test_reconstruction_plot_shows_originals_rebuilt_and_errors(dense: Autoencoder, digits: Data) -> None:
    figure = plots.reconstructions(dense, digits.test, count=4)
    shown = [image.get_array() for image in figure.axes[0].images]
    assert len(shown) == 12
    assert_array_equal(shown[1], digits.test[1])
    assert_array_equal(shown[5], dense.reconstruct(digits.test[1:2])[0])
    assert_array_equal(shown[9], shown[5].astype(float) - digits.test[1])


def test_walk_goes_from_one_reconstruction_to_the_other(dense: Autoencoder, digits: Data) -> None:
    figure = plots.walk(dense, digits.test[0], digits.test[1], steps=5)
    shown = [np.asarray(image.get_array(), dtype=float) for image in figure.axes[0].images]
    rebuilt = dense.reconstruct(digits.test[:2])
    assert_array_equal(shown[0], rebuilt[0])
    assert_array_equal(shown[4], rebuilt[1])
    assert_array_equal(shown[5], digits.test[0])
    assert_array_equal(shown[7], np.rint((digits.test[0].astype(float) + digits.test[1]) / 2))
    with pytest.raises(InputError, match="walk is too short"):
        plots.walk(dense, digits.test[0], digits.test[1], steps=1)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_code_space_shows_every_code(size: int, digits: Data) -> None:
    model = Autoencoder(code_size=size, hidden=(8,), epochs=1, random_state=0).fit(digits.train)
    for labels in (None, digits.test_labels):
        figure = plots.code_space(model, digits.test, labels)
        points = figure.axes[0].collections[0].get_offsets()
        assert points.shape == (len(digits.test), 2)
    if size == 2:
        assert np.allclose(points, model.transform(digits.test))


@pytest.mark.parametrize("shape", [(9,), (10,), (4, 5, 1), (4, 5, 3), (4, 5, 2)])
def test_samples_of_any_shape_can_be_looked_at(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    samples = rng.random((20, *shape))
    model = Autoencoder(code_size=3, hidden=(4,), epochs=1, random_state=0).fit(samples)
    for figure in (
        plots.reconstructions(model, samples), plots.features(model), plots.walk(model, samples[0], samples[1]),
        plots.samples(model, 9), plots.losses(model.history_),
    ):  # fmt: skip
        picture = Image.open(io.BytesIO(plots.to_png(figure)))
        assert picture.format == "PNG"
        assert np.asarray(picture.convert("L")).std() > 0


def test_equal_figures_are_equal_files(dense: Autoencoder) -> None:
    assert plots.to_png(plots.losses(dense.history_)) == plots.to_png(plots.losses(dense.history_))


def test_rate_distortion_plot_has_a_line_for_every_codec(done: tuple[Study, Path]) -> None:
    figure = plots.rate_distortion(done[0].points, "together")
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == [
        "autoencoder dense", "PNG (lossless)", "WebP (lossless)", "gzip (lossless)", "JPEG",
    ]  # fmt: skip
