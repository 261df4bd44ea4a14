"""The rules of a run: the longest files begin first, what cannot run here is left out, a skipped test fails the run.

Nothing of the package is imported: the tests of these rules load them in processes of their own.
"""

import gc
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


WEB = TESTS.parent / "web" / "isthmus-js"
NOT_OF_PIP = {
    "browser": (
        lambda: shutil.which("chromium") and shutil.which("chromedriver"),
        "apt-get install chromium chromium-driver",
    ),
    "emulator": (
        lambda: platform.machine() == "x86_64" and shutil.which("qemu-x86_64"),
        "apt-get install qemu-user, on x86-64,",
    ),
    "firefox": (lambda: shutil.which("firefox-esr"), "apt-get install firefox-esr"),
    "npm": (
        lambda: shutil.which("npm") and (WEB / "node_modules").is_dir(),
        "apt-get install nodejs npm, then npm ci in web/isthmus-js,",
    ),
}
"""By the fixtures that need it: whether it is there, and what installs it."""

TOGETHER = ("autoencoder", "distributed", "train")
"""Rooms of which one process runs all files: what they prepare, trained models or a cluster, takes longer than most of
their tests."""

LONGEST = (
    "autoencoder/test_docs.py",
    "train/test_run.py",
    "distributed/test_restart.py",
    "test_guide.py",
    "test_isthmus_js.py",
    "bench/test_cli.py",
)
"""Files whose tests, or whose room's, take longest. They begin first: one that began last would keep one core busy and
others waiting."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first; and some tests need what pip cannot install, a browser, Node or an emulator: without it they
    are left out.

    Continuous integration installs all: there they stay, and fail if one is missing.
    """
    place = {TESTS / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    if os.environ.get("CI") == "true":
        return
    for fixture, (there, hint) in NOT_OF_PIP.items():
        left_out = [item for item in items if fixture in getattr(item, "fixturenames", ())]
        if left_out and not there():
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)
            config.issue_config_time_warning(LeftOut(f"{hint} runs them all"), 2)


def pytest_sessionstart() -> None:
    """Garbage is looked for when 20,000 objects have come, not 700: the searches, of which Hypothesis takes the time,
    would be a twentieth of all."""
    gc.set_threshold(20_000)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file at a time to each process, or a room."""
    # Of a plugin that may not be there, as in the tests of these rules.
    from xdist.scheduler import LoadFileScheduling

    class ByRoom(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            room = Path(file).parts[1:2]
            return room[0] if room and room[0] in TOGETHER else file

    return ByRoom(config, log)


class LeftOut(pytest.PytestWarning):
    """Some tests were left out."""


@pytest.fixture(scope="session")
def emulator() -> None:
    """There is an emulator of other processors, `qemu-x86_64`."""


@pytest.fixture(scope="session")
def npm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """npm(words...) runs npm in web/isthmus-js."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["npm", *words], cwd=WEB, capture_output=True, text=True, timeout=300)

    return run


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--no-skips"):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.stats.get("skipped"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
