"""benchmarks/sound_speed.py from the command line, on a second of sound."""

import json
import subprocess
import sys
from pathlib import Path

import soundfile

import sounds

SCRIPT = Path(__file__).parents[2] / "benchmarks/sound_speed.py"


def test_both_directions_are_measured(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "chord.wav", sounds.chord(20_000), 44_100)
    words = [tmp_path / "chord.wav", "--minutes", "0.02", "-o", tmp_path / "speed.json"]
    subprocess.run([sys.executable, SCRIPT, *words], check=True, capture_output=True)
    record = json.loads((tmp_path / "speed.json").read_text())
    assert (record["rate"], record["channels"], record["threads"]) == (44_100, 2, 1)
    assert [row["minutes"] for row in record["rows"]] == [0.02]
    for row in record["rows"]:
        assert row["kbps"] > 10
        for direction in ("encode", "decode"):
            found = row[direction]
            # Python alone takes some 30 MB.
            assert found["peak_mb"] > 30
            assert abs(found["times_real_time"] * found["processor_seconds"] - 60 * row["minutes"]) < 0.3
