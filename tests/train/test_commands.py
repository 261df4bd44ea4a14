"""Both command lines, processes of their own: little installed, several at once, killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from isthmus.cli import main
from isthmus.cli.train import train as click_command
from isthmus.model.registry import load_model
from isthmus.train.__main__ import main as bare_main
from isthmus.train.__main__ import parser
from isthmus.train.initial import load_checkpoint
from isthmus.train.options import OPTIONS
from tiny_training import TINY, UNMEASURED

SETTINGS, QUICK = (
    [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    for settings in (TINY, TINY | UNMEASURED)
)
# Only PyTorch and what it needs itself, numpy, Pillow and threadpoolctl.
BARE = r"""
import importlib.abc, sys
ABSENT = {"accelerate", "click", "constriction", "onnxruntime", "platformdirs", "safetensors",
          "scipy", "skimage", "sklearn", "tensorboard", "tqdm", "matplotlib"}
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ABSENT else found(name, package)
from isthmus.train.__main__ import main
for words in sys.argv[1:]:
    print(main(words.split("\n")))
    print("--", file=sys.stderr)
"""
"""Does the command lines that it is given, each of words in lines of their own, and prints the exit status of each."""


def arguments(folder: Path, output: Path, *rest: str) -> list[str]:
    return [str(folder), "-o", str(output), "--device", "cpu", "--threads", "1", "--float32", *rest]


def test_both_command_lines_know_every_option() -> None:
    by_click = {name for parameter in click_command.params for name in parameter.opts if name.startswith("-")}
    by_argparse = {name for action in parser()._actions for name in action.option_strings} - {"-h", "--help"}
    assert by_click == by_argparse == {name for option in OPTIONS for name in option.names}


def test_isthmus_train(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.isthmodel"
    result = CliRunner().invoke(main, ["train", *arguments(folder, output, "--steps", "4", *SETTINGS)])
    assert result.exit_code == 0, result.output
    assert load_model(output).id.hex() in result.output
    assert load_model(output).name == "mine"
    assert "tune psnr quality  50: " in result.output
    assert "tune eye  quality  80: " in result.output
    assert "shrink" not in result.output
    again = CliRunner().invoke(main, ["train", *arguments(folder, output, "--steps", "4")])
    assert again.exit_code == 1
    assert "--force" in again.output


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--set", "crop"], "--set: expected KEY=VALUE, got crop"),
        (["--minutes", "0"], "--minutes: expected more than 0, got 0.0"),
        (["--finish"], "--finish has nothing to write"),
        (["-o", "-"], "--output: expected the name of a file"),
        (["-o", "."], "--output: expected the name of a file"),
        (["--set", "colour=3"], "unknown setting colour"),
        (["--set", "crop=wide"], "invalid setting crop"),
        (["--set", "crop=40"], "expected a multiple of 16, at least 32, got 40"),
        (["--set", "crop=2048"], "invalid setting window: expected at least crop, 2048"),
        (["--set", "batch=0"], "invalid setting batch: expected at least 1"),
        (["--set", "context_rate=nan"], "invalid setting context_rate"),
        (["--set", "network.gain_power=101"], "invalid setting network.gain_power: expected from 0 to 100, got 101"),
        (["--set", "qualities=50,200"], "from 0 to 100"),
        (["--set", "ema=2"], "invalid setting ema"),
        (["--set", "seed=-1"], "invalid setting seed"),
        (["--set", "crop="], "invalid setting crop: expected like 256, got"),
        (["--set", "qualities="], "invalid setting qualities"),
        (["--set", "network.points=1"], "invalid setting network.points: expected from 2 to 256, got 1"),
        (["--set", "network.grid_width=0"], "invalid setting network.grid_width: expected at least 1, got 0"),
        (["--set", "network.coarsest_step=0"], "invalid setting network.coarsest_step: expected a number above 0"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str], message: str
) -> None:
    words = [str(folder), "-o", str(tmp_path / "m.isthmodel"), *option]
    result = CliRunner().invoke(main, ["train", *words])
    assert result.exit_code == 2
    assert message in result.output
    with pytest.raises(SystemExit) as left:
        bare_main(words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--device", "abacus"], "cpu or cuda"),
        (["--from", "nonesuch"], "no model named 'nonesuch'"),
        (["--set", "crop=48"], "crop: expected a multiple of 32, got 48"),
        (["--set", "network.latents=256"], r"network.groups: expected 3 first, and others, network.latents (256) in"),
        (["--set", "network.groups=384"], "network.groups: expected 3 first"),
        (["--set", "network.latents=800", "--set", "network.groups=3,797"], "network.latents: expected at most 768"),
        (["--set", "network.corrected=385"], "network.corrected: expected at most network.latents, 384, got 385"),
        (["--set", "network.finest_step=400"], "network.coarsest_step: expected more than network.finest_step, 400"),
    ],
)
def test_wrong_options(folder: Path, tmp_path: Path, option: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["train", str(folder), "-o", str(tmp_path / "m.isthmodel"), *option])
    assert result.exit_code == 1
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_with_little_installed_training_runs_and_export_waits(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "bare.isthmodel"
    three_steps = arguments(folder, output, "--steps", "3", *QUICK)
    from_a_model = arguments(folder, tmp_path / "other.isthmodel", "--from", "release")
    command = [sys.executable, "-c", BARE, "\n".join(three_steps), "\n".join(from_a_model)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert [line for line in result.stdout.splitlines() if line.isdigit()] == ["1", "1"]
    waits, refused, _ = result.stderr.split("--\n")
    assert "model files need safetensors" in waits, result.stderr
    assert "Traceback" not in result.stderr
    assert load_checkpoint(tmp_path / "bare.training" / "checkpoint.pt")["step"] == 3
    assert refused.startswith("isthmus: model files need safetensors"), result.stderr
    finished = CliRunner().invoke(main, ["train", *arguments(folder, output, "--resume")])
    assert finished.exit_code == 0, finished.output
    assert load_model(output).metadata["training"]["steps"] == 3


def test_shrinking_needs_no_pytorch() -> None:
    command = "import sys; sys.modules['torch'] = None; import isthmus.cli.models, isthmus.train.delta"
    subprocess.run([sys.executable, "-c", command], check=True, timeout=100)


def test_a_terminated_process_can_be_resumed(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "ended.isthmodel"
    command = [sys.executable, "-m", "isthmus.train", *arguments(folder, output, "--steps", "100000", *QUICK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        log, deadline = tmp_path / "ended.training" / "log.jsonl", time.monotonic() + 200
        while not (log.exists() and '"kind": "step"' in log.read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume continues" in said
    assert load_checkpoint(tmp_path / "ended.training" / "checkpoint.pt")["step"] >= 10


def test_several_processes_train_together(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "many.isthmodel"
    # What `accelerate launch` starts on several GPUs; on processors it would start one process only.
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "isthmus.train"]
    command = [sys.executable, "-m", *launch, *arguments(folder, output, "--steps", "10", *QUICK)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert result.returncode == 0, result.stderr
    assert "2 x CPU" in result.stdout
    assert "4 crops of 64 pixels a step" in result.stdout
    assert load_model(output).metadata["training"]["steps"] == 10
    # Each process takes crops of its own, and both follow the mean of their gradients.
    alone = tmp_path / "alone.isthmodel"
    assert bare_main(arguments(folder, alone, "--steps", "10", *QUICK)) == 0
    first, second, single = (
        [
            json.loads(line)["loss"]
            for line in (tmp_path / place / "log.jsonl").read_text().splitlines()
            if "loss" in line
        ]
        for place in ("many.training", "many.training/worker1", "alone.training")
    )
    assert len(first) == 1
    assert first == second
    assert first != single
    ours, theirs = (
        load_checkpoint(tmp_path / f"{name}.training" / "checkpoint.pt")["network"] for name in ("many", "alone")
    )
    differing = [key for key, value in ours.items() if value.is_floating_point() and not value.equal(theirs[key])]
    assert "grid.last.weight" in differing
