"""isthmus as a codec of the bench, with the weights of the package."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.helpers import photo
from isthmus import Codec, __version__, inspect
from isthmus.bench.codec import Weights, bits_map, isthmus_codec, isthmus_codecs
from isthmus.bench.metrics import psnr
from isthmus.bench.rivals import OWN, Asked
from isthmus.cli import main
from isthmus.errors import InputError, UnknownModelError
from isthmus.image.container import parse
from isthmus.image.grid import BLOCK
from isthmus.image.sharp_layer import SharpLayer
from isthmus.tune import EYE, Tune
from pictures import page, text


def test_it_writes_and_reads_isthmus_files() -> None:
    picture = photo("chelsea", 90, 130)
    rival = isthmus_codec(Weights())
    data = rival.encode(picture, 60, 1)
    assert data == Codec(threads=1).encode(picture, 60)
    decoded = rival.decode(data, 1)
    assert decoded.shape == picture.shape
    assert psnr(picture, decoded) > 25
    assert rival.settings.endswith(f"{inspect(data).model_id} tune eye")
    # Settings and version stand side by side in every report: the model is named once.
    assert rival.version() == f"isthmus {__version__}"


def test_another_effort_is_a_codec_of_its_own() -> None:
    picture = photo("chelsea", 90, 130)
    rival = isthmus_codec(Weights(asked=OWN["isthmus-e4"]), "isthmus-e4")
    assert rival.encode(picture, 60, 1) == Codec(threads=1, effort=4).encode(picture, 60)
    assert rival.encode(picture, 60, 1) != isthmus_codec(Weights()).encode(picture, 60, 1)
    assert rival.label == "isthmus effort 4"
    assert rival.settings.endswith("effort 4")


def test_every_point_of_its_curve_costs_more() -> None:
    picture = photo("coffee", 96, 96)
    rival = isthmus_codec(Weights())
    sizes = [len(rival.encode(picture, quality, 1)) for quality in rival.qualities]
    assert sizes == sorted(set(sizes))


def test_other_processes_can_run_it() -> None:
    rival = pickle.loads(pickle.dumps(isthmus_codec(Weights())))
    assert rival.decode(rival.encode(photo("coffee", 32, 32), 50, 1), 1).shape == (32, 32, 3)


def test_weights_that_are_not_there_are_said() -> None:
    with pytest.raises(UnknownModelError, match="no-such-model"):
        isthmus_codec(Weights("no-such-model"))


def test_the_bits_map_adds_up_to_the_file() -> None:
    picture = photo("astronaut", 256, 320)
    rival = isthmus_codec(Weights())
    bits = bits_map(Weights(), picture, 60)
    assert bits.shape == (256 // BLOCK, 320 // BLOCK)
    assert np.all(bits >= 0)
    # The file has its header, its checks and the rounding of the coder on top, and is never smaller.
    written = 8 * len(rival.encode(picture, 60, 1))
    assert 0.9 * written < float(bits.sum()) <= written


def test_bench_takes_the_packages_weights(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(photo("chelsea", 64, 96)).save(tmp_path / "set" / "chelsea.png")
    words = ["bench", tmp_path / "set", "-o", tmp_path / "out", "--cache", tmp_path / "cache", "--processes", "1"]
    words += ["--codecs", "isthmus,jpeg", "--metrics", "mse,psnr"]
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "at equal PSNR" in result.output
    assert Weights().load().id.hex() in (tmp_path / "out" / "report.html").read_text()


def test_several_models_are_told_apart() -> None:
    several = isthmus_codecs(["best", "fast"], ["isthmus", "isthmus-e2"])
    assert [rival.name for rival in several] == [
        "isthmus-best",
        "isthmus-fast",
        "isthmus-e2-best",
        "isthmus-e2-fast",
    ]
    assert [rival.label for rival in several][1:3] == ["isthmus fast", "isthmus best effort 2"]
    assert [rival.name for rival in isthmus_codecs(["fast"])][::2] == ["isthmus", "isthmus-e2", "isthmus-e4"]


def test_both_ends_of_the_second_dial_are_codecs(tuned_model: Path) -> None:
    picture, spec = photo("chelsea", 48, 64), str(tuned_model)
    ours = {rival.name: rival for rival in isthmus_codecs([spec])}
    assert [(name, rival.label) for name, rival in ours.items()] == [
        ("isthmus", "isthmus"),
        ("isthmus-psnr", "isthmus tune psnr"),
        ("isthmus-e2", "isthmus effort 2"),
        ("isthmus-psnr-e2", "isthmus tune psnr effort 2"),
        ("isthmus-e4", "isthmus effort 4"),
        ("isthmus-psnr-e4", "isthmus tune psnr effort 4"),
    ]
    # Measured points are kept by the settings: the default stands there, too.
    settings = [rival.settings.rpartition(" tune ")[2] for rival in ours.values()]
    assert settings == ["eye", "psnr", "eye effort 2", "psnr effort 2", "eye effort 4", "psnr effort 4"]
    data = {name: rival.encode(picture, 60, 1) for name, rival in ours.items()}
    assert data["isthmus-psnr"] == Codec(spec, threads=1).encode(picture, 60, tune="psnr")
    assert data["isthmus-e2"] == Codec(spec, threads=1, effort=2).encode(picture, 60)
    assert len({data[name] for name in ("isthmus", "isthmus-psnr", "isthmus-e4", "isthmus-psnr-e4")}) == 4
    between = isthmus_codec(Weights(spec, Asked(tune=Tune(50))))
    assert (between.label, inspect(between.encode(picture, 60, 1)).tune) == ("isthmus tune 0.5", 0.5)
    assert isthmus_codec(Weights(spec, Asked(tune=EYE))).label == "isthmus"


def test_weights_with_and_without_the_dial(tuned_model: Path, request: pytest.FixtureRequest) -> None:
    names = [rival.name for rival in isthmus_codecs(["fast", str(tuned_model)])]
    assert names[:4] == ["isthmus-fast", "isthmus-tiny", "isthmus-psnr-fast", "isthmus-psnr-tiny"]
    assert names[4:8] == ["isthmus-e2-fast", "isthmus-e2-tiny", "isthmus-psnr-e2-fast", "isthmus-psnr-e2-tiny"]
    request.getfixturevalue("no_tune")
    assert [rival.name for rival in isthmus_codecs(["fast"])] == ["isthmus", "isthmus-e2", "isthmus-e4"]
    with pytest.raises(InputError, match="fast has no second dial"):
        isthmus_codecs(["fast"], ["isthmus-psnr"])


def test_bits_go_where_the_second_dial_says(tuned_model: Path) -> None:
    picture = photo("astronaut", 128, 160)
    for asked in (Asked(), Asked(tune=Tune(0))):
        weights = Weights(str(tuned_model), asked)
        written = 8 * len(isthmus_codec(weights).encode(picture, 60, 1))
        assert float(bits_map(weights, picture, 60).sum()) == pytest.approx(written, rel=0.1, abs=600)


def test_the_map_of_bits_has_both_layers() -> None:
    picture = np.asarray(page())
    bits = bits_map(Weights(), picture, 50)
    parsed = parse(Codec().encode(picture, 50))
    mask = SharpLayer(parsed.sharp, parsed.header.grid).mask
    assert mask.any()
    assert not mask.all()
    assert bits[mask].sum() / 8 == pytest.approx(len(parsed.sharp[0]), rel=0.03)
    assert bits.sum() / 8 == pytest.approx(len(parsed.sharp[0]) + len(parsed.tiles[0]), rel=0.05)


def test_files_say_how_they_were_made() -> None:
    codec = isthmus_codec(Weights())
    text_file, photo_file = (
        codec.encode(array, 50, 1) for array in (np.asarray(text(160, 96)), photo("chelsea", 90, 130))
    )
    assert (codec.says(text_file), codec.says(photo_file)) == ("100 % in the sharp layer", "")
