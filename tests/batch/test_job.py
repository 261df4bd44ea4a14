"""What a run counts."""

from isthmus.batch.job import Item, Result, Summary


def test_the_summary() -> None:
    summary = Summary()
    for state in ("done", "done", "kept", "skipped", "failed"):
        summary.add(Result(Item("a", 100, "b"), state, 40))  # type: ignore[arg-type]
    assert summary == Summary(2, 1, 1, 1, 300, 120)
    assert summary.total == 5
