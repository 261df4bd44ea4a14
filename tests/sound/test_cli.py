"""Sounds on the command line: files, streams, ranges, targets, reports, folders."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

import sounds
from isthmus.batch.job import Job
from isthmus.batch.plan import items
from isthmus.batch.steps import foresee, process
from isthmus.cli import main
from isthmus.model.model import Model
from pictures import photo


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, args, input=stdin)


@pytest.fixture
def model(sound_model: Model, tmp_path: Path, users_models: Path) -> Model:
    """Installed under a name of its own."""
    path = tmp_path / "model" / "untrained.isthmodel"
    path.parent.mkdir()
    sounds.write_model(path)
    assert run("models", "add", str(path)).exit_code == 0
    return sound_model


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    soundfile.write("song.wav", sounds.chord(44_100), 44_100)
    return Path("song.wav")


def test_there_and_back(model: Model, song: Path) -> None:
    encoded = run("encode", "song.wav", "--model", "untrained", "-q", "70")
    assert encoded.exit_code == 0, encoded.output
    size = Path("song.isth").stat().st_size
    assert f"song.wav -> song.isth: 176444 to {size} bytes" in encoded.stdout
    assert f"{8 * size / 1000:.3f} kbit/s" in encoded.stdout
    info = run("info", "song.isth")
    assert "song.isth: 1.00 s of 2 channels at 44100 Hz, of 16-bit samples, quality 70\n" in info.stdout
    assert json.loads(run("info", "song.isth", "--json").stdout)["samples"] == 44_100
    assert "whole and decodable, 1.00 s of 2 channels" in run("verify", "song.isth").stdout
    decoded = run("decode", "song.isth", "-o", "back.flac")
    assert decoded.stdout == "song.isth -> back.flac: 1.00 s of 2 channels at 44100 Hz\n"
    found, rate = soundfile.read("back.flac")
    assert rate == 44_100
    assert sounds.snr_db(sounds.chord(44_100), found) > 25
    assert run("decode", "song.isth", "-f").stdout.startswith("song.isth -> song.wav: 1.00 s")
    report = json.loads(run("encode", "song.wav", "--json", "-f", "--model", "untrained").stdout)
    assert (report["samples"], report["rate"], report["channels"]) == (44_100, 44_100, 2)
    assert report["kbps"] == 8 * report["bytes"] / 1000


def test_a_range(model: Model, song: Path) -> None:
    assert run("encode", "song.wav", "--model", "untrained").exit_code == 0
    assert run("decode", "song.isth", "-o", "whole.wav").exit_code == 0
    part = run("decode", "song.isth", "--range", "0.25-0.5", "-o", "part.wav")
    assert part.stdout == "song.isth -> part.wav: 0.25 s of 2 channels at 44100 Hz\n"
    whole, _ = soundfile.read("whole.wav", dtype="int16")
    found, _ = soundfile.read("part.wav", dtype="int16")
    np.testing.assert_array_equal(found, whole[11_025:22_050])
    assert "0.50 s of" in run("decode", "song.isth", "--range", "0.5-7", "-o", "end.wav").stdout
    for wrong, status in (("1-2", 1), ("2-1", 2), ("5", 2), ("a-b", 2)):
        assert run("decode", "song.isth", "-f", "--range", wrong).exit_code == status


def test_targets(model: Model, song: Path) -> None:
    done = run("encode", "song.wav", "--model", "untrained", "--target-kbps", "150", "--json")
    assert done.exit_code == 0, done.output
    assert 140 < json.loads(done.stdout)["kbps"] <= 150
    assert run("encode", "song.wav", "-f", "--model", "untrained", "--target-bytes", "18k").exit_code == 0
    assert 17_000 < Path("song.isth").stat().st_size <= 18_000


def test_what_is_for_pictures_is_refused(model: Model, song: Path) -> None:
    photo(8, 8).save("a.png")
    assert run("encode", "song.wav", "--model", "untrained").exit_code == 0
    assert run("encode", "a.png").exit_code == 0
    for args, message in (
        (("encode", "song.wav", "-f", "--max-side", "9"), "max side is not for a sound"),
        (("encode", "a.png", "-f", "--target-kbps", "9"), "a target in kilobits a second is not for this"),
        (("encode", "song.wav", "-f", "--target-bpp", "9"), "a target in bits per pixel is not for this"),
        (("decode", "song.isth", "-f", "--crop", "0,0,1,1"), "crop is not for a sound"),
        (("decode", "a.isth", "-f", "--range", "0-1"), "seconds is not for a picture"),
        (("decode", "song.isth", "--to", "jpg"), "no format of sounds for song.jpg"),
        (("encode", "song.wav", "-f", "--model", "fast"), "cannot code sounds"),
    ):
        refused = run(*args)
        assert (refused.exit_code, message in refused.stderr) == (1, True), refused.output


def test_streams(model: Model, song: Path) -> None:
    encoded = run("encode", "-", "--model", "untrained", stdin=song.read_bytes())
    assert encoded.exit_code == 0, encoded.stderr
    decoded = run("decode", "-", stdin=encoded.stdout_bytes)
    assert decoded.exit_code == 0, decoded.stderr
    Path("piped.wav").write_bytes(decoded.stdout_bytes)
    assert soundfile.info("piped.wav").frames == 44_100


def test_folders(model: Model, song: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.wav", "b.flac", "c.mp3"):
        soundfile.write(folder / name, sounds.chord(3000), 44_100)
    (folder / "d.m4a").write_bytes(b"something")
    job = Job("encode", str(folder), str(tmp_path / "small"), model="untrained")
    found = items(job)[0]
    assert [(item.name, item.medium) for item in found] == [("a.wav", "sound"), ("b.flac", "sound"), ("c.mp3", "sound")]
    assert [process(job, item).state for item in found] == ["done"] * 3
    assert [foresee(job, item).state for item in found] == ["skipped"] * 3
    for suffix in (None, ".flac", ".mp3"):
        back = Job("decode", str(tmp_path / "small"), str(tmp_path / f"back{suffix}"), suffix=suffix)
        restored = items(back)[0]
        assert [item.output for item in restored] == [f"{name}{suffix or '.wav'}" for name in "abc"]
        assert [process(back, item).state for item in restored] == ["done"] * 3
        assert [process(back, item).state for item in restored] == ["skipped"] * 3
    # Something else has the name by now.
    soundfile.write(folder / "a.wav", sounds.chord(2000), 44_100)
    result = process(job, found[0])
    assert (result.state, "is another sound" in result.message) == ("failed", True)
