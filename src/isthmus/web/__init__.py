"""The local viewer: pictures dropped in a browser, beside what isthmus and its rivals make of them."""

import importlib.util

from isthmus.errors import MissingExtraError


def load_web() -> None:
    """Raise MissingExtraError, naming the pip command, where the viewer's own libraries are missing."""
    from isthmus.bench import load_bench

    for module in ("starlette", "uvicorn"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(f"the viewer needs the package {module}", hint='pip install "isthmus[web]"')
    load_bench()
