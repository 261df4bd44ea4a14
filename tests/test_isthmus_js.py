"""The decoder for browsers, web/isthmus-js: its own tests, and that what is committed was made from its sources."""

import base64
import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import numpy as np
import pytest

from isthmus.coding.entropy_model import EntropyModel
from isthmus.coding.formats import SCALES
from isthmus.coding.payload import _Reader
from isthmus.coding.tables import Tables
from isthmus.coding.trellis import FIRST_SCALE
from isthmus.model.registry import release_model

Npm = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parent.parent
WEB = ROOT / "web" / "isthmus-js"
web_vectors = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "web_vectors.py")))
BUNDLE = ROOT / "src" / "isthmus" / "album" / "isthmus.js"


@pytest.fixture(scope="module")
def built(npm: Npm) -> Path:
    """The bundle, built from the sources."""
    made = WEB / "build" / "isthmus.js"
    done = npm("run", "build", "--", str(made))
    assert done.returncode == 0, done.stderr
    return made


def test_types(npm: Npm, built: Path) -> None:
    checked = npm("run", "check")
    assert checked.returncode == 0, checked.stdout


def test_the_package_carries_what_the_sources_make(built: Path) -> None:
    assert built.read_bytes() == BUNDLE.read_bytes(), "npm run build in web/isthmus-js"


def test_it_agrees_with_python(npm: Npm, built: Path) -> None:
    tested = npm("test")
    assert tested.returncode == 0, tested.stdout[-4000:]
    passed = re.search(r"^# pass (\d+)$", tested.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 3 * len(list(web_vectors.VECTORS.glob("*.json")))


def test_vectors_are_what_python_makes_of_the_files() -> None:
    """All but pixels, which may be a level apart on another machine."""
    paths = sorted(web_vectors.VECTORS.glob("*.json"))
    assert len(paths) > 10
    for path in paths:
        kept = json.loads(path.read_text(encoding="utf-8"))
        file = (web_vectors.VECTORS / kept["file"]).read_bytes()
        found = json.loads(json.dumps(web_vectors.expected(file, kept["damaged"])))
        assert {key: kept[key] for key in found} == found, path.name


def test_bitstreams_are_what_python_makes_of_them() -> None:
    rows = json.loads(web_vectors.BITSTREAMS.read_text(encoding="utf-8"))
    assert len(rows) > 100
    for row in rows:
        bitstream = base64.b64decode(row["bitstream"])
        assert web_vectors.bitstream_row(bitstream, row["height"], row["width"]) == row


def test_obus_are_what_python_makes_of_them() -> None:
    rows = json.loads(web_vectors.OBUS.read_text(encoding="utf-8"))
    assert len(rows) > 200
    for row in rows:
        assert web_vectors.obus_row(base64.b64decode(row["obus"]), row["height"], row["width"]) == row


def test_model_files_are_what_python_makes_of_them() -> None:
    rows = json.loads(web_vectors.MODEL_FILES.read_text(encoding="utf-8"))
    assert json.loads(json.dumps(web_vectors.model_files())) == rows
    assert 3 < sum(row["arrays"] is not None for row in rows) < len(rows) - 10


def test_trellises_are_what_python_makes_of_them() -> None:
    found = web_vectors.trellises()
    assert found == json.loads(web_vectors.TRELLISES.read_text(encoding="utf-8"))
    # What a reader makes of their payloads is what they were written from.
    counts = Tables.unpack(np.array(found["tables"])).counts
    plain, own = Tables(counts[:SCALES]), Tables(counts[:FIRST_SCALE] + counts[SCALES:])
    entropy = EntropyModel(release_model().context, plain, own)
    for row in found["rows"]:
        reader = _Reader(entropy, base64.b64decode(row["payload"]))
        for one in row["passes"]:
            scales = np.array(one["scales"], np.uint8)
            residuals = reader.residuals(scales).reshape(scales.shape[::-1]).T
            np.testing.assert_array_equal(residuals, one["values"])
        assert reader.finished()


def test_vectors_cover_the_models_of_the_package() -> None:
    files = {Path(json.loads(path.read_text())["file"]).resolve().name for path in web_vectors.VECTORS.glob("*.json")}
    golden = {path.name for path in web_vectors.GOLDEN.glob("*.isth") if web_vectors.is_decoded(path)}
    assert golden <= files


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (WEB / "package-lock.json").read_text(encoding="utf-8")
