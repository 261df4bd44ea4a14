import pickle

import pytest

from isthmus import errors


def all_errors() -> list[type[errors.IsthmusError]]:
    return [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.IsthmusError)
    ]


@pytest.mark.parametrize("kind", all_errors())
def test_the_docstring_draws_every_error(kind: type[errors.IsthmusError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", all_errors())
def test_errors_survive_a_process_boundary(kind: type[errors.IsthmusError]) -> None:
    before = kind("no good", expected=3, got="four", hint="Try three.")
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is kind
    assert str(after) == "no good: expected 3, got four. Try three."
    assert (after.expected, after.got, after.hint) == (3, "four", "Try three.")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "what"),
        ({"expected": 1}, "what: expected 1"),
        ({"got": 0}, "what: got 0"),
        ({"expected": 1, "got": 0}, "what: expected 1, got 0"),
        ({"hint": "Do."}, "what. Do."),
    ],
)
def test_message(fields: dict[str, object], message: str) -> None:
    assert str(errors.IsthmusError("what", **fields)) == message  # type: ignore[arg-type]


def test_input_errors_are_value_errors() -> None:
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)
