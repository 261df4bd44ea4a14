"""A medium beside pictures needs a room and a row: here is one, through the facade, folders and the command line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import isthmus
import series
from isthmus.batch.job import Job
from isthmus.batch.plan import items
from isthmus.batch.steps import foresee, process
from isthmus.cli import main
from isthmus.codec import Codec
from isthmus.errors import BitstreamError, InputError, ModelError, TooNewError, TruncatedError, UnknownModelError
from isthmus.image.container import parse
from isthmus.media import MEDIA
from isthmus.model.model import Model
from isthmus.model.registry import release_model
from isthmus.rate_control import Target, encode_to_target
from isthmus.train.initial import network_of
from pictures import photo
from series import Series


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    series.register(monkeypatch)


@pytest.fixture
def model(tmp_path: Path, users_models: Path) -> Model:
    """Installed under the name by which series are encoded if no other is asked for."""
    path = tmp_path / "model" / "series.isthmodel"
    path.parent.mkdir()
    model = series.write_model(path)
    assert run("models", "add", str(path)).exit_code == 0
    return model


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, args, input=stdin)


def samples(count: int = 2500) -> np.ndarray:
    t = np.arange(count)
    noise = np.random.default_rng(0).integers(-20, 20, count)
    return (900 * np.sin(t / 30) + 300 * np.sin(t / 7) + noise).astype(np.int16)


def near(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Halves may be rounded to either side."""
    return found.shape == wanted.shape and int(np.abs(found.astype(int) - wanted).max()) <= 1


def test_the_facade(model: Model) -> None:
    codec, wanted = Codec(), samples()
    data = codec.encode(Series(wanted), quality=30)
    # Nobody has trained the networks, but the tables know that small is likely.
    assert len(codec.encode(Series(np.zeros_like(wanted)))) < len(data) / 4
    assert near(codec.decode(data), wanted)
    assert near(codec.decode(data, box=(100, 200)), wanted[100:200])
    info = codec.verify(data)
    assert info == codec.inspect(data)
    assert (info.quality, info.model_id, info.bytes, info.facts) == (30, model.id.hex(), len(data), {"samples": 2500})
    assert isthmus.encode(Series(wanted), quality=30) == data
    for picture_only in (codec.decode_image, codec.preview):
        with pytest.raises(InputError, match="expected a picture, got a series"):
            picture_only(data)
    # Pictures are what they were.
    assert codec.decode(codec.encode(photo())).shape == (9, 13, 3)


def test_files(model: Model, tmp_path: Path) -> None:
    source = tmp_path / "a.series"
    source.write_bytes(samples().tobytes())
    encoded = isthmus.encode_file(source)
    assert encoded == tmp_path / "a.isth"
    source.unlink()
    assert isthmus.decode_file(encoded) == source
    assert near(np.frombuffer(source.read_bytes(), "<i2"), samples())
    with pytest.raises(InputError, match=r"no series format for b\.png"):
        isthmus.decode_file(encoded, tmp_path / "b.png")


def test_damage_is_noticed(model: Model) -> None:
    codec = Codec()
    data = codec.encode(Series(samples(300)))
    for end in range(len(data)):
        with pytest.raises(TruncatedError):
            codec.decode(data[:end])
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(BitstreamError):
            codec.decode(bytes(damaged))


def test_a_model_is_for_one_medium(model: Model) -> None:
    with pytest.raises(ModelError, match=r"cannot code pictures: expected medium 1.*got medium 200"):
        Codec(model).encode(photo())
    with pytest.raises(ModelError, match="not for series"):
        Codec("fast").encode(Series(samples()))
    with pytest.raises(ModelError, match=r"unknown: expected none, got more"):
        Codec(replace(model, arrays=model.arrays | {"more": np.zeros(1)})).encode(Series(samples()))


def test_training_goes_on_from_pictures_alone(model: Model) -> None:
    with pytest.raises(InputError, match=r"cannot be trained further .* got medium 200, coder 1, series"):
        network_of(model)


def test_where_the_medium_is_not_known(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Codec().encode(Series(samples()))
    with pytest.raises(TooNewError, match="medium is unknown: expected medium 1, got 200"):
        parse(data)
    monkeypatch.delitem(MEDIA, series.NUMBER)
    with pytest.raises(TooNewError, match="medium is unknown: expected medium 1 or 2, got 200"):
        Codec().decode(data)


def test_rate_control(model: Model) -> None:
    content = Series(samples())
    size = len(Codec().encode(content))
    reached = encode_to_target(Codec(), content, Target("bytes", size + 100))
    assert size - 100 < len(reached.data) <= size + 100
    for target in (Target("psnr", 40), Target("bpp", 1)):
        with pytest.raises(InputError, match=f"a target in {target.unit} is not for this"):
            encode_to_target(Codec(), content, target)


def test_the_command_line(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.series").write_bytes(samples().tobytes())
    encoded = run("encode", "a.series", "-q", "40")
    assert encoded.exit_code == 0, encoded.output
    size = Path("a.isth").stat().st_size
    assert f"a.series -> a.isth: 5000 to {size} bytes" in encoded.stdout
    assert f"{8 * size / 2500:.3f} bits per sample" in encoded.stdout
    report = json.loads(run("encode", "a.series", "--json", "-f").stdout)
    assert (report["samples"], report["bits_per_sample"]) == (2500, 8 * report["bytes"] / 2500)
    assert run("info", "a.isth").stdout == f"a.isth: 2500 samples, quality 50, model {model.id.hex()}\n"
    assert json.loads(run("info", "a.isth", "--json").stdout)["samples"] == 2500
    assert run("verify", "a.isth").stdout.startswith("a.isth: whole and decodable, 2500 samples, ")
    assert json.loads(run("verify", "a.isth", "--json").stdout)["samples"] == 2500
    Path("a.series").unlink()
    decoded = run("decode", "a.isth", "--strip")
    assert decoded.stdout == "a.isth -> a.series: 2500 samples\n"
    assert near(np.frombuffer(Path("a.series").read_bytes(), "<i2"), samples())
    for args, message in (
        (("encode", "a.series", "-f", "--max-side", "9"), "max side is not for a series"),
        (("decode", "a.isth", "-f", "--scale", "1/16"), "scale is not for a series"),
        (("encode", "a.series", "-f", "--model", "fast"), "not for series"),
        (("decode", "a.isth", "--to", "jpg"), "no series format for a.jpg"),
    ):
        refused = run(*args)
        assert (refused.exit_code, message in refused.stderr) == (1, True), refused.output
    assert "is another format" in run("encode", "a.series", "-o", "b.series").stderr


def test_streams(model: Model) -> None:
    """Without a name, how it begins says what it is."""
    data = b"SERIES" + samples().tobytes()
    encoded = run("encode", "-", stdin=data)
    assert encoded.exit_code == 0, encoded.stderr
    decoded = run("decode", "-", stdin=encoded.stdout_bytes)
    assert decoded.exit_code == 0, decoded.stderr
    assert near(np.frombuffer(decoded.stdout_bytes, "<i2"), np.frombuffer(data, "<i2"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two media in one folder, and what is of neither."""
    folder = tmp_path / "in"
    folder.mkdir()
    photo(40, 30).save(folder / "a.png")
    (folder / "b.series").write_bytes(samples(700).tobytes())
    (folder / "notes.txt").write_text("mine")
    return folder


def test_folders(model: Model, tree: Path, tmp_path: Path) -> None:
    job = Job("encode", str(tree), str(tmp_path / "small"))
    found, others, _ = items(job)
    assert [(item.name, item.output, item.medium) for item in found] == [
        ("a.png", "a.isth", "picture"),
        ("b.series", "b.isth", "series"),
    ]
    assert [item.name for item in others] == ["notes.txt"]
    assert [process(job, item).state for item in found] == ["done", "done"]
    assert [foresee(job, item).state for item in found] == ["skipped", "skipped"]
    back = Job("decode", str(tmp_path / "small"), str(tmp_path / "back"))
    restored = items(back)[0]
    assert [item.output for item in restored] == ["a.png", "b.series"]
    assert [process(back, item).state for item in restored] == ["done", "done"]
    assert [process(back, item).state for item in restored] == ["skipped", "skipped"]
    with Image.open(tmp_path / "back/a.png") as image:
        assert image.size == (40, 30)
    assert near(np.frombuffer((tmp_path / "back/b.series").read_bytes(), "<i2"), samples(700))
    # Something else has the name by now.
    (tree / "b.series").write_bytes(samples(800).tobytes())
    result = process(job, found[1])
    assert (result.state, "is another series" in result.message) == ("failed", True)


def test_folders_on_the_command_line(model: Model, tree: Path, tmp_path: Path, folders_in_threads: None) -> None:
    done = run("encode", str(tree), "-o", str(tmp_path / "small"), "--workers", "1")
    assert done.exit_code == 0, done.output
    assert "2 files in " in done.stdout
    (tree / "a.png").unlink()
    again = run("encode", str(tree), "-o", str(tmp_path / "small"), "--workers", "1")
    assert "1 series in " in again.stdout
    assert "1 whole already" in again.stdout
    assert run("verify", str(tmp_path / "small")).stdout.endswith("2 of 2 whole and decodable\n")


def test_its_model_is_needed(model: Model, users_models: Path) -> None:
    data = Codec().encode(Series(samples()))
    assert run("models", "remove", model.id.hex()).exit_code == 0
    with pytest.raises(UnknownModelError, match=model.id.hex()):
        Codec().decode(data)
    assert near(Codec(model).decode(data), samples())
    assert release_model().medium == 1
