"""The rules of a run: what happens to tests of pages where there is no browser."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rules import LONGEST, NOT_OF_PIP

TESTS = Path(__file__).parent
# Plugins that the runs below have no use for take longer to load than their tests.
PYTEST = (sys.executable, "-m", "pytest", "-p", "rules", "-p", "no:cacheprovider")
ENVIRONMENT = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
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
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = ENVIRONMENT | {"CI": ci, "PATH": "", "PYTHONPATH": path}
    done = subprocess.run([*PYTEST, "--no-skips"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert said in done.stdout
    # A run of no tests has a status of its own.
    failed = done.returncode == pytest.ExitCode.TESTS_FAILED
    assert failed == (ci == "true"), done.stdout


@pytest.mark.parametrize("fixture", list(NOT_OF_PIP))
def test_what_is_left_out_is_no_error_under_the_projects_own_settings(tmp_path: Path, fixture: str) -> None:
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n@pytest.fixture\ndef {fixture}(): pass\ndef test_it({fixture}): pass\n"
    )
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = ENVIRONMENT | {"CI": "", "PATH": "", "PYTHONPATH": path}
    command = [*PYTEST, "-c", str(TESTS.parent / "pyproject.toml"), "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    assert "1 deselected" in done.stdout
    assert NOT_OF_PIP[fixture][1] in done.stdout


@pytest.mark.parametrize(
    "spread", [(), ("-p", "xdist", "-n", "2", "--dist", "loadfile")], ids=["one process", "several"]
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_skipped_test_fails_where_all_must_run(tmp_path: Path, spread: tuple[str, ...], strict: bool) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n")
    (tmp_path / "test_b.py").write_text("import pytest\ndef test_b(): pytest.skip('for once')\n")
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [*PYTEST, "-q", *spread, *(["--no-skips"] if strict else [])]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].startswith("1 passed, 1 skipped in "), done.stdout
    assert done.returncode == (pytest.ExitCode.TESTS_FAILED if strict else pytest.ExitCode.OK), done.stdout


def test_the_longest_files_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).is_file()] == []
