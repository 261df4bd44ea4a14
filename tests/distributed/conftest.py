"""Two worker processes, a store of S3's protocol, and pictures on a disk and in the store, all on this machine."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from distributed import Client, LocalCluster

from batch.helpers import picture
from clusters import COUNT, contents
from isthmus.batch.job import Job
from isthmus.batch.plan import items
from isthmus.batch.steps import process
from stores import BUCKET, Store, s3_server


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


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`COUNT` pictures in three folders, two of one name, and a text."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(COUNT - 1):
        picture(folder / f"{'abc'[index % 3]}/{index}.png", index)
    picture(folder / "a/3.jpg", 50)
    (folder / "a/notes.txt").write_text("mine")
    return folder


@pytest.fixture(scope="session")
def expected(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of them."""
    target = tmp_path_factory.mktemp("alone")
    job = Job("encode", str(photos), str(target), model="fast")
    assert {process(job, item).state for item in items(job)[0]} == {"done"}
    return contents(str(target))


@pytest.fixture
def source(photos: Path, store: Store, request: pytest.FixtureRequest) -> Iterator[str]:
    """The same pictures in the store, below a name of the test's own."""
    name = f"{BUCKET}/{request.node.name}"
    remote = fsspec.filesystem("s3")
    remote.put(f"{photos}/", f"{name}/in/", recursive=True)
    remote.invalidate_cache()
    store.reset()
    yield f"s3://{name}/in"
    store.reset()
    remote.rm(name, recursive=True)


@pytest.fixture
def target(source: str) -> str:
    return source.removesuffix("in") + "out"
