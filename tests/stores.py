"""A server of S3's protocol on loopback, which counts requests, and fails or takes its time when it is told to."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import s3fs
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "pictures"


class Store:
    """What a test asks of the server.

    Attributes:
        requests: how many there were, by "METHOD" and, of lists, "LIST".
        fails: told of every request's method and path, whether it ends in an error of the server.
        slowness: the same, the seconds after which it is answered.
    """

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self.requests: Counter[str] = Counter()
        self.reset()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._lock:
            self.requests["LIST" if "list-type" in environ["QUERY_STRING"] else method] += 1
            failed, seconds = self.fails(method, path), self.slowness(method, path)
        if seconds:
            time.sleep(seconds)
        if failed:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def reset(self) -> None:
        """No failures, no waiting, and counting from nothing."""
        self.requests.clear()
        self.fails: Callable[[str, str], bool] = lambda method, path: False
        self.slowness: Callable[[str, str], float] = lambda method, path: 0


@contextmanager
def s3_server() -> Iterator[Store]:
    """The server, with the bucket `BUCKET`; s3:// addresses of this process and its children lead there."""
    store = Store()
    server = make_server("127.0.0.1", 0, store, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        # What fails always is found out sooner than by the five tries of everyday.
        "AWS_MAX_ATTEMPTS": "3",
        # The same of an answer that does not come: a minute is usual.
        "FSSPEC_S3": '{"config_kwargs": {"read_timeout": 4}}',
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir(BUCKET)
        store.reset()
        try:
            yield store
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            server.shutdown()
            thread.join()
            server.server_close()
    assert "AWS_ENDPOINT_URL" not in os.environ
