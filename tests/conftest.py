"""Fixtures that several rooms share, and the rule that a skipped test fails where all must run."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import doubles
from isthmus import codec as codec_module
from isthmus.codec import Codec
from isthmus.image.coders import table
from isthmus.model import registry
from isthmus.model.file import save_model
from isthmus.model.registry import release_model

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


WEB = TESTS.parent / "web" / "isthmus-js"
NOT_OF_PIP = {
    "browser": (
        lambda: shutil.which("chromium") and shutil.which("chromedriver"),
        "apt-get install chromium chromium-driver",
    ),
    "firefox": (lambda: shutil.which("firefox-esr"), "apt-get install firefox-esr"),
    "npm": (
        lambda: shutil.which("npm") and (WEB / "node_modules").is_dir(),
        "apt-get install nodejs npm, then npm ci in web/isthmus-js,",
    ),
}
"""By the fixtures that need it: whether it is there, and what installs it."""

LONGEST = (
    "autoencoder/test_docs.py",
    "train/test_run.py",
    "autoencoder/test_checks.py",
    "train/test_commands.py",
    "test_guide.py",
    "train/test_loop.py",
    "bench/test_cli.py",
)
"""Files whose tests take longest. They begin first: one that began last would keep one core busy and others waiting."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first; and some tests need what pip cannot install, browsers or Node: without it they are left out.

    Continuous integration installs them: there they stay, and fail if one is missing.
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


class LeftOut(pytest.PytestWarning):
    """Some tests were left out."""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--no-skips"):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.stats.get("skipped"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def npm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """npm(words...) runs npm in web/isthmus-js."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["npm", *words], cwd=WEB, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture
def lock_folders(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Folders of a name, from then on, cannot be read: permissions alone do not stop an administrator."""
    scan = os.scandir

    def lock(locked: str) -> None:
        def refusing(path: str) -> object:
            if Path(path).name == locked:
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refusing)

    return lock


@pytest.fixture
def lossless_coder(monkeypatch: pytest.MonkeyPatch) -> doubles.LosslessCoder:
    """A coder without loss, with tiles of 32 pixels, registered, and a model of it for the one that encodes."""
    coder = doubles.LosslessCoder()
    monkeypatch.setitem(table.CODERS, coder.id, lambda: coder)
    monkeypatch.setattr(codec_module, "release_model", lambda name: doubles.FakeModel())
    monkeypatch.setattr(codec_module, "find_model", doubles.find_model)
    return coder


@pytest.fixture
def lossless_codec(lossless_coder: doubles.LosslessCoder) -> Codec:
    return Codec()


@pytest.fixture
def no_tune(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights have a second dial: those of a coder that knows none stand for it."""
    monkeypatch.setattr(table, "WITH_TUNE", frozenset[int]())


@pytest.fixture
def users_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's added models, apart from the real one; it does not exist yet."""
    folder = tmp_path / "user" / "models"
    monkeypatch.setattr(registry, "models_folder", lambda: folder)
    return folder


@pytest.fixture(scope="session")
def tuned_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of the coder of pictures, with its second dial, of a size that suits tests."""
    # Needs a package that only a few tests need.
    from tiny_separable import write_tiny_separable

    path = tmp_path_factory.mktemp("tuned") / "tiny.isthmodel"
    write_tiny_separable(path)
    return path


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """A model file that is not the package's: the same weights under another name."""
    release = release_model()
    path = tmp_path / "other.isthmodel"
    save_model(path, release.arrays, {**release.metadata, "name": "other"})
    return path
