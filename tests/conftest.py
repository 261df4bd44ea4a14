"""Fixtures that several rooms share, and the rule that a skipped test fails where all must run."""

from pathlib import Path

import numpy as np
import pytest

import doubles
from isthmus import codec as codec_module
from isthmus.codec import Codec

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--no-skips"):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.stats.get("skipped"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def fake_tiles(monkeypatch: pytest.MonkeyPatch) -> doubles.FakeTiles:
    """The codec's neural part replaced by one without loss, with tiles of 32 pixels."""
    tiles = doubles.FakeTiles(tile=32)
    monkeypatch.setattr(codec_module, "tiles", tiles)
    monkeypatch.setattr(codec_module, "release_model", lambda: doubles.FakeModel())
    monkeypatch.setattr(codec_module, "find_model", doubles.find_model)
    codec_module._shared.cache_clear()
    return tiles


@pytest.fixture
def fake_codec(fake_tiles: doubles.FakeTiles) -> Codec:
    return Codec()
