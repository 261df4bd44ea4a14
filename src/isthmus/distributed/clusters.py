"""The cluster that a command names: one that runs already, or one that it starts for itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dask.config
from distributed import Client, LocalCluster

from isthmus.errors import InputError

LOCAL = "local"


@contextmanager
def cluster_client(address: str, workers: int | None = None) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a cluster of this machine's processes that ends with the block.

    Args:
        address: `LOCAL`, or as in tcp://scheduler:8786.
        workers: processes of a local cluster; None for one a core.

    Raises:
        InputError: nothing can be made of the address.
        OSError: no scheduler answers there.
    """
    # Its log is for those who run the cluster; what a command has to say of it, it says itself.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if address == LOCAL:
        with (
            # Its samples of every stack stay for a thousand seconds, some 130 MB a worker, for a page that nobody sees.
            dask.config.set({"distributed.worker.profile.enabled": False}),
            LocalCluster(
                n_workers=workers or os.cpu_count() or 1,
                threads_per_worker=1,
                # Any port: with None it is the usual one, which another cluster may have.
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(address, set_as_default=False)
    except (ValueError, TypeError) as error:
        raise InputError(f"{address} is no scheduler's address", expected="tcp://HOST:8786, or local") from error
    except OSError as error:
        raise ConnectionError(f"no scheduler answers at {address}") from error
    with client:
        yield client
