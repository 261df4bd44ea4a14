"""The public names: what they are, what they say of themselves, and what importing them costs."""

import inspect
import os
import re
import subprocess
import sys
import typing
import zipfile
from importlib import resources
from pathlib import Path

import pytest

import isthmus

PUBLIC = """
BitstreamError Codec CorruptError Info InputError IsthmusError LimitExceededError Limits MissingExtraError ModelError
NotIsthmusError OutputExistsError SelfCheckError TooNewError TruncatedError UnknownModelError UnsupportedPictureError
__version__ decode decode_file decode_image encode encode_file inspect preview verify
"""


def test_the_public_names_are_pinned() -> None:
    assert isthmus.__all__ == PUBLIC.split()
    assert dir(isthmus) == isthmus.__all__


@pytest.mark.parametrize("name", PUBLIC.split())
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(isthmus, name) is getattr(isthmus, name)


def documented(kind: object) -> list[tuple[str, object]]:
    """A function or class with its public methods, by name: all whose signature an editor shows."""
    if not inspect.isclass(kind):
        return [(getattr(kind, "__name__", str(kind)), kind)]
    methods = [(f"{kind.__name__}.{name}", method) for name, method in inspect.getmembers(kind, inspect.isfunction)]
    return [(kind.__name__, kind), *(pair for pair in methods if not pair[0].split(".")[1].startswith("_"))]


@pytest.mark.parametrize("name", [name for name in PUBLIC.split() if name != "__version__"])
def test_every_public_name_documents_itself_whole(name: str) -> None:
    """What `help` and an editor's hover show is enough: no other page has to be looked up."""
    for label, found in documented(getattr(isthmus, name)):
        text = inspect.getdoc(found)
        assert text, label
        parameters = [key for key in inspect.signature(found).parameters if key != "self"]  # type: ignore[arg-type]
        if inspect.isclass(found) and issubclass(found, Exception):
            continue  # the root says what all of them take, and nobody but isthmus makes them
        without = [key for key in parameters if not re.search(rf"^\s+(\w+, )*{key}(, \w+)*: ", text, re.M)]
        assert not without, (label, without)


FUNCTIONS = ["decode", "decode_file", "decode_image", "encode", "encode_file", "inspect", "preview", "verify"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_say_what_they_take_give_and_raise_and_show_it(name: str) -> None:
    text = inspect.getdoc(getattr(isthmus, name)) or ""
    for part in ("Arguments:", "Returns:", "Raises:", "Example:"):
        assert f"\n{part}\n" in text
    assert ">>> " in text
    assert f"isthmus.{name}(" in text
    assert ":meth:" not in text
    raised = re.findall(r"\b(\w+Error)\b", text.split("Raises:")[1].split("Example:")[0])
    assert len(raised) >= 4
    assert {error for error in raised if error != "OSError"} <= set(isthmus.__all__)


def test_literal_options_are_completed() -> None:
    """Editors offer what a literal type lists."""
    for found in (isthmus.encode, isthmus.encode_file, isthmus.Codec.__init__):
        hints = typing.get_type_hints(found)
        assert typing.get_args(hints["effort"]) == (1, 2, 3, 4)
        assert typing.Literal["best", "fast"] in typing.get_args(hints["model"])
    for found in (isthmus.encode, isthmus.encode_file):
        assert typing.Literal["psnr", "eye"] in typing.get_args(typing.get_type_hints(found)["tune"])


def test_type_checkers_see_the_package(tmp_path: Path) -> None:
    """py.typed says that the annotations count; a program that uses them wrongly is told."""
    assert resources.files("isthmus").joinpath("py.typed").is_file()
    (tmp_path / "user.py").write_text(
        "import isthmus\n"
        "reveal_type(isthmus.encode)\n"
        "isthmus.encode_file('a.png', effort=5)\n"
        "pixels: str = isthmus.decode(b'')\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", os.devnull, "user.py"]
    # From the outside: the package's own settings, and its folder of sources, are not the user's.
    environment = os.environ | {"MYPYPATH": ""}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    assert "quality: float | None =" in said
    assert 'expected "Literal[1, 2, 3, 4]"' in said
    assert 'expression has type "ndarray' in said
    assert "import-untyped" not in said


def test_the_wheel_says_that_it_is_typed(tmp_path: Path) -> None:
    from hatchling.build import build_wheel

    root = Path(__file__).parents[1]
    before = Path.cwd()
    os.chdir(root)
    try:
        name = build_wheel(str(tmp_path))
    finally:
        os.chdir(before)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        assert "isthmus/py.typed" in wheel.namelist()


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = isthmus.nothing


def imported_by(code: str) -> set[str]:
    shown = f"import sys\n{code}\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_is_light() -> None:
    heavy = {"numpy", "PIL", "onnxruntime", "openvino", "torch", "constriction", "click"}
    assert not heavy & imported_by("import isthmus")


def test_inspecting_needs_no_engine_and_no_coder(tmp_path: Path) -> None:
    from isthmus.image.container import assemble
    from isthmus.image.header import Header
    from isthmus.quality import Quality
    from isthmus.tune import EYE

    path = tmp_path / "a.isth"
    path.write_bytes(assemble(Header(4, 4, "RGB", Quality(0), bytes(8), 1024, coder=2, tune=EYE), {}, [], [b"?"]))
    code = f"from isthmus.cli import main\nmain(['info', {str(path)!r}], standalone_mode=False)"
    heavy = {
        "onnxruntime",
        "openvino",
        "torch",
        "constriction",
        "PIL",
        "isthmus.image.coders.separable",
        "isthmus.image.files",
    }
    assert not heavy & imported_by(code)


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert isthmus.__version__ == version("isthmus")
