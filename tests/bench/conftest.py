"""Sweeps without processes of their own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.bench import sweep


@pytest.fixture
def sweeps_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points are measured by threads of this process: what they are is the same, and processes load SciPy first."""
    sweep._loaded.cache_clear()
    monkeypatch.setattr(sweep, "process_pool", ThreadPoolExecutor)
