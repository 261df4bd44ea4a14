"""Completion scripts, and what the shell asks through them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from isthmus.cli import main

ISTHMUS = [sys.executable, "-m", "isthmus"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_every_shell(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_ISTHMUS_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("isthmus en", {"encode"}),
        ("isthmus encode --target-p", {"--target-psnr"}),
        ("isthmus compare --match p", {"psnr"}),
        ("isthmus encode --tune ", {"psnr", "eye"}),
        ("isthmus ser", {"serve"}),
    ],
)
def test_what_is_completed(words: str, expected: set[str]) -> None:
    question = {"_ISTHMUS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = CliRunner().invoke(main, [], prog_name="isthmus", env=question)
    assert {line.split(",")[1] for line in result.stdout.splitlines()} == expected


def test_bash_takes_the_script(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    script = CliRunner().invoke(main, ["completion", "bash"]).stdout
    (tmp_path / "script").write_text(script)
    (tmp_path / "isthmus").write_text(f'#!/bin/sh\nexec {" ".join(ISTHMUS)} "$@"\n')
    (tmp_path / "isthmus").chmod(0o755)
    ask = 'source script; COMP_WORDS=(isthmus enc); COMP_CWORD=1; _isthmus_completion isthmus; echo "${COMPREPLY[@]}"'
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([bash, "-c", ask], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("encode", 0), done.stderr
