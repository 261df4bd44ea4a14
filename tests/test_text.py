"""Sentences about counts and names."""

from isthmus.text import all_of, counted, some_of, told


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


def test_all_of() -> None:
    assert [all_of("abc"[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_an_error_of_the_system_is_told_with_the_name_of_its_file() -> None:
    assert told(FileNotFoundError(2, "No such file or directory", "a.png")) == "a.png: No such file or directory"
    assert told(OSError("timed out")) == told(ValueError("timed out")) == "timed out"


def test_a_name_that_is_no_text_can_be_printed() -> None:
    assert some_of([b"caf\xe9.png".decode(errors="surrogateescape")]) == "caf?.png"
