"""Items through workers: bounded, and one that kills its workers is told apart from its neighbours."""

import os
from collections.abc import Iterator

import pytest
from distributed import Client

from isthmus.batch.job import Item
from isthmus.distributed import fleet
from isthmus.distributed.clusters import LOCAL, cluster_client
from isthmus.distributed.fleet import Fleet
from isthmus.errors import InputError

ITEMS = [Item(f"{number}.png", 10, "") for number in range(60)]


def test_no_more_is_taken_than_keeps_the_workers_busy(client: Client) -> None:
    taken = 0

    def items() -> Iterator[Item | int]:
        nonlocal taken
        for item in ITEMS:
            taken += 1
            yield item

    done = Fleet(client, lambda item: len(item.name), lambda item: -1).results(items())
    next(done)
    # Two threads: three tasks for each, of one item or sixteen.
    assert taken <= 4 + 2 * fleet._ITEMS
    assert len(list(done)) == len(ITEMS) - 1
    assert taken == len(ITEMS)


def test_what_is_a_result_already_is_passed_on(client: Client) -> None:
    done = Fleet(client, lambda item: len(item.name), lambda item: -1)
    assert sorted(done.results([7, ITEMS[0], 9])) == [5, 7, 9]


def test_the_item_that_kills_is_named_and_the_others_are_done(client: Client) -> None:
    def work(item: Item) -> str:
        if item.name == "5.png":
            os._exit(1)
        return item.name

    client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    try:
        found = list(Fleet(client, work, lambda item: f"lost {item.name}").results(ITEMS[:8]))
    finally:
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 3))
        client.wait_for_workers(2, timeout=60)
    assert "lost 5.png" in found
    assert {name.removeprefix("lost ") for name in found} == {item.name for item in ITEMS[:8]}
    assert len(found) == 8


def test_workers_of_another_version_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "__version__", "0.0.1")
    with pytest.raises(InputError, match="another isthmus"):
        list(Fleet(client, lambda item: 1, lambda item: 0).results(ITEMS[:1]))


def test_workers_of_our_own_keep_no_samples_of_their_stacks() -> None:
    with cluster_client(LOCAL, 1) as client:
        (found,) = client.run(lambda dask_worker: sorted(dask_worker.periodic_callbacks)).values()
    assert "heartbeat" in found
    assert "profile" not in found
