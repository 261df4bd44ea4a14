"""Sentences about counts and names."""

from isthmus.text import counted, some_of


def test_counted() -> None:
    assert [counted(n, "picture") for n in (0, 1, 2, 1200)] == [
        "0 pictures",
        "1 picture",
        "2 pictures",
        "1,200 pictures",
    ]


def test_some_of() -> None:
    assert some_of([]) == ""
    assert some_of(["a", "b", "c"]) == "a, b, c"
    assert some_of(("a", "b", "c"), 2) == "a, b, ..."


def test_a_name_that_is_no_text_can_be_printed() -> None:
    assert some_of([b"caf\xe9.png".decode(errors="surrogateescape")]) == "caf?.png"
