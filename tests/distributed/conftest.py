"""Two worker processes and a store of S3's protocol, both on this machine."""

from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster

from stores import Store, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[Store]:
    with s3_server() as store:
        yield store


@pytest.fixture
def store(s3: Store) -> Store:
    s3.reset()
    return s3


@pytest.fixture(scope="package")
def client(s3: Store) -> Iterator[Client]:
    # After the store: workers inherit where it is.
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        yield client
