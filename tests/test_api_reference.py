"""The API reference: it builds without a warning, its pages lead to each other, and every name explains itself."""

import functools
import importlib.util
import io
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pdoc.doc
import pytest

import isthmus

SCRIPT = Path(__file__).parents[1] / "scripts" / "api_reference.py"
_spec = importlib.util.spec_from_file_location("api_reference", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
api_reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(api_reference)
MODULES: tuple[str, ...] = api_reference.MODULES
PROPERTY = (property, functools.cached_property)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference, built as by the command that its readers are told, in this process, which other tests may share; a
    warning ends it."""
    folder = tmp_path_factory.mktemp("reference") / "api"
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), redirect_stdout(said), redirect_stderr(said):
        warnings.simplefilter("error")
        patch.setattr(sys, "argv", [str(SCRIPT), str(folder)])
        api_reference.main()
    assert said.getvalue() == ""
    return folder


def page_of(folder: Path, module: str) -> Path:
    return folder / f"{module.replace('.', '/')}.html"


def test_every_public_name_is_on_the_first_page(pages: Path) -> None:
    assert "isthmus.html" in (pages / "index.html").read_text(encoding="utf-8")
    page = page_of(pages, "isthmus").read_text(encoding="utf-8")
    for name in isthmus.__all__:
        assert f'id="{name}"' in page, name
    # Headings of docstrings are headings, and not the beginning of a paragraph.
    assert re.search("<h6[^>]*>Raises:</h6>", page)
    # Signatures, not only names.
    assert '<span class="signature' in page


@pytest.mark.parametrize("module", MODULES)
def test_pages_link_to_each_other(pages: Path, module: str) -> None:
    page = page_of(pages, module)
    links = {name: href for href, name in re.findall('<a href="([^"]*)">([^<]*)</a>', page.read_text(encoding="utf-8"))}
    for other in MODULES:
        if other != module:
            assert (page.parent / links[other]).resolve() == page_of(pages, other).resolve()


def unexplained(found: pdoc.doc.Namespace) -> Iterator[str]:
    """Full names without a docstring; fields may be explained by the docstring of their class instead."""
    members = found.members.values() if isinstance(found, pdoc.doc.Module) else found.own_members
    for member in members:
        if member.name.startswith("_") or isinstance(member, pdoc.doc.Module):
            continue
        own = vars(found.obj)
        # A field whose default is a function looks like a method.
        is_field = member.name in own.get("__annotations__", {}) or (
            isinstance(member, pdoc.doc.Variable) and not isinstance(own.get(member.name), PROPERTY)
        )
        by_class = isinstance(found, pdoc.doc.Class) and is_field
        if not member.docstring and not (by_class and re.search(rf"\b{member.name}\b", found.docstring)):
            yield member.fullname
        if isinstance(member, pdoc.doc.Class):
            yield from unexplained(member)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_explains_itself(module: str) -> None:
    api_reference.resolve()
    found = pdoc.doc.Module.from_name(module)
    assert found.docstring
    assert list(unexplained(found)) == []


BARE = '''"""A module."""
number = 1
def function(): ...
class Class:
    """Has `known` and `told`."""
    known: int
    field: int
    def method(self): ...
    @property
    def told(self): ...
'''


def test_a_name_without_a_docstring_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bare.py").write_text(BARE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    names = unexplained(pdoc.doc.Module.from_name("bare"))
    assert set(names) == {"bare.number", "bare.function", "bare.Class.field", "bare.Class.method", "bare.Class.told"}
