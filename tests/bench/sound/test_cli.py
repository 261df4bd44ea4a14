"""`isthmus bench` and `isthmus compare` on sounds, with codecs that need nothing beside soundfile."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from bench.helpers import coarse
from isthmus.bench.codec import Own
from isthmus.bench.metrics import METRICS
from isthmus.bench.report import write_report
from isthmus.bench.results import read_json
from isthmus.bench.sound.rivals import RIVALS
from isthmus.cli import main
from sounds import chord

OWN = Own(lambda weights, name: coarse(name, "isthmus", 2.0))


@pytest.fixture(autouse=True)
def rival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RIVALS, "coarse", coarse("coarse", "Coarse"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sounds = tmp_path / "songs"
    sounds.mkdir()
    for name, channels in (("one.wav", 2), ("two.flac", 1)):
        soundfile.write(sounds / name, chord(24_000, channels), 44_100, "PCM_16")
    (sounds / "notes.txt").write_text("no sound")
    return sounds


def run(*words: str | Path, own: Own | None = OWN) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words], obj=own, catch_exceptions=False)
    return result.exit_code, result.output


def bench(folder: Path, *words: str, own: Own | None = OWN) -> tuple[int, str, Path]:
    out = folder.parent / "out"
    quick = ("--metrics", "lsd_db,snr_db", "--processes", "1", "--cache", folder.parent / "cache", "-o", out)
    code, text = run("bench", folder, *quick, *words, own=own)
    return code, text, out


def test_bench_of_sounds_is_the_bench_of_pictures(folder: Path) -> None:
    code, text, out = bench(folder, "--codecs", "isthmus,coarse,flac", "--seconds", "0.4", "--timing")
    assert code == 0, text
    names = {"results.json", "points.csv", "report.html"}
    names |= {f"rd_{metric}.{suffix}" for metric in ("lsd_db", "snr_db") for suffix in ("svg", "png")}
    assert {path.name for path in out.iterdir()} == names
    record = read_json(out / "results.json")
    assert record["subject"] == "sound"
    assert [(one["name"], one["seconds"], one["channels"]) for one in record["sounds"]] == [
        ("one.wav", 0.4, 2),
        ("two.flac", 0.4, 1),
    ]
    assert record["command"].startswith("isthmus bench songs --codecs isthmus,coarse,flac")
    assert "--seconds 0.4" in record["command"]
    # The double does with a bit less what the other does: fewer bytes, and more noise, the same curve moved.
    assert record["curves"]["isthmus"]["kbps"][0] < record["curves"]["coarse"]["kbps"][0]
    assert set(record["verdicts"]["isthmus"]["coarse"]["snr_db"]["sounds"]) == {"one.wav", "two.flac"}
    assert record["lossless"]["flac"]["kbps"] > 100
    assert record["timing"]["sounds"] == 2
    assert "of 0.4 seconds" in text
    page = (out / "report.html").read_text()
    assert "songs: 2 sounds" in page
    assert "Kilobits a second are those written" in page
    csv = (out / "points.csv").read_text().splitlines()
    assert csv[0] == "sound,codec,quality,bytes,kbps,lsd_db,snr_db"
    assert len(csv) == 1 + 2 * (4 + 4 + 1)
    # A report can be drawn again from its record alone.
    write_report(json.loads((out / "results.json").read_text()), out, "isthmus")
    assert (out / "report.html").read_text() == page


def test_rates_are_of_the_bytes_and_seconds(folder: Path) -> None:
    code, text, out = bench(folder, "--codecs", "coarse", "--every", "4")
    assert code == 0, text
    rows = [line.split(",") for line in (out / "points.csv").read_text().splitlines()[1:]]
    assert [float(row[4]) for row in rows] == pytest.approx([8 * int(row[3]) * 44.1 / 24_000 for row in rows])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--codecs", "jpeg"), "unknown codec"),
        (("--codecs", "isthmus-psnr"), "unknown codec"),
        (("--metrics", "psnr"), "unknown metric"),
        (("--published",), "expected a folder of pictures"),
        (("--codecs", "coarse", "--anchor", "jpeg"), "unknown anchor"),
    ],
)
def test_what_is_of_pictures_is_refused(folder: Path, words: tuple[str, ...], said: str) -> None:
    code, text, out = bench(folder, *words)
    assert code == 2
    assert said in text
    assert not out.exists()


def test_a_folder_of_both_is_refused_and_so_are_seconds_of_pictures(folder: Path) -> None:
    (folder / "cover.png").write_bytes(b"")
    code, text, _ = bench(folder)
    assert (code, "both pictures and sounds" in text) == (2, True)
    for sound in ("one.wav", "two.flac"):
        (folder / sound).unlink()
    code, text, _ = bench(folder, "--metrics", "psnr", "--seconds", "1")
    assert (code, "expected a folder of sounds" in text) == (2, True)


def test_a_model_of_pictures_is_refused(folder: Path) -> None:
    code, text, out = bench(folder, "--codecs", "isthmus", "--model", "fast", own=None)
    assert code == 2
    assert "medium" in text
    assert not out.exists()


def test_compare_of_sounds_writes_a_table_and_a_page(folder: Path) -> None:
    page = folder.parent / "page.html"
    words = ("compare", folder / "one.wav", "-q", "50", "--codecs", "coarse,flac", "--seconds", "0.25", "-o", page)
    code, text = run(*words)
    assert code == 0, text
    lines = text.splitlines()
    heads = " ".join(lines[0].split())
    assert heads.startswith("Codec Bytes Rate kbps")
    assert METRICS["snr_db"].label in heads
    assert [line.split("  ")[0] for line in lines[1:4]] == ["isthmus", "Coarse", "FLAC"]
    own, other = (int(line.split()[1].replace(",", "")) for line in lines[1:3])
    assert abs(own - other) < 0.05 * own
    written = page.read_text()
    assert "The middle 0.2 of 0.5 seconds, 2 channels at 44100 Hz" in written
    assert written.count("<audio") == 3 + 2
    assert run(*words)[0] == 1


def test_several_sounds_are_one_page(folder: Path) -> None:
    page = folder.parent / "page.html"
    code, text = run("compare", folder / "one.wav", folder / "two.flac", "--codecs", "coarse", "-o", page)
    assert code == 0, text
    assert "2 sounds\nCodec" in text
    assert "<h1>2 sounds</h1>" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--match", "psnr"), "sounds are compared at equal bytes"),
        (("--tune", "psnr"), "--tune is of pictures"),
        (("--codecs", "jpeg"), "unknown codec"),
    ],
)
def test_compare_refuses_what_is_of_pictures(folder: Path, words: tuple[str, ...], said: str) -> None:
    code, text = run("compare", folder / "one.wav", *words)
    assert code == 2
    assert said in text


def test_compare_takes_pictures_or_sounds(folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(2000), 8000)
    (tmp_path / "a.png").write_bytes(b"")
    assert "pictures or of sounds" in run("compare", tmp_path / "a.wav", tmp_path / "a.png")[1]
    assert "--seconds is of sounds" in run("compare", tmp_path / "a.png", "--seconds", "3")[1]
