"""docs/guide.md, executed: every command and every line of Python in it, in order, in one folder."""

import gc
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from PIL import Image
from skimage import data

import sounds
from isthmus.cli import COMMANDS, main
from pictures import page

GUIDE = Path(__file__).parents[1] / "docs/guide.md"
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
STATUS = re.compile(r"\[exit status (\d+)\]\n?")
# Pipes and redirections, and what serves until it is stopped.
OF_A_SHELL = re.compile(r"[|<>&;*]|^isthmus serve\b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    (folder / "holiday/sub").mkdir(parents=True)
    photo = Image.fromarray(data.coffee()[50:250, 150:450])
    photo.save(folder / "photo.jpg", quality=95)
    photo.resize((90, 60)).save(folder / "holiday/beach.jpg", quality=95)
    Image.fromarray(data.chelsea()[:64, :96]).save(folder / "holiday/sub/cat.png")
    (folder / "holiday/notes.txt").write_text("sunny\n")
    logo = photo.resize((64, 48)).convert("RGBA")
    logo.putalpha(Image.linear_gradient("L").resize((64, 48)))
    logo.save(folder / "logo.png")
    page().save(folder / "page.png")
    deep = np.asarray(photo.convert("L").resize((60, 40))).astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.png")
    soundfile.write(folder / "song.wav", sounds.chord(2 * 44_100), 44_100)
    with zipfile.ZipFile(folder / "holiday.zip", "w") as archive:
        for name in ("beach.jpg", "sub/cat.png"):
            archive.write(folder / "holiday" / name, name)
    return folder


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Training chooses PyTorch's threads for its process, and here others follow."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def environment(folder: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Models are added where nobody's own are.
    return os.environ | {"PATH": path, "COLUMNS": "80", "XDG_DATA_HOME": str(folder / "data")}


def commands(block: str) -> list[tuple[str, str]]:
    """(command, expected output) of a console block."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.M)
    assert parts[0] == ""
    return list(zip(parts[1::2], parts[2::2], strict=True))


def fits(expected: str, shown: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, shown, re.S) is not None


def run(command: str, folder: Path) -> tuple[str, int]:
    """What is shown, and the exit status; what needs no shell runs here, where the weights are loaded once."""
    if OF_A_SHELL.search(command):
        return run_in_a_shell(command, folder)
    name, *words = shlex.split(command)
    assert name == "isthmus"
    with chdir(folder):
        result = CliRunner().invoke(main, words, env=environment(folder), catch_exceptions=False)
    return result.output, result.exit_code


def run_in_a_shell(command: str, folder: Path) -> tuple[str, int]:
    """The same by a process of its own; what serves for ever gets its Ctrl-C."""
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}" if command.startswith("isthmus serve") else command],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    first = ""
    if command.startswith("isthmus serve"):
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=600)
    return first + rest, process.returncode


# What worker processes do beyond threads is tested where they are: tests/batch, tests/bench, tests/distributed.
@pytest.mark.usefixtures("folders_in_threads", "sweeps_in_threads")
@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_the_guide(index: int, folder: Path) -> None:
    language, block = BLOCKS[index]
    if language == "python":
        with chdir(folder), warnings.catch_warnings():
            # A reader's pictures are closed when nothing refers to them any more.
            warnings.simplefilter("ignore", ResourceWarning)
            exec(block, {})
            gc.collect()
        return
    for command, expected in commands(block):
        status = STATUS.search(expected)
        shown, code = run(command, folder)
        assert fits(STATUS.sub("", expected), shown), f"$ {command}\n{shown}"
        assert code == (int(status[1]) if status else 0), f"$ {command}\n{shown}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_is_in_the_guide(name: str) -> None:
    console = "".join(block for language, block in BLOCKS if language == "console")
    assert f"isthmus {name}" in console


def test_what_fits() -> None:
    assert fits("a … b\n…", "a 1 2 b\nanything\nat all\n")
    assert not fits("a … b\n", "a 1 2 c\n")
    assert not fits("a.b\n", "a-b\n")
