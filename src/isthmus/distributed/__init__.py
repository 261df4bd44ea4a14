"""Trees of pictures by the workers of a Dask cluster; needs `isthmus[distributed]`, on this machine and on the workers.

from distributed import Client
from isthmus.distributed import run_tree

summary = run_tree(Client("tcp://scheduler:8786"), "encode", "s3://bucket/in", "s3://bucket/out", quality=60)
"""

from isthmus.distributed.tree import run_tree

__all__ = ["run_tree"]
