"""What errors say, over all places that raise them: words of people, with what to do where that is not plain."""

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "isthmus"
OURS = {
    "InputError",
    "ModelError",
    "UnsupportedPictureError",
    "LimitExceededError",
    "UnknownModelError",
    "IsthmusError",
}


def words(node: ast.expr) -> str:
    """The text of a literal, with what is filled in as …."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"


@functools.cache
def raised() -> list[tuple[str, str, dict[str, str]]]:
    """(place, what, {expected, got, hint}) of every error of ours that is made in the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OURS and node.args:
                rest = {str(keyword.arg): words(keyword.value) for keyword in node.keywords}
                found.append((f"{path.relative_to(PACKAGE)}:{node.lineno}", words(node.args[0]), rest))
    return found


def test_all_are_found() -> None:
    assert len(raised()) > 100


@pytest.mark.parametrize("part", ["what", "expected", "hint"])
def test_no_message_speaks_in_riddles(part: str) -> None:
    """`X is none that a Y could have` says neither what is wrong nor what to do."""
    riddles = ("is none", "none that", "none of the", "that a run could have", "what it must take", "the dial is one")
    for place, what, rest in raised():
        text = what if part == "what" else rest.get(part, "")
        assert not any(riddle in text for riddle in riddles), (place, text)


def test_parts_fit_together() -> None:
    """what: expected …, got …. hint."""
    for place, what, rest in raised():
        assert what, place
        assert not what.endswith((".", ":", ",")), (place, what)
        hint = rest.get("hint", "")
        if hint not in ("", "…"):
            assert hint.endswith((".", "…", '"')), (place, hint)
            first = hint.split()[0]
            # A sentence; names of the package's own begin as they are written.
            assert first[0].isupper() or first[0] in "`…" or "_" in first or first == "isthmus", (place, hint)


def test_a_value_out_of_range_names_the_range() -> None:
    """Where something was got, it is said what was expected, or why it was no use, or what to do."""
    for place, what, rest in raised():
        if "got" in rest and not ({"expected", "hint"} & rest.keys()):
            assert len(what.split()) >= 3, (place, what)
