"""The decoder in real browsers: latents to the last bit, pixels within a level, and every error by its name."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from browser import Site, serving, visiting

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web" / "isthmus-js"
VECTORS = {path.stem: json.loads(path.read_text()) for path in sorted((WEB / "test" / "vectors").glob("*.json"))}
DAMAGED = 60
"""Of each file: all that there are."""
SECONDS = 300


@pytest.fixture(scope="module")
def site(npm: Callable[..., CompletedProcess[str]]) -> Iterator[Site]:
    done = npm("run", "build", "--", str(WEB / "build" / "isthmus.js"))
    assert done.returncode == 0, done.stderr
    with serving(ROOT) as found:
        yield found


def made(site: Site, browser: str, names: list[str], damaged: int) -> dict[str, Any]:
    """What a browser makes of vectors."""
    query = "&".join([f"damaged={damaged}", *(f"name={name}" for name in names)])
    found = {}
    with visiting(browser, f"{site.address}web/isthmus-js/pages/vectors.html?{query}"):
        while (told := site.told.get(timeout=SECONDS)) != "done":
            assert isinstance(told, dict), told
            found[told["name"]] = told
    return found


def check(name: str, found: dict[str, Any]) -> None:
    vector = VECTORS[name]
    assert found["latents"] == vector["latents"]
    if isinstance(found["pixels"], str):
        # Colours that only Python shows.
        assert found["pixels"] == "MissingExtraError"
        assert all(error for error in found["errors"])
        return
    want = np.frombuffer(zlib.decompress(base64.b64decode(vector["pixels"])), np.uint8).reshape(-1, 4).astype(int)
    got = np.array(found["pixels"]).reshape(want.shape)
    assert (got[:, 3] == want[:, 3]).all()
    assert (np.abs(got - want).max(1) * want[:, 3] <= 255).all()
    assert found["errors"] == [how["error"] for how in vector["damaged"][: len(found["errors"])]]


@pytest.fixture
def browser() -> str:
    return "chromium"


@pytest.fixture
def firefox() -> str:
    return "firefox-esr"


def test_chromium(site: Site, browser: str) -> None:
    found = made(site, browser, list(VECTORS), DAMAGED)
    assert sum(len(one["errors"]) for one in found.values()) >= 300
    for name in VECTORS:
        check(name, found[name])


def test_firefox(site: Site, firefox: str) -> None:
    names = [name for name, vector in VECTORS.items() if vector["latents"]]
    assert sum("photograph" in name for name in names) > 1
    found = made(site, firefox, names, 10)
    for name in names:
        check(name, found[name])
