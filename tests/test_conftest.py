"""The rules of a run: what happens to tests of pages where there is no browser."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = """
import pytest
from browser import start

@pytest.fixture
def browser():
    return start()

def test_page(browser):
    pass
"""


@pytest.mark.parametrize(("ci", "said"), [("true", "these tests need chromium"), ("", "apt-get install chromium")])
def test_without_a_browser_tests_of_pages_fail_where_all_must_run(tmp_path: Path, ci: str, said: str) -> None:
    (tmp_path / "test_page.py").write_text(PAGE)
    environment = os.environ | {"CI": ci, "PATH": "", "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "--no-skips"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert said in done.stdout
    # A run of no tests has a status of its own.
    failed = done.returncode == pytest.ExitCode.TESTS_FAILED
    assert failed == (ci == "true"), done.stdout
