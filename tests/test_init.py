import subprocess
import sys

import pytest

import isthmus

PUBLIC = """
BitstreamError Codec CorruptError Info InputError IsthmusError LimitExceededError Limits MissingExtraError ModelError
NotIsthmusError OutputExistsError SelfCheckError TooNewError TruncatedError UnknownModelError UnsupportedPictureError
__version__ decode decode_file decode_image encode encode_file inspect preview
verify
"""


def test_the_public_names_are_pinned() -> None:
    assert isthmus.__all__ == PUBLIC.split()
    assert dir(isthmus) == isthmus.__all__


@pytest.mark.parametrize("name", PUBLIC.split())
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(isthmus, name) is getattr(isthmus, name)


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


def test_inspecting_needs_no_engine(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from isthmus.image.container import assemble
    from isthmus.image.header import Header
    from isthmus.quality import Quality

    path = tmp_path / "a.isth"
    path.write_bytes(assemble(Header(4, 4, "RGB", Quality(0), bytes(8), 1024), {}, [], [b"?"]))
    code = f"from isthmus.cli import main\nmain(['info', {str(path)!r}], standalone_mode=False)"
    assert not {"onnxruntime", "openvino", "torch", "constriction"} & imported_by(code)


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert isthmus.__version__ == version("isthmus")
